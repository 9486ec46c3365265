"""What flags set, for commands and for Python, where they are keyword arguments."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from nanoknow.config.experiment import DataConfig
from nanoknow.config.loading import Override, load_config, parse_assignment

DATA = ("corpus", "questions", "eval", "documents", "skip_long")
"""Keys of a config's data that flags set."""
SAMPLE = ("context", "length", "temperature", "top_k", "past_block", "weights")
"""The same of its section ``sample``."""
TRAINING = {
    "--model": "model.variant",
    "--bottleneck-dim": "model.bottleneck_dim",
    "--epochs": "{stage}.epochs",
    "--batch-size": "{stage}.batch_size",
    "--learning-rate": "{stage}.optimizer.learning_rate",
    "--seed": "seed",
}
"""Those of both commands that train, with the keys that they set."""


def overrides(
    assignments: Iterable[str] | Mapping[str, Any] | None, flags: Sequence[Override] = ()
) -> list[Override]:
    """Return the flags that have a value, then what ``--set`` sets, as ``a.b=c`` or by key."""
    given = [flag for flag in flags if flag.value is not None]
    if isinstance(assignments, Mapping):
        return [*given, *(Override(k, value, f"--set {k}") for k, value in assignments.items())]
    return [*given, *(parse_assignment(text) for text in assignments or ())]


def data_flags(*values: str | Path | bool | None) -> list[Override]:
    """Return the values of ``DATA``, in its order, as many as a command has, for ``overrides``."""
    return flags_of("data", DATA, [value or None for value in values])


def flags_of(section: str, keys: Sequence[str], values: Sequence[Any]) -> list[Override]:
    """Return the values of a section's keys, as many as there are, as flags of their names."""
    pairs = zip(keys, values, strict=False)
    return [Override(f"{section}.{k}", value, f"--{k.replace('_', '-')}") for k, value in pairs]


def training_flags(*values: str | float | None) -> list[Override]:
    """Return the values of ``TRAINING``, in its order, as many as a command has, for any stage."""
    pairs = zip(TRAINING.items(), values, strict=False)
    return [Override(key, value, flag) for (flag, key), value in pairs]


def sample_flags(*values: str | float | None, precision: str | None = None) -> list[Override]:
    """Return the values of ``SAMPLE``, in its order, and the precision; a ``top_k`` of 0 is all."""
    given = [*flags_of("sample", SAMPLE, values), Override("precision", precision, "--precision")]
    return [
        replace(flag, value=None) if (flag.key, flag.value) == ("sample.top_k", 0) else flag
        for flag in overrides(None, given)
    ]


def named_data(*values: str | Path | bool | None) -> DataConfig:
    """Return the data that a command names in place of a run's own: nothing else is set.

    Raises:
        ConfigError: a value is none that it may have.
    """
    load_config(None, overrides(None, data_flags(*values)))  # which knows how to refuse one
    given = zip(DATA, values, strict=False)
    return DataConfig.model_validate({key: value for key, value in given if value})
