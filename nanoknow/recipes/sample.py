"""``nanoknow sample``: let a language model write on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from nanoknow.config import SampleConfig
from nanoknow.config_file import Override, load_config
from nanoknow.device import choose_device, new_generator
from nanoknow.errors import CheckpointError, ConfigError, DataError
from nanoknow.generator import sample as sample_ids
from nanoknow.models.bfloat16 import in_bfloat16
from nanoknow.reporter import Reporter
from nanoknow.runs import describe_run, latest_run, open_checkpoint

MAKER = "nanoknow pretrain --config shakespeare-small"


@dataclass(frozen=True)
class Sampler:
    """A language model ready to write.

    Attributes:
        config: the run's own ``sample`` section, with what was asked for on top.
        pieces: the characters after the context, as they come.
    """

    config: SampleConfig
    pieces: Iterator[str]


def sample(
    run_path: Path | None,
    overrides: Sequence[Override],
    seed: int,
    device: str,
    reporter: Reporter,
) -> Sampler:
    """Write characters after a context, as they come.

    Args:
        run_path: a run or checkpoint folder; None for the latest language model whose
            vocabulary holds the context.
        overrides: of the ``sample`` section and the ``precision`` of the run's config.
        seed: of the draws.
        device: ``auto``, ``cpu``, ``cuda`` or ``cuda:N``.
        reporter: is told which run is taken.

    Raises:
        CheckpointError: there is no such run, or it is no language model.
        ConfigError: a value is out of range, or the device does not do it.
        DataError: names the characters of the context that the vocabulary does not hold.
    """
    asked = load_config(None, overrides).sample  # refused before any run is looked at
    if run_path is None:
        named = any(override.key == "sample.context" for override in overrides)
        run, checkpoint = latest_run("language_modeling", asked.context if named else "", MAKER)
    else:
        run, checkpoint = open_checkpoint(run_path)
    record = checkpoint.record
    if record.task.kind != "language_modeling":
        raise CheckpointError(
            f"{run.path}: is a {record.task.kind} run, not a language model: make one with "
            f"'{MAKER}'"
        )
    whole = load_config(None, overrides, run.config)
    config = whole.sample
    try:
        context = record.tokenizer.encode(config.context)
    except DataError as error:
        raise DataError(f"--context: {error}: leave it out, or name another run") from None
    eight_bits = config.weights == "int8"
    if eight_bits and any(o.key == "precision" and o.value == "float32" for o in overrides):
        raise ConfigError("--weights int8: multiplies in bfloat16: leave --precision float32 out")
    chosen = choose_device(device, "bfloat16" if eight_bits else whole.precision)
    if eight_bits and chosen.torch_device.type != "cpu":
        raise ConfigError("--weights int8: only on a CPU: add --device cpu, or leave it out")
    reporter.note(
        f"using {describe_run(run, checkpoint)}, on {chosen.name} ({chosen.reason}); "
        f"{config.weights} weights; past the block: {config.past_block}"
    )
    model = checkpoint.load_model(chosen)
    if chosen.precision == "bfloat16":
        model = in_bfloat16(model, eight_bits=eight_bits)
    ids = sample_ids(
        model,
        context,
        config.length,
        config.temperature,
        config.top_k,
        new_generator(seed, "sample"),
        config.past_block,
    )
    return Sampler(config, (record.tokenizer.decode([i]) for i in ids))
