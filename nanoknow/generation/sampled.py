"""A text as a model has written all of it, and how much of it is copied."""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from nanoknow.config.experiment import DataConfig, SampleConfig
from nanoknow.errors import ConfigError, printable
from nanoknow.generation.copied import MIN_COPIED, CopiedText, mark_copied
from nanoknow.generation.sample import Sampler
from nanoknow.system.plain import Result
from nanoknow.system.reporter import Reporter


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
    """Return what ``sample`` compares with, by ``--mark-copied`` and what goes with it.

    Raises:
        ConfigError: the others are given without it.
    """
    for flag, value in (("--min-copied", min_copied), ("--corpus", corpus)):
        if value is not None and not marks:
            raise ConfigError(f"{flag}: goes with --mark-copied: add that, or leave it out")
    return DataConfig(corpus=corpus) if marks else None


def write_all(sampler: Sampler, seed: int, min_copied: int | None, reporter: Reporter) -> Sampled:
    """Write a fresh sampler's text to its end, and mark what is copied if it has a corpus."""
    written: list[str] = []
    with reporter.progress("writing", sampler.config.length) as show:
        for character in sampler.characters:
            written.append(character)
            show(len(written), "")
    text, read = "".join(written), sampler.corpus
    copied = None if read is None else mark_copied(text, read, min_copied or MIN_COPIED)
    return Sampled(sampler.config, seed, text, copied)
