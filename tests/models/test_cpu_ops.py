"""The CPU's dropout and attention are the textbook's, forward and backward."""

import itertools
import math

import pytest
import torch
from torch import Tensor

from nanoknow.data.batch import Group, Layout
from nanoknow.models.cpu_ops import attend, dropout

QUERIES = Layout.of((Group(2, 3), Group(1, 6), Group(3, 1)))
KEYS = {
    "as many keys": QUERIES,
    "fewer keys": Layout.of((Group(2, 2), Group(1, 4), Group(3, 1))),
    "more keys": Layout.of((Group(2, 5), Group(1, 9), Group(3, 4))),
}

_DRAWN = torch.rand(6, 9, generator=torch.Generator().manual_seed(1)) < 0.5
MASKS = {
    "causal": None,
    "drawn": _DRAWN.index_fill(1, torch.tensor(0), True),  # each sees one at least
    "bands": torch.tensor([[s // 3 <= t // 2 for s in range(9)] for t in range(6)]),
    "larger than any group": torch.ones(12, 12, dtype=torch.bool)
    .tril(2)
    .triu(-3)
    .index_fill(1, torch.tensor(0), True),
}
each_keys = pytest.mark.parametrize("keys", KEYS.values(), ids=list(KEYS))
each_mask = pytest.mark.parametrize("mask", MASKS.values(), ids=list(MASKS))


def random_inputs(keys: Layout, d_head: int = 4) -> list[Tensor]:
    generator = torch.Generator().manual_seed(0)
    lengths = (len(QUERIES.positions), len(keys.positions), len(keys.positions))
    return [
        torch.randn(n, 2, d_head, generator=generator, dtype=torch.float64, requires_grad=True)
        for n in lengths
    ]


@each_keys
@each_mask
def test_attention_in_training_equals_attention_in_use(keys: Layout, mask: Tensor | None) -> None:
    q, k, v = random_inputs(keys)
    trained = attend(q, k, v, QUERIES, keys, 0.0, mask)
    with torch.no_grad():
        used = attend(q, k, v, QUERIES, keys, 0.0, mask)
    torch.testing.assert_close(trained, used)


@pytest.mark.parametrize("p", [0.0, 0.4])
@each_keys
@each_mask
def test_attention_has_the_gradients_of_what_it_computes(
    keys: Layout, mask: Tensor | None, p: float
) -> None:
    def attention(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        torch.manual_seed(7)
        return attend(q, k, v, QUERIES, keys, p, mask)

    assert torch.autograd.gradcheck(attention, random_inputs(keys, d_head=2), fast_mode=True)


@each_keys
@each_mask
def test_a_query_gathers_from_what_its_mask_shows_and_from_nothing_else(
    keys: Layout, mask: Tensor | None
) -> None:
    q, k, v = random_inputs(keys)
    found = attend(q, k, v, QUERIES, keys, 0.0, mask).detach()
    mask = torch.ones(6, 9, dtype=torch.bool).tril() if mask is None else mask
    rectangles = (QUERIES.rectangles(q), keys.rectangles(k), keys.rectangles(v))
    expected = []
    for q_, k_, v_ in zip(*rectangles, strict=True):
        for b, t, h in itertools.product(range(len(q_)), range(q_.shape[1]), range(2)):
            seen = [s for s in range(k_.shape[1]) if mask[t, s]]
            weights = torch.stack([q_[b, t, h] @ k_[b, s, h] / 2 for s in seen]).softmax(0)
            expected.append(sum(w * v_[b, s, h] for w, s in zip(weights, seen, strict=True)))
    torch.testing.assert_close(found, torch.stack(expected).view(found.shape).detach())


def test_dropout_on_weights_of_attention_keeps_their_mean() -> None:
    q, k, v = random_inputs(QUERIES)
    expected = attend(q, k, v, QUERIES, QUERIES, 0.0)
    torch.manual_seed(0)
    draws = torch.stack([attend(q, k, v, QUERIES, QUERIES, 0.3) for _ in range(500)])
    assert not torch.equal(draws[0], draws[1])
    error = draws.std(0) / math.sqrt(len(draws))
    assert bool(((draws.mean(0) - expected).abs() <= 5 * error + 1e-9).all())


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float64])
@pytest.mark.parametrize("p", [0.001, 0.1, 0.5, 0.9])
def test_dropout_drops_its_share_and_keeps_the_mean(dtype: torch.dtype, p: float) -> None:
    torch.manual_seed(0)
    n, calls = 8_001, 100  # n is not a multiple of what one draw serves
    shares = []
    for _ in range(calls):
        y = dropout(torch.ones(n, dtype=dtype), p)
        scale = float(y.max())
        assert set(y.tolist()) in ({0.0, scale}, {1.0})
        if dtype != torch.bfloat16:  # which rounds the scale
            assert round(256 - 256 / scale) in (int(p * 256), int(p * 256) + 1)
        tolerance = 5 * math.sqrt(p / (1 - p) / n) + 0.01 * (dtype == torch.bfloat16) + 1e-3
        assert float(y.double().mean()) == pytest.approx(1.0, abs=tolerance)
        shares.append(float((y == 0).double().mean()))
    spread = math.sqrt((p * (1 - p) / n + 1 / 4 / 256**2) / calls)
    assert sum(shares) / calls == pytest.approx(p, abs=5 * spread)


def test_dropped_elements_are_independent() -> None:
    torch.manual_seed(0)
    kept = (dropout(torch.ones(400_000), 0.5) != 0).double() - 0.5
    for distance in (1, 2, 3, 4, 8, 1000):
        correlation = float((kept[distance:] * kept[:-distance]).mean()) * 4
        assert abs(correlation) < 5 / math.sqrt(400_000)


def test_dropout_has_the_gradient_of_what_it_drew() -> None:
    x = torch.randn(50, 3, dtype=torch.float64, requires_grad=True)
    torch.manual_seed(0)
    y = dropout(x, 0.4)
    y.sum().backward()  # type: ignore[no-untyped-call]
    assert x.grad is not None
    torch.testing.assert_close(x.grad, (y / x).detach())


def test_no_dropout_changes_nothing() -> None:
    x = torch.randn(5, 3)
    assert torch.equal(dropout(x, 0.0), x)
