"""A sweep as data: one config, and rows that each change some of its values."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import Field, Strict, ValidationError

from nanoknow.config.experiment import ExperimentConfig
from nanoknow.config.loading import Override, load_config, shipped
from nanoknow.config.messages import explain
from nanoknow.config.strict_yaml import parse, read
from nanoknow.config.values import Count, Frozen
from nanoknow.errors import ConfigError

RowName = Annotated[str, Field(pattern=r"^[^/\x00-\x1f]{1,80}$")]

File = TypeVar("File", bound=Frozen)
Load = Callable[[str, Sequence[Override]], ExperimentConfig]


class RowsConfig(Frozen):
    """Variants of one config, as a sweep and a law have them.

    Attributes:
        config: a shipped config's name, or a file; the start of every row.
        seeds: how many, counted from the config's own.
        common: values that differ from the config in every row, by dotted key.
        rows: by name, the values that differ in it.
    """

    config: str
    seeds: Count = 3
    common: dict[str, Any] = Field(default_factory=dict)
    rows: dict[RowName, dict[str, Any]] = Field(min_length=1)

    def resolve(self, load: Load = load_config) -> dict[str, ExperimentConfig]:
        """Return the config of each row.

        Args:
            load: makes a config of a name and overrides.

        Raises:
            ConfigError: a row sets a key or value that a config does not have.
        """
        common = _overrides(self.common, "common")
        rows = {name: _overrides(own, f"row {name!r}") for name, own in self.rows.items()}
        return {name: load(self.config, [*common, *own]) for name, own in rows.items()}


class SweepConfig(RowsConfig):
    """What a sweep file holds.

    Attributes:
        folds: parts of training and evaluation questions together, each asked of a model that was
            trained on the others; None to ask the evaluation questions.
        predict: files of questions, with answers or without, that every run answers as well.
    """

    folds: Annotated[int, Strict(), Field(ge=2, le=100)] | None = None
    predict: tuple[Path, ...] = ()


def load_sweep(name_or_path: str) -> SweepConfig:
    """Read a sweep: a shipped one's name, or a YAML file.

    Raises:
        ConfigError: one line with the file and the key.
    """
    return load_file(name_or_path, SweepConfig, "sweep")


def load_file(name_or_path: str, kind: type[File], what: str) -> File:
    """Read a file of a kind: a shipped one's name, or a YAML file.

    Args:
        name_or_path: of the file.
        kind: what it holds.
        what: it is called, and with an s the folder of those that are shipped.

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
