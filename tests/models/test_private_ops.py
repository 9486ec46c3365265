"""Operators of torch that are not public, and what is computed where one of them is missing."""

import re
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

import nanoknow
from nanoknow.data.batch import Group, Layout
from nanoknow.models import private_ops
from nanoknow.models.cpu_ops import attend
from nanoknow.models.low_precision import Bfloat16Linear

HAS_MKLDNN = torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]


@pytest.fixture
def missing(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Take each of the operators away, until ``undo``."""
    monkeypatch.setattr(private_ops, "_operator", lambda _: None)
    return monkeypatch


def can_pack() -> bool:
    """Whether this CPU's kernels know bfloat16, which torch says by refusing to pack."""
    if not HAS_MKLDNN:
        return False
    try:
        torch.ops.mkldnn._reorder_linear_weight(torch.zeros(2, 2, dtype=torch.bfloat16))
    except RuntimeError:
        return False
    return True


def random(*shape: int, dtype: torch.dtype = torch.float32) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(sum(shape))).to(dtype)


def test_operators_are_found_by_name_where_this_torch_has_them() -> None:
    source = Path(private_ops.__file__).read_text("utf-8")
    names = set(re.findall(r'_operator\("(.+?)"\)', source))
    assert len(names) == 4
    expected = names if HAS_MKLDNN else {name for name in names if "mkldnn" not in name}
    assert all(private_ops._operator(name) is not None for name in expected)
    assert private_ops._operator("ops.mkldnn._no_such_operator") is None
    assert private_ops._operator("_no_such._operator") is None


def test_nothing_private_is_asked_for_elsewhere() -> None:
    [package] = nanoknow.__path__
    asking = {
        path.stem
        for path in Path(package).rglob("*.py")
        if re.search(r"torch\.(_[a-z]|ops\b|_C\b)", path.read_text("utf-8"))
    }
    assert not asking
    assert any(Path(package).rglob("private_ops.py"))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_the_gradient_of_softmax_is_the_same_without_its_operator(
    missing: pytest.MonkeyPatch, dtype: torch.dtype
) -> None:
    grad, weights = random(3, 4, 5, dtype=dtype), random(3, 4, 6, dtype=dtype)[..., 1:].softmax(-1)
    plain = private_ops.softmax_backward(grad, weights)
    missing.undo()
    expected = private_ops.softmax_backward(grad, weights)
    tolerance = 1e-2 if dtype == torch.bfloat16 else 1e-6
    torch.testing.assert_close(plain, expected, rtol=tolerance, atol=tolerance)


def test_attention_has_its_gradients_without_the_operator(missing: pytest.MonkeyPatch) -> None:
    layout = Layout.of((Group(2, 3), Group(1, 5)))
    q, k, v = (random(11, 2, n, dtype=torch.float64).requires_grad_() for n in (4, 4, 4))

    def attention(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        return attend(q, k, v, layout, layout, 0.0)

    assert torch.autograd.gradcheck(attention, (q, k + 1, v + 2))


@pytest.mark.parametrize("rows", [1, 7])
@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("gelu", [False, True])
@pytest.mark.parametrize("eight_bits", [False, True])
def test_a_linear_layer_in_bfloat16_is_the_same_without_its_operators(
    missing: pytest.MonkeyPatch, rows: int, bias: bool, gelu: bool, eight_bits: bool
) -> None:
    layer = torch.nn.Linear(32, 48, bias=bias).requires_grad_(False)
    layer.weight.copy_(random(48, 32))
    x = random(rows, 32)
    plain_layer = Bfloat16Linear(layer, gelu=gelu, eight_bits=eight_bits)
    assert not plain_layer.weight.is_mkldnn
    plain = plain_layer(x)
    missing.undo()
    packed_layer = Bfloat16Linear(layer, gelu=gelu, eight_bits=eight_bits)
    assert packed_layer.weight.is_mkldnn == can_pack()
    packed = packed_layer(x)
    assert plain.dtype == packed.dtype == torch.bfloat16
    assert plain.shape == packed.shape == (rows, 48)
    torch.testing.assert_close(plain, packed, rtol=2e-2, atol=5e-2)
    exact = layer(x)
    exact = F.gelu(exact) if gelu else exact
    assert float((plain.float() - exact).norm() / exact.norm()) < 0.02
