"""The records of runs and checkpoints: their values, a format, and a seal.

A seal, the SHA-256 of the values, shows damage but not forgery, so every value is checked.
"""

import hashlib
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from nanoknow.config.experiment import ExperimentConfig, StageName, union_members
from nanoknow.config.messages import show_value
from nanoknow.config.models import ModelConfig
from nanoknow.config.tasks import TaskConfig
from nanoknow.config.values import CountOrZero, NonNegative
from nanoknow.data.tokenizer import SPECIALS, Tokenizer
from nanoknow.errors import CheckpointError
from nanoknow.system.plain import to_json

FORMAT, FORMATS_READ = 2, (1, 2)
"""Formats of ``checkpoint.json`` and ``run.json`` that are written and read; 1 has no id."""

LATEST = 2**53
"""Bound on counts of runs, steps and characters; floats hold every whole number up to it."""
PROGRESS = {"step", "epoch", "batch", "positions", "epoch_loss"}
"""Keys of a checkpoint's progress; since 0.3.0 ``examples`` too."""


def _that(holds: Callable[[Any], bool], words: str) -> AfterValidator:
    """Return a check that a condition holds for a value; ``words`` name it in the error."""

    def check(value: object) -> object:
        if not holds(value):
            raise ValueError(f"must be {words} (got {show_value(value)})")
        return value

    return AfterValidator(check)


def _is_date(text: str) -> bool:
    with suppress(ValueError):
        return 1970 <= datetime.fromisoformat(text).year < 9999
    return False


def _is_progress(values: Mapping[str, int | float]) -> bool:
    are_whole = all(type(n) is int for key, n in values.items() if key != "epoch_loss")
    are_counts = all(0 <= n < LATEST for n in values.values())  # false for NaN
    return values.keys() - {"examples"} == PROGRESS and are_whole and are_counts


Tag = Annotated[str, _that(lambda tag: tag in union_members(), "a known one")]
"""A model variant or a kind of task."""
Created = Annotated[str, _that(_is_date, "a date")]
Source = Annotated[str, _that(lambda path: "\0" not in path, "the name of a folder")]
RecordedTexts = Annotated[
    dict[str, dict[str, str]],
    _that(lambda texts: all(text.keys() == {"name", "sha256"} for text in texts.values()), "texts"),
]
"""Name and SHA-256 of each text, by its role."""
RecordedProgress = Annotated[dict[str, int | float], _that(_is_progress, "counts of what was done")]


class RunRecord(BaseModel):
    """What ``run.json`` says: everything about a run that does not change while it trains.

    Attributes:
        stage: the part of the config that it trains by.
        created: UTC, ISO 8601.
        started_from: the checkpoint whose weights and vocabulary it started with.
        data: name and SHA-256 of each text by its role.
        id: identifies the run, in its checkpoints too; None before format 2.
        number: counts the runs of a runs folder in the order they were made; 0 before format 2.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    format: int = FORMAT
    stage: StageName
    task: Tag
    variant: Tag
    n_parameters: CountOrZero
    seed: CountOrZero
    created: Created
    started_from: Source | None
    data: RecordedTexts
    id: str | None = None
    number: Annotated[int, Field(ge=0, le=LATEST)] = 0


class CheckpointRecord(BaseModel):
    """What ``checkpoint.json`` says.

    Attributes:
        vocabulary: the characters, in the order of their ids.
        progress: how far training has come (``Trainer.state``).
        seconds: time of training so far, evaluations and earlier sessions included.
        data: the name and SHA-256 of each text by its role.
        config: the config that the run trained by; None before 0.3.0.
        files: the SHA-256 of each tensor file, by name.
        run: the id of the run that it belongs to; None if the run has none.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: int = FORMAT
    version: str
    torch: str
    model: ModelConfig
    vocabulary: Annotated[str, Field(min_length=1)]
    task: TaskConfig
    seed: CountOrZero
    precision: Literal["float32", "bfloat16"]
    device: str
    progress: RecordedProgress
    seconds: NonNegative
    data: RecordedTexts
    config: ExperimentConfig | None = None
    files: dict[str, str] = {}
    run: str | None = None

    @model_validator(mode="after")
    def _agrees_with_itself(self) -> Self:
        marks = "".join(SPECIALS) if self.task.has_marks else ""
        if len({*self.vocabulary}) < len(self.vocabulary) or not self.vocabulary.startswith(marks):
            raise ValueError("vocabulary: must have each character once, and the marks of its task")
        if self.config and self.config.model != self.model:
            raise ValueError("config.model: must be the model")
        return self

    @property
    def tokenizer(self) -> Tokenizer:
        """The vocabulary, ready to use."""
        return Tokenizer(self.vocabulary)


def require_format(file: Path, content: Mapping[str, Any]) -> None:
    """Refuse a record in a format that this version does not read.

    Raises:
        CheckpointError: names its format and, where it is recorded, the version.
    """
    if content.get("format") not in FORMATS_READ:
        why = f"format {show_value(content.get('format'))}, and this version reads"
        readable = " and ".join(map(str, FORMATS_READ))
        raise CheckpointError(f"{file}: {of_another_version(f'{why} {readable}', content)}")


def sealed(content: dict[str, Any]) -> bytes:
    """Return the bytes of a record's file: its content, and the SHA-256 of that."""
    seal = hashlib.sha256(to_json(content, sort_keys=True).encode()).hexdigest()
    return to_json({"sha256": seal, "content": content}, ensure_ascii=False).encode()


def unreadable(error: OSError) -> str:
    """Say that a file cannot be read, which does not mean that it is damaged."""
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        return (
            "is gone: if training has just replaced it, run the command again with the run's folder"
        )
    return f"cannot be read: {error.strerror}: fix that, and run the command again"


def of_another_version(why: str, content: Mapping[str, Any]) -> str:
    """Say that a record, or a file with it, is intact but not what this version reads."""
    writer = re.sub(r"[^\w.+ -]", "?", str(content.get("version", "of the release that wrote it")))
    return f"{why}: use nanoknow {writer[:40]}"
