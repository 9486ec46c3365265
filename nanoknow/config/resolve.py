"""Which config a command starts from."""

from __future__ import annotations

from collections.abc import Sequence

from nanoknow.config.experiment import ExperimentConfig
from nanoknow.config.loading import Override, load_config
from nanoknow.system.reporter import Reporter

BUILT_IN = "demo"
FILES = ("data.corpus", "data.questions", "data.eval")


def settle(
    name: str | None,
    overrides: Sequence[Override],
    reporter: Reporter,
    base: ExperimentConfig | None = None,
) -> ExperimentConfig:
    """Resolve the config of a command.

    A named config holds. Without one a run's own config does (``base``); else, when a data file
    is named, the defaults; else the built-in world's.

    Raises:
        ConfigError: see ``load_config``.
    """
    names_data = any(override.key in FILES for override in overrides)
    if name is None and base is None and not names_data:
        name = BUILT_IN
        reporter.note(
            f"no --config and no data named: using the built-in world (--config {BUILT_IN})"
        )
    return load_config(name, overrides, base if name is None else None)
