"""A sweep as data: a config, and rows that each change some of its values."""

import re
from collections.abc import Callable, Sequence
from typing import Annotated, Any, Self, TypeVar

from pydantic import AfterValidator, Field, Strict, ValidationError, model_validator

from nanoknow.config.experiment import ExperimentConfig
from nanoknow.config.loading import Override, load_config, shipped
from nanoknow.config.messages import explain, show_value
from nanoknow.config.strict_yaml import parse, read
from nanoknow.config.values import FileName, Frozen, Thousand
from nanoknow.errors import ConfigError

MOST_SEEDS, MOST_RUNS = 1_000, 10_000
"""Most seeds and most runs (rows × seeds × folds) of a sweep or a law."""
RESERVED = ("", ".", "..", "lock", "sweep.json", "law.json", "law.png", "table.csv")
"""Names that no row may have: the sweep's folder uses them itself."""


def slug(row: str) -> str:
    """Return the name of a row's folder."""
    return re.sub(r"[^\w.=-]+", "-", row)


def _names_a_folder(row: str) -> str:
    if not row.isprintable() or "/" in row or not 0 < len(row) <= 80 or len(row.encode()) > 200:
        raise ValueError(f"must be 1 to 80 characters on one line, without a slash (got {row!r})")
    if slug(row) in RESERVED or row.startswith("folds-"):
        raise ValueError(f"{row!r} is no name for a folder of runs: name it otherwise")
    return row


RowName = Annotated[str, AfterValidator(_names_a_folder)]

File = TypeVar("File", bound=Frozen)
Load = Callable[[str, Sequence[Override]], ExperimentConfig]


class RowsConfig(Frozen):
    """Variants of one config, as a sweep and a law have them.

    Attributes:
        config: a shipped config's name, or a file; every row starts from it.
        seeds: number of seeds, counted up from the config's own.
        common: values that every row changes in the config, by dotted key.
        rows: the values that each row changes, by its name.
    """

    config: str
    seeds: Thousand = 3
    common: dict[str, Any] = Field(default_factory=dict)
    rows: dict[RowName, dict[str, Any]] = Field(min_length=1, max_length=1_000)

    @model_validator(mode="after")
    def _rows_have_folders_of_their_own(self) -> Self:
        if len({slug(row) for row in self.rows}) < len(self.rows):
            names = show_value(", ".join(self.rows))
            raise ValueError(f"rows {names}: some are too alike for names of folders")
        return self

    def resolve(self, load: Load = load_config) -> dict[str, ExperimentConfig]:
        """Return the config of each row.

        Args:
            load: returns the config for a name and overrides.

        Raises:
            ConfigError: a row sets a key or value that a config does not have.
        """
        common = _overrides(self.common, "common")
        rows = {name: _overrides(own, f"row {name!r}") for name, own in self.rows.items()}
        return {name: load(self.config, [*common, *own]) for name, own in rows.items()}


class SweepConfig(RowsConfig):
    """What a sweep file holds.

    Attributes:
        folds: parts into which training and evaluation questions together are divided; each is
            asked of a model trained on the others. None: ask the evaluation questions.
        predict: files of questions, with answers or without, that every run answers as well.
    """

    folds: Annotated[int, Strict(), Field(ge=2, le=100)] | None = None
    predict: tuple[FileName, ...] = ()


def load_sweep(name_or_path: str) -> SweepConfig:
    """Read a sweep, by the name of a shipped one or from a YAML file.

    Raises:
        ConfigError: one line with the file and the key.
    """
    return load_file(name_or_path, SweepConfig, "sweep")


def load_file(name_or_path: str, kind: type[File], what: str) -> File:
    """Read a sweep or a law, by the name of a shipped one or from a YAML file.

    Args:
        name_or_path: which one.
        kind: the config class of its content.
        what: its name in errors, and with an s the folder of the shipped ones.

    Raises:
        ConfigError: one line with the file and the key.
    """
    source, text = read(name_or_path, shipped(f"{what}s"), what)
    values, lines = parse(text, source)
    try:
        return kind.model_validate(values)
    except ValidationError as error:
        raise ConfigError(explain(error.errors()[0], source, lines, {}, kind)) from None


def _overrides(changes: dict[str, Any], label: str) -> list[Override]:
    return [Override(key, value, f"{label}: {key}") for key, value in changes.items()]
