"""Attend to random keys and values, for the experiments to measure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import softmax

from nanoknow.attention.theory import Array, Experiment, Setting

CHUNK = 2**21
"""Elements of keys or values drawn at once."""


@dataclass(frozen=True)
class Outcome:
    """What was measured for each β in each draw; every array is (βs, draws).

    Attributes:
        weights: on v_a, the mean over the heads.
        errors: |c - Σ tᵢvᵢ|.
        projected: |M 2c - v_a|, meaningful where v_a is to be half of c.
    """

    weights: Array
    errors: Array
    projected: Array


def simulate(setting: Setting, experiment: Experiment, betas: Sequence[float]) -> Outcome:
    """Attend to random keys and values, the same ones for every β."""
    rng = _generator(setting, experiment.name)
    means = _orthonormal(rng, setting.dim)[:, : setting.n_keys].T  # (n, d)
    queries = np.stack([means[list(keys)].sum(0) for keys in experiment.heads])  # (heads, d)
    target = experiment.target(setting.n_keys)
    basis = _orthonormal(rng, setting.dim)
    inside = basis[:, : setting.dim // 2]  # (d, d // 2), a basis of A
    chunks = []
    for n in _chunks(setting):
        keys = np.broadcast_to(means, (n, *means.shape))
        if experiment.alpha:
            keys = keys + np.sqrt(experiment.alpha) * rng.standard_normal(keys.shape)
        if experiment.stretched:
            keys[:, 0] += np.sqrt(0.5) * rng.standard_normal((n, 1)) * means[0]
        values = _values(rng, (n, setting.n_keys), basis)  # (n draws, n keys, d)
        wanted = np.einsum("i,bid->bd", target, values)
        products = np.einsum("hd,bid->bhi", queries, keys)  # (n draws, heads, n keys)
        measured = []
        for beta in betas:
            weights = softmax(beta * products, axis=2).mean(1)  # (n draws, n keys)
            c = np.einsum("bi,bid->bd", weights, values)
            off_target = np.linalg.norm(c - wanted, axis=1)
            off_v_a = np.linalg.norm((2 * c @ inside) @ inside.T - values[:, 0], axis=1)
            measured.append((weights[:, 0], off_target, off_v_a))
        chunks.append(np.array(measured))  # (βs, 3, n draws)
    return Outcome(*np.concatenate(chunks, axis=2).transpose(1, 0, 2))


def project(setting: Setting) -> tuple[Array, Array]:
    """Return (draws,) errors of M(v_a + v) for v_a: with v orthogonal to A, and with v anywhere."""
    rng = _generator(setting, "projection")
    basis = _orthonormal(rng, setting.dim)
    inside = basis[:, : setting.dim // 2]
    m = inside @ inside.T
    errors = []
    for n in _chunks(setting):
        a, b, anywhere = _values(rng, (n, 3), basis).transpose(1, 0, 2)
        errors.append([np.linalg.norm((a + v) @ m - a, axis=1) for v in (b, anywhere)])
    orthogonal, other = np.concatenate(errors, axis=1)
    return orthogonal, other


def _values(rng: np.random.Generator, shape: tuple[int, int], basis: Array) -> Array:
    """Draw unit vectors: the first in A, the second orthogonal to A, the others anywhere."""
    parts = rng.standard_normal((*shape, len(basis)))  # coordinates in the basis, A's first
    parts[:, 0, len(basis) // 2 :] = 0.0
    parts[:, 1, : len(basis) // 2] = 0.0
    parts /= np.linalg.norm(parts, axis=2, keepdims=True)
    values: Array = parts @ basis.T
    return values


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
