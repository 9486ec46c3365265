"""What a head of attention can do, in theory: copy, average, and be disturbed by noise.

A head's weights on n keys are w = softmax(kᵢᵀq) and its output is c = Σ wᵢvᵢ (Vaswani et al.,
2017; the scale 1/√d is taken into q). Keys have orthonormal means μᵢ, queries are β times sums
of some of these, and values are independent and uniform on the unit sphere of d dimensions.

Where the theory comes from. Let mᵢ = μᵢᵀq be the products without noise, t the target weights
(all on one key, or half on each of two), and a the key whose norm may vary.

Weights. With the gap g = k_aᵀq - log Σ_{i≠a} exp kᵢᵀq, w_a = 1 / (1 + e^{-g}), and the others
share the rest as softmax(mᵢ) = pᵢ. Keys kᵢ ~ N(μᵢ, αI), and k_a ~ N(μ_a, αI + ½μ_aμ_aᵀ) where its
norm varies, make g normal, to first order in α, with

    mean      m_a - log Σ_{i≠a} exp mᵢ
    variance  α|q|²(1 + Σ pᵢ²), plus ½m_a² where the norm varies

so that w_a is logit-normal (Atchison & Shen, 1980). Its moments have no closed form: they are
integrals against the normal density, by the trapezoidal rule. That converges exponentially here
(Trefethen & Weideman, 2014), also where β makes the logistic too steep for the few nodes of Gauss
and Hermite. Where heads are averaged, their weights are.

Error. Values are uncorrelated, E vᵢᵀvⱼ = δᵢⱼ, hence E|c - Σ tᵢvᵢ|² = E Σ (wᵢ - tᵢ)².

Copying. If all products lie at least Δ below that of j, 1 - w_j ≤ (n - 1)e^{-Δ}, and
|c - v_j| = |Σ wᵢ(vᵢ - v_j)| ≤ (1 - w_j) max |vᵢ - v_j|, at most 2(n - 1)e^{-Δ} for unit values.

Telling two apart. M = Σ aᵢaᵢᵀ over an orthonormal basis of A projects onto A: M(v_a + v_b) = v_a
for v_a in A and v_b orthogonal to it. Of a unit vector that lies anywhere, it keeps a length of
√(r/d) in the root mean square, r the dimensions of A.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import expit, logsumexp, ndtr, softmax

Array = npt.NDArray[np.float64]

GRID_END, GRID_POINTS = 9.0, 6001
"""The grid of integrals against the normal density, in standard deviations: from -9 to 9, at points
close enough for β up to 100."""


@dataclass(frozen=True)
class Setting:
    """Sizes of the experiments.

    Attributes:
        dim: d, of keys and values.
        n_keys: n, 3 or more and no more than d.
        beta: β, the length of the query's component along each mean that it adds up.
        draws: how often keys and values are drawn.
        seed: of all draws.
    """

    dim: int = 64
    n_keys: int = 8
    beta: float = 20.0
    draws: int = 5_000
    seed: int = 0


@dataclass(frozen=True)
class Experiment:
    """One kind of query, on keys with or without noise.

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
    def output(self) -> str:
        """What its output is meant to be, in symbols."""
        return "½(v_a + v_b)" if self.heads != ((0,),) else "v_a"

    def target(self, n_keys: int) -> Array:
        """Return the (n,) target weights, t."""
        target = np.zeros(n_keys)
        for keys in self.heads:
            target[list(keys)] += 1 / len(keys) / len(self.heads)
        return target


class Law:
    """What theory says of an experiment; see the docstring of this module.

    Attributes:
        mean: of the weight on v_a.
        spread: its standard deviation.
        error: root mean square of |c - Σ tᵢvᵢ|.
    """

    def __init__(self, setting: Setting, experiment: Experiment, beta: float) -> None:
        self._grid = np.linspace(-GRID_END, GRID_END, GRID_POINTS)
        weights = np.mean(
            [_weights(setting, experiment, beta, keys, self._grid) for keys in experiment.heads],
            axis=0,
        )  # (points, n)
        density = np.exp(-(self._grid**2) / 2)
        density /= density.sum()
        squares = ((weights - experiment.target(setting.n_keys)) ** 2).sum(1)
        self._share = weights[:, 0]  # ascending along the grid
        self.mean = float(density @ self._share)
        self.spread = float(np.sqrt(density @ (self._share - self.mean) ** 2))
        self.error = float(np.sqrt(density @ squares))

    def below(self, weight: float | Array) -> Array:
        """Return the probability that the weight on v_a is below ``weight``."""
        found: Array = ndtr(np.interp(weight, self._share, self._grid))
        return found


def copying_bound(n_keys: int, gap: float) -> float:
    """Return the most by which c can miss v_j, where all products lie ``gap`` below that of j."""
    rest = (n_keys - 1) * float(np.exp(-gap))
    return 2 * rest / (1 + rest)


def projected_error(setting: Setting, beta: float) -> float:
    """Return the root mean square of M 2c - v_a, where q = β(μ_a + μ_b).

    If the n - 2 others have a weight of ε together, M keeps 1 - ε of v_a, nothing of v_b, and
    √(r/d) of 2ε times the mean of the others.
    """
    others = setting.n_keys - 2
    rest = float(expit(np.log(others) - beta - np.log(2)))
    kept = (setting.dim // 2) / setting.dim
    return rest * float(np.sqrt(1 + 4 * kept / others))


def _weights(
    setting: Setting, experiment: Experiment, beta: float, keys: Sequence[int], off: Array
) -> Array:
    """Return a head's (points, n) weights, the gap ``off`` standard deviations from its mean."""
    products = np.zeros(setting.n_keys)
    products[list(keys)] = beta
    others = products[1:]
    shares = softmax(others)
    noise = experiment.alpha * beta**2 * len(keys) * (1 + (shares**2).sum())
    deviation = np.sqrt(noise + experiment.stretched * products[0] ** 2 / 2)
    weight = expit(products[0] - logsumexp(others) + deviation * off)[:, None]
    return np.hstack([weight, (1 - weight) * shares])
