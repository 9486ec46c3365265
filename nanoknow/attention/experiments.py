"""``nanoknow attention``: the four findings on attention, measured beside ``theory``."""

from dataclasses import astuple, dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from nanoknow.attention.simulation import Outcome, project, simulate
from nanoknow.attention.theory import (
    Array,
    Experiment,
    Law,
    Setting,
    copying_bound,
    projected_error,
)
from nanoknow.errors import ConfigError
from nanoknow.system.plain import Result

ALPHA = 1e-6
"""Variance of a noisy key, in every direction."""
COPY = Experiment("a", "copying: one head, q = βμ_a", ((0,),))
AVERAGE = Experiment("b", "averaging: one head, q = β(μ_a + μ_b)", ((0, 1),))
NOISY = Experiment("c", "the same, keys from N(μ, αI)", ((0, 1),), ALPHA)
STRETCHED = Experiment("c", "the same, k_a from N(μ_a, αI + ½μ_aμ_aᵀ)", ((0, 1),), ALPHA, True)
TWO_HEADS = Experiment("d", "the last keys, two heads, βμ_a and βμ_b", ((0,), (1,)), ALPHA, True)

MAX_DIM, MAX_DRAWS = 1024, 1_000_000
MAX_BETA = 30.0
"""Beyond it, the weight left on the other values is lost in the rounding of float64."""
STEADY = 0.1
"""A weight this near to ½ counts as half."""
N_BINS = 41
"""Of histograms over 0 … 1; an odd number, so that ½ lies in the middle of one."""
SWEEP = 8
"""How many values of β the errors of copying and averaging are measured at."""


@dataclass(frozen=True)
class Quantity:
    """A number as measured and as theory gives it.

    Attributes:
        standard_error: of the measurement, from the spread of the draws; None where there is none.
        is_bound: whether theory gives an upper bound, not the expected value.
    """

    name: str
    measured: float
    standard_error: float | None
    theory: float
    is_bound: bool = False


@dataclass(frozen=True)
class Histogram:
    """Shares of the draws whose weight on v_a falls in each of ``N_BINS`` bins of 0 … 1."""

    measured: tuple[float, ...]
    theory: tuple[float, ...]


@dataclass(frozen=True)
class Finding:
    """What one experiment found."""

    letter: str
    name: str
    quantities: tuple[Quantity, ...]
    histogram: Histogram


@dataclass(frozen=True)
class SweepRow:
    """Root mean square errors at one β.

    Attributes:
        copying: of c for v_a; ``copying_bound`` is the most that any draw can have.
        averaging: of c for ½(v_a + v_b).
        projected: of M 2c for v_a.
    """

    beta: float
    copying: Quantity
    copying_bound: float
    averaging: Quantity
    projected: Quantity


@dataclass(frozen=True, repr=False)
class TheoryReport(Result):
    """All experiments."""

    JSON: ClassVar = ("alpha", "setting", "findings", "sweep")
    alpha: ClassVar = ALPHA

    setting: Setting
    findings: tuple[Finding, ...]
    sweep: tuple[SweepRow, ...]


