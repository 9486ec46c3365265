"""What a head of attention can do, measured beside theory: copy, average, and be upset by noise.

A head's weights on n keys are w = softmax(kᵢᵀq) and its output is c = Σ wᵢvᵢ (Vaswani et al.,
2017; the scale 1/√d is taken into q). Keys have orthonormal means μᵢ, queries are β times sums
of some of these, and values are independent and uniform on the unit sphere of d dimensions.

Where the theory comes from. Let m = μᵢᵀq be the products without noise, t the weights wished for
(all on one key, or half on each of two), and a the key whose norm may vary.

Weights. With the gap g = k_aᵀq - log Σ_{i≠a} exp kᵢᵀq, w_a = 1 / (1 + e^{-g}), and the others
share the rest as softmax(mᵢ) = pᵢ. Keys kᵢ ~ N(μᵢ, αI), and k_a ~ N(μ_a, αI + ½μ_aμ_aᵀ) where its
norm varies, make g normal, to first order in α, with

    mean      m_a - log Σ_{i≠a} exp mᵢ
    variance  α|q|²(1 + Σ pᵢ²), plus ½m_a² where the norm varies

so that w_a is logit-normal (Atchison & Shen, 1980). Its moments have no closed form: they are
integrals against the normal density, by the trapezoidal rule, which for these converges
exponentially (Trefethen & Weideman, 2014) and, unlike Gauss and Hermite's, however steep e^{βz}.

Error. Values are uncorrelated, E vᵢᵀvⱼ = δᵢⱼ, hence E|c - Σ tᵢvᵢ|² = E Σ (wᵢ - tᵢ)².

Copying. If all products lie at least Δ below that of j, 1 - w_j ≤ (n - 1)e^{-Δ}, and
|c - v_j| = |Σ wᵢ(vᵢ - v_j)| ≤ (1 - w_j) max |vᵢ - v_j|, at most 2(n - 1)e^{-Δ} for unit values.

Telling two apart. M = Σ aᵢaᵢᵀ over an orthonormal basis of A projects onto A: M(v_a + v_b) = v_a
for v_a in A and v_b orthogonal to it. Of a unit vector that lies anywhere, it keeps a length of
√(r/d) in the root mean square, r the dimensions of A.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import expit, logsumexp, ndtr, softmax

Array = npt.NDArray[np.float64]

ALPHA = 1e-6
"""Variance of a key in every direction where it is noisy."""
STEADY = 0.1
"""A weight this near to ½ counts as half."""
N_BINS = 41
"""Of histograms over 0 … 1; an odd number, so that ½ lies in the middle of one."""
SWEEP = 8
"""How many β the errors of copying and averaging are measured at."""
GRID = np.linspace(-9.0, 9.0, 6001)
"""Where integrals against the normal density are evaluated: fine enough for β up to 100."""
CHUNK = 2**21
"""Numbers of keys or values drawn at once."""


@dataclass(frozen=True)
class Setting:
    """Sizes of the experiments.

    Attributes:
        dim: d, of keys and values.
        n_keys: n, 3 or more and no more than d.
        beta: β, the length of the query's part along a key's mean; up to 100.
        draws: how often keys and values are drawn.
        seed: of all draws.
    """

    dim: int
    n_keys: int
    beta: float
    draws: int
    seed: int


@dataclass(frozen=True)
class Experiment:
    """One way to ask.

    Attributes:
        heads: for each head, the keys (by number) whose means its query adds up; their outputs
            are averaged.
        alpha: variance of all keys in every direction.
        stretched: whether the norm of key 0 varies, by a variance of ½.
    """

    letter: str
    name: str
    heads: tuple[tuple[int, ...], ...]
    alpha: float = 0.0
    stretched: bool = False

    @property
    def wished(self) -> str:
        """What its output is to be."""
        return "½(v_a + v_b)" if self.heads != ((0,),) else "v_a"

    def target(self, n_keys: int) -> Array:
        """Return the (n,) weights wished for."""
        target = np.zeros(n_keys)
        for keys in self.heads:
            target[list(keys)] += 1 / len(keys) / len(self.heads)
        return target


COPY = Experiment("a", "copying: one head, q = βμ_a", ((0,),))
AVERAGE = Experiment("b", "averaging: one head, q = β(μ_a + μ_b)", ((0, 1),))
NOISY = Experiment("c", "the same, keys from N(μ, αI)", ((0, 1),), ALPHA)
STRETCHED = Experiment("c", "the same, k_a from N(μ_a, αI + ½μ_aμ_aᵀ)", ((0, 1),), ALPHA, True)
TWO_HEADS = Experiment("d", "the last keys, two heads, βμ_a and βμ_b", ((0,), (1,)), ALPHA, True)


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
                "|M 2c − v_a|, RMS", averaged.projected[i], _projected(setting, beta)
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


def copying_bound(n_keys: int, gap: float) -> float:
    """Return the most by which c can miss v_j, where all products lie ``gap`` below that of j."""
    rest = (n_keys - 1) * float(np.exp(-gap))
    return 2 * rest / (1 + rest)


class Law:
    """What theory says of an experiment; see the head of this module.

    Attributes:
        mean: of the weight on v_a.
        spread: its standard deviation.
        error: root mean square of |c - Σ tᵢvᵢ|.
    """

    def __init__(self, setting: Setting, experiment: Experiment, beta: float) -> None:
        weights = np.mean(
            [_weights(setting, experiment, beta, keys) for keys in experiment.heads], axis=0
        )  # (points, n)
        density = np.exp(-(GRID**2) / 2)
        density /= density.sum()
        squares = ((weights - experiment.target(setting.n_keys)) ** 2).sum(1)
        self._share = weights[:, 0]  # rises with the point of the grid
        self.mean = float(density @ self._share)
        self.spread = float(np.sqrt(density @ (self._share - self.mean) ** 2))
        self.error = float(np.sqrt(density @ squares))

    def below(self, weight: float | Array) -> Array:
        """Return the probability that v_a has less than a weight."""
        found: Array = ndtr(np.interp(weight, self._share, GRID))
        return found


def _weights(setting: Setting, experiment: Experiment, beta: float, keys: Sequence[int]) -> Array:
    """Return a head's (points, n) weights where the gap lies so many deviations off its mean."""
    products = np.zeros(setting.n_keys)
    products[list(keys)] = beta
    others = products[1:]
    shares = softmax(others)
    noise = experiment.alpha * beta**2 * len(keys) * (1 + (shares**2).sum())
    deviation = np.sqrt(noise + experiment.stretched * products[0] ** 2 / 2)
    weight = expit(products[0] - logsumexp(others) + deviation * GRID)[:, None]
    return np.hstack([weight, (1 - weight) * shares])


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


def _projected(setting: Setting, beta: float) -> float:
    """Return the root mean square of M 2c - v_a, where the n - 2 others have a weight of 2ε.

    What is left of v_a is 1 - 2ε of it, of v_b nothing, of the others their share in A.
    """
    leak = 1 - 2 * float(np.exp(beta - np.logaddexp(beta + np.log(2), np.log(setting.n_keys - 2))))
    kept = (setting.dim // 2) / setting.dim
    return leak * float(np.sqrt(1 + 4 * kept / (setting.n_keys - 2)))


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
