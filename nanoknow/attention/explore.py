"""``nanoknow attention``: what attention can do, measured beside theory."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from nanoknow.attention.experiments import TheoryReport, explore
from nanoknow.attention.theory import Setting
from nanoknow.errors import ConfigError

DEFAULTS = Setting(dim=64, n_keys=8, beta=20.0, draws=5_000, seed=0)
MAX_DIM, MAX_DRAWS = 1024, 1_000_000
MAX_BETA = 30.0
"""Past it, what is left over of the other values drowns in the rounding of float64."""


def attention_theory(setting: Setting = DEFAULTS, plot: Path | None = None) -> TheoryReport:
    """Measure copying, averaging, and what noise does to both.

    Args:
        setting: sizes, the number of draws, and their seed.
        plot: where to draw the four findings, .png or .svg.

    Raises:
        ConfigError: a size is out of range, or the picture cannot be written.
    """
    _check(setting)
    report = explore(setting)
    if plot is None:
        return report
    from nanoknow.attention.figure import plot_theory

    plot_theory(report, plot)
    return replace(report, plot=str(plot))


def _check(setting: Setting) -> None:
    if setting.n_keys < 3:
        raise ConfigError(f"--keys {setting.n_keys}: give 3 or more: two to average, and others")
    if setting.dim > MAX_DIM:
        raise ConfigError(f"--dim {setting.dim}: give {MAX_DIM} or less")
    if setting.dim < setting.n_keys:
        raise ConfigError(
            f"--dim {setting.dim}: too few for {setting.n_keys} orthonormal keys: give "
            f"{setting.n_keys} or more, or fewer --keys"
        )
    if not 0 < setting.beta <= MAX_BETA:  # also refuses nan
        raise ConfigError(
            f"--beta {setting.beta:g}: give more than 0, and no more than {MAX_BETA:g}"
        )
    if not 2 <= setting.draws <= MAX_DRAWS:
        raise ConfigError(f"--draws {setting.draws}: give from 2 to {MAX_DRAWS:,}")
    if setting.seed < 0:
        raise ConfigError(f"--seed {setting.seed}: give 0 or more")
