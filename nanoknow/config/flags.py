"""Flags as overrides of config keys, for commands and for the keyword arguments of Python."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from nanoknow.config.experiment import DataConfig
from nanoknow.config.loading import Override, load_config, parse_assignment

DATA = ("corpus", "questions", "eval", "documents", "skip_long")
"""Keys of the config section ``data`` that flags set."""
SAMPLE = ("context", "length", "temperature", "top_k", "past_block", "weights")
"""Keys of the section ``sample`` that flags set."""
TRAINING = {
    "--model": "model.variant",
    "--bottleneck-dim": "model.bottleneck_dim",
    "--epochs": "{stage}.epochs",
    "--batch-size": "{stage}.batch_size",
    "--learning-rate": "{stage}.optimizer.learning_rate",
    "--seed": "seed",
}
"""Flags of both ``pretrain`` and ``finetune``, with the keys that they set."""


def overrides(
    assignments: Iterable[str] | Mapping[str, Any] | None, flags: Sequence[Override] = ()
) -> list[Override]:
    """Return the flags that have a value, then ``--set``: texts ``a.b=c``, or values by key."""
    given = [flag for flag in flags if flag.value is not None]
    if isinstance(assignments, Mapping):
        return [*given, *(Override(k, value, f"--set {k}") for k, value in assignments.items())]
    return [*given, *(parse_assignment(text) for text in assignments or ())]


def data_flags(*values: str | Path | bool | None) -> list[Override]:
    """Return overrides for the first keys of ``DATA``, in its order; see ``flags_of``."""
    return flags_of("data", DATA, [value or None for value in values])


def flags_of(section: str, keys: Sequence[str], values: Sequence[Any]) -> list[Override]:
    """Return an override for each value, of a section's key and labelled as that key's flag."""
    pairs = zip(keys, values, strict=False)
    return [Override(f"{section}.{k}", value, f"--{k.replace('_', '-')}") for k, value in pairs]


def training_flags(*values: str | float | None) -> list[Override]:
    """Return overrides for the first keys of ``TRAINING``, in its order, for any stage."""
    pairs = zip(TRAINING.items(), values, strict=False)
    return [Override(key, value, flag) for (flag, key), value in pairs]


def sample_flags(*values: str | float | None, precision: str | None = None) -> list[Override]:
    """Return overrides for the first keys of ``SAMPLE``, and precision; ``top_k`` 0 means all."""
    given = [*flags_of("sample", SAMPLE, values), Override("precision", precision, "--precision")]
    return [
        replace(flag, value=None) if (flag.key, flag.value) == ("sample.top_k", 0) else flag
        for flag in overrides(None, given)
    ]


def named_data(*values: str | Path | bool | None) -> DataConfig:
    """Return a data config that sets only what a command names in place of a run's own data.

    Raises:
        ConfigError: a value is not allowed.
    """
    load_config(None, overrides(None, data_flags(*values)))  # raises the ConfigError
    given = zip(DATA, values, strict=False)
    return DataConfig.model_validate({key: value for key, value in given if value})
