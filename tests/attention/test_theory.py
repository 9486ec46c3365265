"""What theory says of copying and averaging, against closed forms and other quadrature."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit, logit, ndtr, roots_hermitenorm, softmax

from nanoknow.attention.experiments import ALPHA, AVERAGE, COPY, NOISY, STRETCHED, TWO_HEADS
from nanoknow.attention.theory import Experiment, Law, Setting, copying_bound


def setting(n_keys: int = 8, beta: float = 20.0) -> Setting:
    return Setting(dim=64, n_keys=n_keys, beta=beta, draws=2, seed=0)


@pytest.mark.parametrize("n_keys", [3, 8, 50])
@pytest.mark.parametrize("beta", [0.5, 3.0, 20.0])
def test_without_noise_the_weights_are_the_softmaxs_own(n_keys: int, beta: float) -> None:
    copied = Law(setting(n_keys), COPY, beta)
    rest = (n_keys - 1) / (n_keys - 1 + np.exp(beta))
    assert copied.mean == pytest.approx(1 - rest, rel=1e-9)
    assert copied.error == pytest.approx(rest * np.sqrt(n_keys / (n_keys - 1)), rel=1e-6)
    assert copied.spread == pytest.approx(0, abs=1e-9)
    averaged = Law(setting(n_keys), AVERAGE, beta)
    rest = (n_keys - 2) / (n_keys - 2 + 2 * np.exp(beta))
    assert averaged.mean == pytest.approx((1 - rest) / 2, rel=1e-9)
    assert averaged.error == pytest.approx(rest * np.sqrt(1 / (n_keys - 2) + 1 / 2), rel=1e-6)


@pytest.mark.parametrize("experiment", [NOISY, STRETCHED], ids=lambda e: e.name)
@pytest.mark.parametrize("beta", [1.0, 5.0])
def test_moments_are_those_of_gauss_and_hermite(experiment: Experiment, beta: float) -> None:
    n = 8
    mean = beta - np.log(np.exp(beta) + n - 2)  # of the gap
    shares = softmax([beta, *[0.0] * (n - 2)])
    variance = 2 * ALPHA * beta**2 * (1 + (shares**2).sum())
    if experiment is STRETCHED:
        variance += beta**2 / 2
    nodes, density = roots_hermitenorm(120)
    density = density / density.sum()
    weights = expit(mean + np.sqrt(variance) * nodes)
    law = Law(setting(n), experiment, beta)
    assert law.mean == pytest.approx(density @ weights, rel=1e-6)
    spread = np.sqrt(density @ (weights - density @ weights) ** 2)
    assert law.spread == pytest.approx(spread, rel=1e-6)
    for x in (0.1, 0.4, 0.9):
        known = ndtr((logit(x) - mean) / np.sqrt(variance))
        assert law.below(x) == pytest.approx(known, abs=1e-4)


def test_a_long_query_makes_one_head_choose_and_two_heads_lose_only_a_key_that_turned() -> None:
    one, two = (Law(setting(beta=100.0), e, 100.0) for e in (STRETCHED, TWO_HEADS))
    assert one.spread == pytest.approx(0.5, abs=0.01)
    assert one.below(0.5) == pytest.approx(0.5, abs=1e-3)
    lost = ndtr(-np.sqrt(2) * (1 - np.log(7) / 100))  # the product of k_a falls below log(n - 1)
    assert two.below(0.25) == pytest.approx(lost, abs=1e-4)
    assert two.spread == pytest.approx(np.sqrt(lost * (1 - lost)) / 2, rel=0.02)


unit_vectors = st.lists(st.floats(-1, 1), min_size=3, max_size=3).filter(
    lambda v: float(np.linalg.norm(v)) > 1e-3
)


@given(
    others=st.lists(st.tuples(st.floats(0, 30), unit_vectors), min_size=1, max_size=6),
    first=unit_vectors,
)
def test_no_draw_misses_a_copied_value_by_more_than_the_bound(
    others: list[tuple[float, list[float]]], first: list[float]
) -> None:
    gap = min(below for below, _ in others)
    values = np.array([first, *(value for _, value in others)])
    values /= np.linalg.norm(values, axis=1, keepdims=True)
    weights = softmax([0.0, *(-below for below, _ in others)])
    missed = float(np.linalg.norm(weights @ values - values[0]))
    assert missed <= copying_bound(len(values), gap) + 1e-12


def test_the_bound_is_met_where_all_other_values_point_the_other_way() -> None:
    values = np.array([[1.0, 0.0], [-1.0, 0.0], [-1.0, 0.0]])
    weights = softmax([4.0, 0.0, 0.0])
    assert np.linalg.norm(weights @ values - values[0]) == pytest.approx(copying_bound(3, 4.0))
