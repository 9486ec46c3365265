"""``logits = model(ids)``: the padded call is the packed one, and hooks see what it computes."""

import pytest
import torch
import torch.nn.functional as F

from nanoknow.config.models import ModelConfig
from nanoknow.data.batch import Batch
from nanoknow.errors import DataError
from tests.helpers.models import LENGTH, VOCAB, every_model, random_model, random_tokens

LENGTHS = torch.tensor([3, LENGTH, 9, 1, 9, 12])


@every_model
def test_padded_ids_give_the_logits_of_the_packed_path(config: ModelConfig) -> None:
    model, ids = random_model(config), random_tokens(len(LENGTHS), LENGTH)
    of_row = torch.arange(len(LENGTHS))[:, None].expand_as(ids)
    column = torch.arange(LENGTH).expand_as(ids)
    within = column < LENGTHS[:, None]
    packed = Batch.from_rows(ids, of_row * LENGTH + column, LENGTHS)
    with torch.no_grad():
        logits = model(ids)
        flat = model(packed.tokens, packed.layout)
    assert logits.shape == (len(LENGTHS), LENGTH, VOCAB)
    found = torch.full_like(logits, torch.nan)
    found[packed.targets // LENGTH, packed.targets % LENGTH] = flat
    torch.testing.assert_close(logits[within], found[within], rtol=0, atol=1e-5)


@every_model
def test_padding_has_no_influence_on_what_comes_before_it(config: ModelConfig) -> None:
    model, ids = random_model(config), random_tokens(len(LENGTHS), LENGTH)
    within = torch.arange(LENGTH) < LENGTHS[:, None]
    with torch.no_grad():
        logits, zeros, wider = model(ids), model(ids * within), model(F.pad(ids[:, :9], (0, 5)))
        for row, n in zip(ids, LENGTHS.tolist(), strict=True):
            alone = model(row[None, :n])
            torch.testing.assert_close(
                logits[(row == ids).all(1)][0, :n], alone[0], atol=1e-5, rtol=0
            )
    torch.testing.assert_close(zeros[within], logits[within], atol=1e-5, rtol=0)
    torch.testing.assert_close(wider[:, :9], logits[:, :9], atol=1e-5, rtol=0)


@every_model
def test_a_forward_hook_sees_hidden_vectors_and_can_change_them(config: ModelConfig) -> None:
    model, ids = random_model(config), random_tokens(4, LENGTH)
    seen: list[torch.Tensor] = []
    norm = model.get_submodule("head.ln")
    hook = norm.register_forward_hook(lambda _, __, out: seen.append(out))
    logits = model(ids)
    hook.remove()
    hidden = seen[0].unflatten(0, ids.shape)  # type: ignore[no-untyped-call]
    assert hidden.shape == (4, LENGTH, config.d_model)
    torch.testing.assert_close(model.get_submodule("head.linear")(hidden), logits)
    whole: list[torch.Tensor] = []
    model.register_forward_hook(lambda _, __, out: whole.append(out))
    norm.register_forward_hook(lambda _, __, out: torch.zeros_like(out))
    assert not model(ids).any()
    assert whole[0].shape == logits.shape


@every_model
def test_gradients_flow_through_it(config: ModelConfig) -> None:
    model, ids = random_model(config), random_tokens(2, LENGTH)
    F.cross_entropy(model(ids).flatten(0, 1), ids.flatten()).backward()  # type: ignore[no-untyped-call]
    assert all(p.grad is not None for p in model.parameters())


@pytest.mark.parametrize("shape", [(5,), (1, LENGTH + 1), (2, 0), (1, 2, 3)])
@every_model
def test_ids_of_another_shape_are_refused(config: ModelConfig, shape: tuple[int, ...]) -> None:
    with pytest.raises(DataError, match=r"give \(B, T\).* block_size of 20"):
        random_model(config)(torch.zeros(shape, dtype=torch.int64))