def run_experiments(setting: Setting) -> TheoryReport:
    """Measure copying, averaging, and what noise does to them, each with draws of its own.

    Raises:
        ConfigError: a size is out of range.
    """
    _check(setting)
    betas = [setting.beta * (i + 1) / SWEEP for i in range(SWEEP)]
    copied = simulate(setting, COPY, betas)
    averaged = simulate(setting, AVERAGE, betas)
    sweep = []
    for i, beta in enumerate(betas):
        copying = _error(COPY, copied, i, Law(setting, COPY, beta))
        averaging = _error(AVERAGE, averaged, i, Law(setting, AVERAGE, beta))
        off, expected = averaged.projected[i], projected_error(setting, beta)
        projected = _root_mean_square("|M 2c − v_a|, RMS", off, expected)
        bound = copying_bound(setting.n_keys, beta)
        sweep.append(SweepRow(beta, copying, bound, averaging, projected))
    worst = _largest(f"|c − {COPY.output}|", copied.errors[-1], sweep[-1].copying_bound, True)
    orthogonal, other = project(setting)
    kept = np.sqrt(setting.dim // 2 / setting.dim)
    projections = (
        sweep[-1].projected,
        _largest("|M(v_a + v_b) − v_a|", orthogonal, 0.0),
        _root_mean_square("… v_b not orthogonal, RMS", other, kept),
    )
    findings = [
        _finding(COPY, copied, Law(setting, COPY, setting.beta), worst),
        _finding(AVERAGE, averaged, Law(setting, AVERAGE, setting.beta), *projections),
    ]
    for experiment in (NOISY, STRETCHED, TWO_HEADS):
        law = Law(setting, experiment, setting.beta)
        outcome = simulate(setting, experiment, [setting.beta])
        findings.append(_finding(experiment, outcome, law, *_steadiness(experiment, outcome, law)))
    return TheoryReport(setting, tuple(findings), tuple(sweep))


def _check(setting: Setting) -> None:
    dim, n, beta, draws, seed = astuple(setting)
    few = f"too few for {n} orthonormal keys: give {n} or more, or fewer --keys"
    for flag, value, is_fine, advice in (
        ("--keys", n, n >= 3, "give 3 or more: two to average, and others"),
        ("--dim", dim, dim <= MAX_DIM, f"give {MAX_DIM} or less"),
        ("--dim", dim, dim >= n, few),
        ("--beta", beta, 0 < beta <= MAX_BETA, f"give more than 0, and no more than {MAX_BETA:g}"),
        ("--draws", draws, 2 <= draws <= MAX_DRAWS, f"give from 2 to {MAX_DRAWS:,}"),
        ("--seed", seed, seed >= 0, "give 0 or more"),
    ):
        if not is_fine:
            raise ConfigError(f"{flag} {str(value).removesuffix('.0')}: {advice}")


def _finding(experiment: Experiment, outcome: Outcome, law: Law, *more: Quantity) -> Finding:
    weights = outcome.weights[-1]
    edges = np.linspace(0, 1, N_BINS + 1)
    edges[-1] += 1e-9  # a weight of 1 belongs to the last bin
    counts = np.histogram(weights, edges)[0] / len(weights)
    spread = _standard_error(weights) if experiment.alpha else None
    quantities = [Quantity("weight on v_a, mean", float(weights.mean()), spread, law.mean)]
    if experiment.alpha:
        off = weights - weights.mean()
        quantities.append(_root_mean_square("weight on v_a, deviation", off, law.spread))
    histogram = Histogram(tuple(counts.tolist()), tuple(np.diff(law.below(edges)).tolist()))
    quantities += [_error(experiment, outcome, -1, law), *more]
    return Finding(experiment.letter, experiment.name, tuple(quantities), histogram)


def _steadiness(experiment: Experiment, outcome: Outcome, law: Law) -> list[Quantity]:
    """Return the share of draws near ½ and, of two heads, that in which the first loses v_a."""
    weights = outcome.weights[-1]
    low, quarter, high = law.below(np.array([0.5 - STEADY, 0.25, 0.5 + STEADY]))
    near = np.abs(weights - 0.5) < STEADY
    found = [_share(f"draws within {STEADY} of ½", near, high - low)]
    if len(experiment.heads) > 1:
        found.append(_share("draws where head 1 loses v_a", weights < 0.25, quarter))
    return found


def _error(experiment: Experiment, outcome: Outcome, i: int, law: Law) -> Quantity:
    return _root_mean_square(f"|c − {experiment.output}|, RMS", outcome.errors[i], law.error)


def _largest(name: str, x: Array, theory: float, is_bound: bool = False) -> Quantity:
    return Quantity(f"{name}, largest", float(x.max()), None, theory, is_bound)


def _root_mean_square(name: str, x: Array, theory: float) -> Quantity:
    root = float(np.sqrt((x**2).mean()))
    error = _standard_error(x**2) / (2 * root) if root else None  # by the delta method
    return Quantity(name, root, error, float(theory))


def _share(name: str, is_so: npt.NDArray[np.bool_], theory: float) -> Quantity:
    return Quantity(name, float(is_so.mean()), _standard_error(is_so), float(theory))


def _standard_error(x: npt.NDArray[Any]) -> float:
    return float(x.std() / np.sqrt(len(x)))
