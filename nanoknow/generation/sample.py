"""``nanoknow sample``: text, drawn character by character from what a model predicts."""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import torch
from torch import Tensor

from nanoknow.config.experiment import DataConfig, SampleConfig, union_members
from nanoknow.config.loading import Override, load_config
from nanoknow.data.batch import Group, Layout
from nanoknow.data.corpus import Corpus
from nanoknow.data.sources import Texts
from nanoknow.data.tokenizer import Tokenizer
from nanoknow.errors import ConfigError, DataError, NanoknowError, printable
from nanoknow.generation.copied import MIN_COPIED, CopiedText, mark_copied
from nanoknow.models.base import CharacterModel
from nanoknow.models.low_precision import in_bfloat16
from nanoknow.runs.checkpoint import Checkpoint
from nanoknow.runs.finding import describe_run, latest_run, open_checkpoint
from nanoknow.runs.run import Run
from nanoknow.system.device import choose_device
from nanoknow.system.plain import Result
from nanoknow.system.reporter import Reporter
from nanoknow.system.seeds import new_generator
from nanoknow.tasks.question_answering import describe_unknown

MAKER = "nanoknow pretrain --config shakespeare-small"


@dataclass(frozen=True)
class Sampler:
    """A language model ready to write.

    Attributes:
        config: the run's own ``sample`` section, with the overrides applied.
        characters: yields those after the context, each as it is drawn.
        corpus: the training text to compare with; None where no comparison was asked for.
    """

    config: SampleConfig
    characters: Iterator[str]
    corpus: Corpus | None


@dataclass(frozen=True, repr=False)
class Sampled(Result):
    """A text that a model has written.

    Attributes:
        config: how it was sampled, with the context as it was read.
        seed: of the draws.
        text: what comes after the context.
        copied: how much of that is in the training text; None where it was not asked for.
    """

    config: SampleConfig
    seed: int
    text: str
    copied: CopiedText | None
    JSON: ClassVar[tuple[str, ...]] = ("*config", "seed", "text", "*compared")

    @property
    def compared(self) -> dict[str, CopiedText]:
        """What was copied, where it was asked for."""
        return {"copied": self.copied} if self.copied else {}

    def __str__(self) -> str:
        return printable(self.config.context + self.text, lines=True)


def text_to_compare(marks: bool, min_copied: int | None, corpus: Path | None) -> DataConfig | None:
    """Return the data to compare with, by ``--mark-copied`` and its own flags; None without it.

    Raises:
        ConfigError: ``--min-copied`` or ``--corpus`` is given without it.
    """
    for flag, value in (("--min-copied", min_copied), ("--corpus", corpus)):
        if value is not None and not marks:
            raise ConfigError(f"{flag}: goes with --mark-copied: add that, or leave it out")
    return DataConfig(corpus=corpus) if marks else None


def sample(
    run_path: Path | None,
    overrides: Sequence[Override],
    seed: int,
    device: str,
    reporter: Reporter,
    compare_with: DataConfig | None = None,
) -> Sampler:
    """Open a run, and return what draws characters after a context.

    Args:
        run_path: a run or checkpoint folder; None for the latest language model, or else the
            latest run of any kind, by ``latest_run``.
        overrides: of the ``sample`` section and the ``precision`` of the run's config.
        seed: of the draws.
        device: ``auto``, ``cpu``, ``cuda`` or ``cuda:N``.
        reporter: is notified which run is used.
        compare_with: names the training text to compare with, or nothing for the run's own; None
            for no comparison.

    Raises:
        CheckpointError: there is no such run.
        ConfigError: a value is out of range, or the device does not support it.
        DataError: the vocabulary holds no character of the context, or the text to compare with
            is not what the run was trained on.
    """
    load_config(None, overrides)  # a bad value is refused before any run is opened
    context = next((o.value for o in overrides if o.key == "sample.context"), "")
    if run_path is None:
        run, checkpoint = latest_run("language_modeling", context, MAKER, union_members())
    else:
        run, checkpoint = open_checkpoint(run_path)
    record = checkpoint.record
    whole = load_config(None, overrides, run.config)
    config, left_out = with_readable_context(run, checkpoint, whole.sample, context)
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
    if record.task.kind != "language_modeling":
        reporter.note(f"{run.path} is no language model, and writes as it is: '{MAKER}' makes one")
    if left_out:
        reporter.note(left_out)
    corpus = None if compare_with is None else _training_text(run, compare_with)
    model = checkpoint.load_model(chosen)
    if chosen.precision == "bfloat16":
        model = in_bfloat16(model, eight_bits=eight_bits)
    generator = new_generator(seed, "sample")
    return Sampler(config, sample_text(model, record.tokenizer, config, generator), corpus)


