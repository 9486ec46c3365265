"""The four findings on attention, measured on drawn keys and values beside ``attention_theory``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import softmax

from nanoknow.attention.theory import (
    ALPHA,
    AVERAGE,
    COPY,
    NOISY,
    STRETCHED,
    TWO_HEADS,
    Array,
    Experiment,
    Law,
    Setting,
    copying_bound,
    projected_error,
)

STEADY = 0.1
"""A weight this near to ½ counts as half."""
N_BINS = 41
"""Of histograms over 0 … 1; an odd number, so that ½ lies in the middle of one."""
SWEEP = 8
"""How many β the errors of copying and averaging are measured at."""
CHUNK = 2**21
"""Numbers of keys or values drawn at once."""


@dataclass(frozen=True)
class Quantity:
    """A number as it was measured and as theory has it.

    Attributes:
        standard_error: of the measurement, from the spread of the draws; None where it has none.
        is_bound: whether theory says no more than this may be found, not what will be.
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


@dataclass(frozen=True)
class TheoryReport:
    """All experiments.

    Attributes:
        plot: the picture's path, where one was drawn.
    """

    setting: Setting
    findings: tuple[Finding, ...]
    sweep: tuple[SweepRow, ...]
    plot: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Return it as plain values."""
        return {"alpha": ALPHA, **asdict(self)}


def explore(setting: Setting) -> TheoryReport:
    """Run all experiments; they draw apart from each other."""
    betas = [setting.beta * (i + 1) / SWEEP for i in range(SWEEP)]
    copied = _simulate(setting, COPY, betas)
    averaged = _simulate(setting, AVERAGE, betas)
    sweep = tuple(
        SweepRow(
            beta,
            _error(COPY, copied, i, Law(setting, COPY, beta)),
            copying_bound(setting.n_keys, beta),
            _error(AVERAGE, averaged, i, Law(setting, AVERAGE, beta)),
            _root_mean_square(
                "|M 2c − v_a|, RMS", averaged.projected[i], projected_error(setting, beta)
            ),
        )
        for i, beta in enumerate(betas)
    )
    findings = [
        _finding(
            COPY,
            copied,
            Law(setting, COPY, setting.beta),
            Quantity(
                f"|c − {COPY.wished}|, largest",
                float(copied.errors[-1].max()),
                None,
                sweep[-1].copying_bound,
                is_bound=True,
            ),
        ),
        _finding(
            AVERAGE,
            averaged,
            Law(setting, AVERAGE, setting.beta),
            sweep[-1].projected,
            *_projections(setting),
        ),
    ]
    for experiment in (NOISY, STRETCHED, TWO_HEADS):
        law = Law(setting, experiment, setting.beta)
        outcome = _simulate(setting, experiment, [setting.beta])
        findings.append(_finding(experiment, outcome, law, *_steadiness(experiment, outcome, law)))
    return TheoryReport(setting, tuple(findings), sweep)


@dataclass(frozen=True)
class _Outcome:
    """What was measured at each of some β, in each draw; all (βs, draws).

    Attributes:
        weights: on v_a, the mean over the heads.
        errors: |c - Σ tᵢvᵢ|.
        projected: |M 2c - v_a|, which means something where v_a is to be half of c.
    """

    weights: Array
    errors: Array
    projected: Array


def _simulate(setting: Setting, experiment: Experiment, betas: Sequence[float]) -> _Outcome:
    """Attend to drawn keys and values; every β meets the same draws."""
    rng = _generator(setting, experiment.name)
    means = _orthonormal(rng, setting.dim)[:, : setting.n_keys].T  # (n, d)
    queries = np.stack([means[list(keys)].sum(0) for keys in experiment.heads])  # (heads, d)
    target = experiment.target(setting.n_keys)
    basis = _orthonormal(rng, setting.dim)
    inside = basis[:, : setting.dim // 2]  # of A
    chunks = []
    for n in _chunks(setting):
        keys = np.broadcast_to(means, (n, *means.shape))
        if experiment.alpha:
            keys = keys + np.sqrt(experiment.alpha) * rng.standard_normal(keys.shape)
        if experiment.stretched:
            keys[:, 0] += np.sqrt(0.5) * rng.standard_normal((n, 1)) * means[0]
        values = _values(rng, (n, setting.n_keys), basis)  # (n draws, n keys, d)
        wished = np.einsum("i,bid->bd", target, values)
        products = np.einsum("hd,bid->bhi", queries, keys)  # (n draws, heads, n keys)
        measured = []
        for beta in betas:
            weights = softmax(beta * products, axis=2).mean(1)  # (n draws, n keys)
            c = np.einsum("bi,bid->bd", weights, values)
            measured.append(
                (
                    weights[:, 0],
                    np.linalg.norm(c - wished, axis=1),
                    np.linalg.norm((2 * c @ inside) @ inside.T - values[:, 0], axis=1),
                )
            )
        chunks.append(np.array(measured))  # (βs, 3, n draws)
    return _Outcome(*np.concatenate(chunks, axis=2).transpose(1, 0, 2))


def _values(rng: np.random.Generator, shape: tuple[int, int], basis: Array) -> Array:
    """Draw unit vectors: the first in A, the second orthogonal to A, the others anywhere."""
    parts = rng.standard_normal((*shape, len(basis)))  # along the basis; A's comes first
    parts[:, 0, len(basis) // 2 :] = 0.0
    parts[:, 1, : len(basis) // 2] = 0.0
    parts /= np.linalg.norm(parts, axis=2, keepdims=True)
    values: Array = parts @ basis.T
    return values


def _projections(setting: Setting) -> tuple[Quantity, Quantity]:
    """Measure what M makes of sums whose parts are orthogonal, and of those that are not."""
    rng = _generator(setting, "projection")
    basis = _orthonormal(rng, setting.dim)
    r = setting.dim // 2
    m = basis[:, :r] @ basis[:, :r].T
    right, wrong = [], []
    for n in _chunks(setting):
        a, b, anywhere = _values(rng, (n, 3), basis).transpose(1, 0, 2)
        right.append(np.linalg.norm((a + b) @ m - a, axis=1))
        wrong.append(np.linalg.norm((a + anywhere) @ m - a, axis=1))
    return (
        Quantity("|M(v_a + v_b) − v_a|, largest", float(np.concatenate(right).max()), None, 0.0),
        _root_mean_square(
            "… v_b not orthogonal, RMS", np.concatenate(wrong), np.sqrt(r / setting.dim)
        ),
    )


def _finding(experiment: Experiment, outcome: _Outcome, law: Law, *more: Quantity) -> Finding:
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


def _steadiness(experiment: Experiment, outcome: _Outcome, law: Law) -> list[Quantity]:
    """Count the draws that hold ½, and those in which the first of two heads loses v_a."""
    weights = outcome.weights[-1]
    low, quarter, high = law.below(np.array([0.5 - STEADY, 0.25, 0.5 + STEADY]))
    near = np.abs(weights - 0.5) < STEADY
    found = [_share(f"draws within {STEADY} of ½", near, high - low)]
    if len(experiment.heads) > 1:
        found.append(_share("draws where head 1 loses v_a", weights < 0.25, quarter))
    return found


def _error(experiment: Experiment, outcome: _Outcome, i: int, law: Law) -> Quantity:
    return _root_mean_square(f"|c − {experiment.wished}|, RMS", outcome.errors[i], law.error)


def _root_mean_square(name: str, x: Array, theory: float) -> Quantity:
    root = float(np.sqrt((x**2).mean()))
    error = _standard_error(x**2) / (2 * root) if root else None  # by the delta method
    return Quantity(name, root, error, float(theory))


def _share(name: str, is_so: npt.NDArray[np.bool_], theory: float) -> Quantity:
    return Quantity(name, float(is_so.mean()), _standard_error(is_so), float(theory))


def _standard_error(x: npt.NDArray[Any]) -> float:
    return float(x.std() / np.sqrt(len(x)))


def _generator(setting: Setting, label: str) -> np.random.Generator:
    return np.random.default_rng([setting.seed, *label.encode()])


def _orthonormal(rng: np.random.Generator, dim: int) -> Array:
    """Draw a (d, d) orthogonal matrix."""
    matrix: Array = np.linalg.qr(rng.standard_normal((dim, dim)))[0]
    return matrix


def _chunks(setting: Setting) -> Iterator[int]:
    """Yield how many draws to make at once, until all are made."""
    most = max(1, CHUNK // (setting.dim * setting.n_keys))
    for first in range(0, setting.draws, most):
        yield min(most, setting.draws - first)
