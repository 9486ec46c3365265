"""``nanoknow sample``: let a language model write on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nanoknow.config.experiment import DataConfig, SampleConfig
from nanoknow.config.loading import Override, load_config
from nanoknow.data.corpus import Corpus
from nanoknow.data.sources import Texts
from nanoknow.errors import CheckpointError, ConfigError, DataError
from nanoknow.generation.copied import Copied, find_copied, pieces
from nanoknow.generation.sampling import sample as sample_ids
from nanoknow.models.low_precision import in_bfloat16
from nanoknow.runs.checkpoint import Checkpoint
from nanoknow.runs.finding import describe_run, latest_run, open_checkpoint
from nanoknow.runs.run import Run
from nanoknow.system.device import choose_device
from nanoknow.system.reporter import Reporter
from nanoknow.system.seeds import new_generator

MAKER = "nanoknow pretrain --config shakespeare-small"


@dataclass(frozen=True)
class Sampler:
    """A language model ready to write.

    Attributes:
        config: the run's own ``sample`` section, with what was asked for on top.
        pieces: the characters after the context, as they come.
        corpus: the training text, where it was asked for.
    """

    config: SampleConfig
    pieces: Iterator[str]
    corpus: Corpus | None = None


@dataclass(frozen=True)
class Comparison:
    """How much of a text stands word for word in the training text.

    Attributes:
        text: what was written, without its context.
        corpus: the training text's name.
        min_length: characters that a stretch needs to count.
        stretches: in their order; they may overlap.
    """

    text: str
    corpus: str
    min_length: int
    stretches: list[Copied]

    @property
    def n_copied(self) -> int:
        """Characters in any stretch."""
        return sum(len(piece) for piece, copied in pieces(self.text, self.stretches) if copied)

    @property
    def share(self) -> float:
        """Of the text's characters, those in any stretch."""
        return self.n_copied / len(self.text)

    @property
    def longest(self) -> Copied | None:
        """The longest stretch, the first among equals."""
        return max(self.stretches, key=lambda s: s.end - s.start, default=None)

    def to_json(self) -> dict[str, Any]:
        """Return it as plain values."""
        return {
            "corpus": self.corpus,
            "min_length": self.min_length,
            "characters": self.n_copied,
            "share": self.share,
            "stretches": [stretch.to_json() for stretch in self.stretches],
        }


def compare(text: str, corpus: Corpus, min_length: int) -> Comparison:
    """Find what a sample recites.

    Args:
        text: of 1 or more characters.
        corpus: what its writer was trained on.
        min_length: characters that a stretch needs to count.
    """
    return Comparison(text, corpus.name, min_length, find_copied(text, corpus, min_length))


def sample(
    run_path: Path | None,
    overrides: Sequence[Override],
    seed: int,
    device: str,
    reporter: Reporter,
    compare_with: DataConfig | None = None,
) -> Sampler:
    """Write characters after a context, as they come.

    Args:
        run_path: a run or checkpoint folder; None for the latest language model whose
            vocabulary holds the context.
        overrides: of the ``sample`` section and the ``precision`` of the run's config.
        seed: of the draws.
        device: ``auto``, ``cpu``, ``cuda`` or ``cuda:N``.
        reporter: is told which run is taken.
        compare_with: has the training text read, the one that it names or else the run's own;
            None for no text.

    Raises:
        CheckpointError: there is no such run, or it is no language model.
        ConfigError: a value is out of range, or the device does not do it.
        DataError: names the characters of the context that the vocabulary does not hold, or the
            text to compare with is not what the run was trained on.
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
    corpus = None if compare_with is None else _training_text(run, checkpoint, compare_with)
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
    return Sampler(config, (record.tokenizer.decode([i]) for i in ids), corpus)


def _training_text(run: Run, checkpoint: Checkpoint, named: DataConfig) -> Corpus:
    try:
        own = named if named.corpus else run.config.data
        corpus = Texts.find(own, ("corpus",)).require_corpus()
    except DataError as error:
        if named.corpus:
            raise
        raise DataError(f"--mark-copied: {error}; a copy elsewhere goes by --corpus") from None
    recorded = checkpoint.record.data["corpus"]["sha256"]
    if corpus.sha256 != recorded:
        raise DataError(
            f"{corpus.name}: SHA-256 {corpus.sha256[:12]}… here, and {recorded[:12]}… when "
            f"{run.path} was trained: name the old text with --corpus"
        )
    return corpus