def write_all(sampler: Sampler, seed: int, min_copied: int | None, reporter: Reporter) -> Sampled:
    """Draw all characters of an unused sampler, and mark what is copied if it has a corpus."""
    text, read = "", sampler.corpus
    with reporter.progress("writing", sampler.config.length) as show:
        for character in sampler.characters:
            text += character
            show(len(text), "")
    copied = None if read is None else mark_copied(text, read, min_copied or MIN_COPIED)
    return Sampled(sampler.config, seed, text, copied)


def with_readable_context(
    run: Run, checkpoint: Checkpoint, config: SampleConfig, named: str | None
) -> tuple[SampleConfig, str]:
    """Return a config with a context that a run's vocabulary can encode.

    Characters outside the vocabulary are left out. Where no context was ``named`` and the default
    has such characters, it is replaced by the first words of the run's text, if that can be read.

    Returns:
        The config with the context as it is read, and a note on the change, empty for none.

    Raises:
        DataError: nothing is left of a context that was named.
    """
    tokenizer, context = checkpoint.record.tokenizer, config.context
    if not (unknown := Counter(tokenizer.unknown(context))):
        return config, ""
    read = tokenizer.decode(tokenizer.encode_known(context))
    note = f"--context: {describe_unknown(unknown)}"
    if named and not read:
        raise DataError(f"{note}: nothing is left for {run.path}: give another, or another run")
    if not named:
        read = read or tokenizer.characters[-1]
        with suppress(NanoknowError):
            start = _training_text(run, DataConfig()).text.lstrip()[:30]
            read = start.rpartition(" ")[0] or read
        note = f"the default context does not fit the vocabulary: starting from {read!r}"
    return config.model_copy(update={"context": read}), note


def _training_text(run: Run, named: DataConfig) -> Corpus:
    texts = Texts.find(named.over(run.config.data), ("corpus",))
    run.require_same_texts(texts)
    return texts.require_corpus()


@torch.inference_mode()
def sample_text(
    model: CharacterModel, tokenizer: Tokenizer, config: SampleConfig, generator: torch.Generator
) -> Iterator[str]:
    """Yield the characters that a model writes after a config's context, one at a time.

    Within the block each character costs one step with a cache. Past it there are two ways:

    ``recompute``: the model reads the last ``block_size`` characters again for every one. With
    learned positions each of them has moved, so that nothing computed before is of use. This is
    what the original did, and the exact reference.

    ``hop``: when the block is full, the model reads its last ``block_size // 2`` characters again
    from position 0, and goes on with the cache until it is full again. Each character is then
    predicted from between half a block and a whole one. The text is another one, as likely, and
    written many times faster.

    Args:
        model: is put into ``eval`` mode, and runs on its own device.
        tokenizer: the model's.
        config: only the last ``block_size`` characters of its context are read.
        generator: a CPU generator; draws are made on the CPU, the same on every device.

    Raises:
        DataError: the context holds characters outside the vocabulary.
    """
    model.eval()
    device = next(model.parameters()).device
    block_size = model.config.block_size
    kept = block_size if config.past_block == "recompute" else block_size // 2
    window = torch.from_numpy(tokenizer.encode(config.context))[-block_size:]  # (T,)
    cache = model.new_cache(block_size)
    new, first = window, 0
    for _ in range(config.length):
        if first + len(new) > block_size:
            new, first, cache = window[-kept:], 0, model.new_cache(block_size)
        layout = Layout.of((Group(1, len(new)),), device, first)
        last = torch.tensor([len(new) - 1], device=device)
        [logits] = model(new.to(device), layout, cache, last)  # (vocabulary,)
        first += len(new)
        logits = model.require_finite(logits).float().cpu()
        # The highest is subtracted, in float64, so that no temperature gives a NaN.
        scaled = (logits - logits.max()).double() / config.temperature
        new = _draw(scaled.float(), config.top_k, generator)  # (1,)
        window = torch.cat([window, new])[-block_size:]
        yield tokenizer.decode([int(new)])


def _draw(logits: Tensor, top_k: int | None, generator: torch.Generator) -> Tensor:
    if top_k is not None and top_k < len(logits):
        least = logits.topk(top_k).values[-1]
        logits = logits.masked_fill(logits < least, -torch.inf)
    return torch.multinomial(logits.softmax(-1), 1, generator=generator)
