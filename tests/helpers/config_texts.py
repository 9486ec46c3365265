"""Config texts as files, loaded or refused."""

from pathlib import Path

from nanoknow.config.experiment import ExperimentConfig
from nanoknow.config.loading import Override, load_config
from nanoknow.errors import ConfigError
from tests.helpers.refused import refused

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
    message = refused(ConfigError, lambda: load(folder, text, *overrides))
    return message.replace(str(folder / "config.yaml"), "FILE")
