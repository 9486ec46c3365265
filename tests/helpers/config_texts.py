"""Config texts as files, loaded or refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from nanoknow.config.experiment import ExperimentConfig
from nanoknow.config.loading import Override, load_config
from nanoknow.errors import ConfigError

DEFAULTS = ExperimentConfig()


def write(folder: Path, text: str) -> str:
    path = folder / "config.yaml"
    path.write_text(text, encoding="utf-8", newline="")
    return str(path)


def load(
    folder: Path, text: str, *overrides: Override, base: ExperimentConfig | None = None
) -> ExperimentConfig:
    return load_config(write(folder, text), overrides, base)


def refusal(folder: Path, text: str, *overrides: Override) -> str:
    """Return the message that a config is refused with, its file's name shortened."""
    with pytest.raises(ConfigError) as caught:
        load(folder, text, *overrides)
    message = str(caught.value)
    assert len(message.splitlines()) == 1
    return message.replace(str(folder / "config.yaml"), "FILE")
