"""The batch type: which tokens need logits."""

import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from nanoknow.config.models import ModelConfig
from nanoknow.data.batch import IGNORE, WIDTH_STEP, Batch, Group, Layout
from nanoknow.models.base import CharacterModel
from nanoknow.models.registry import build_model
from tests.helpers.models import every_model

VOCAB = 11


def batch_of(groups: tuple[Group, ...], targets: list[int]) -> Batch:
    tokens = torch.arange(len(targets)) % VOCAB
    return Batch(tokens, torch.tensor(targets), Layout.of(groups))


@given(
    groups=st.lists(st.tuples(st.integers(1, 4), st.integers(1, 30)), min_size=1, max_size=4),
    data=st.data(),
)
def test_every_target_is_scored_once_and_what_fills_up_carries_no_loss(
    groups: list[tuple[int, int]], data: st.DataObject
) -> None:
    shapes = tuple(Group(n, length) for n, length in groups)
    n = sum(shape.n_tokens for shape in shapes)
    drawn = st.one_of(st.just(IGNORE), st.integers(0, VOCAB - 1))
    targets = data.draw(st.lists(drawn, min_size=n, max_size=n))
    logit_indices, scored = batch_of(shapes, targets).scored()
    if logit_indices is None:
        assert scored.tolist() == targets
        return
    assert len(logit_indices) == len(scored) < n
    assert len(logit_indices) % (sum(shape.n_sequences for shape in shapes) * WIDTH_STEP // 2) == 0
    pairs = zip(logit_indices.tolist(), scored.tolist(), strict=True)
    expected = [(i, t) for i, t in enumerate(targets) if t != IGNORE]
    assert [(i, t) for i, t in pairs if t != IGNORE] == expected


@every_model
def test_scoring_only_those_tokens_gives_the_same_loss_and_gradients(config: ModelConfig) -> None:
    groups = (Group(2, 9), Group(2, config.block_size))
    n = sum(group.n_tokens for group in groups)
    batch = batch_of(groups, [i % VOCAB if i % 7 == 0 else IGNORE for i in range(n)])
    logit_indices, targets = batch.scored()
    assert logit_indices is not None
    model = build_model(config, VOCAB, torch.Generator().manual_seed(0)).double()
    expected = loss_and_gradients(model, batch, None, batch.targets)
    for name, value in loss_and_gradients(model, batch, logit_indices, targets).items():
        torch.testing.assert_close(value, expected[name], msg=name)


def loss_and_gradients(
    model: CharacterModel, batch: Batch, logit_indices: Tensor | None, targets: Tensor
) -> dict[str, Tensor]:
    model.zero_grad()
    logits = model(batch.tokens, batch.layout, logit_indices=logit_indices)
    loss = F.cross_entropy(logits, targets, ignore_index=IGNORE)
    loss.backward()  # type: ignore[no-untyped-call]
    gradients = {name: p.grad for name, p in model.named_parameters() if p.grad is not None}
    return {"loss": loss.detach(), **gradients}
