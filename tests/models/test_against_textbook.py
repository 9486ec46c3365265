"""Both models compute what the textbook implementation computes, from the same weights."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from nanoknow.config.models import ModelConfig, PerceiverConfig, VanillaConfig
from nanoknow.data.batch import IGNORE, Batch
from nanoknow.models.base import CharacterModel
from nanoknow.models.registry import build_model
from tests.helpers.textbook_twins import (
    CONFIGS,
    VOCAB,
    copy_weights,
    our_name,
    randomize,
    textbook_of,
)
from tests.tools.textbook_models import TextbookModel


def twins(config: ModelConfig, seed: int) -> tuple[TextbookModel, CharacterModel]:
    """Return the textbook's model and ours with the same random weights."""
    textbook = textbook_of(config)
    randomize(textbook, seed)
    model = build_model(config, VOCAB, torch.Generator().manual_seed(9))
    copy_weights(textbook, model)
    return textbook, model


def ragged_batch(seed: int) -> tuple[Tensor, Tensor, Tensor, Batch]:
    """Return padded inputs, targets and lengths of twelve sequences, and our batch of them."""
    generator = torch.Generator().manual_seed(seed)
    lengths = torch.randint(1, 24, (12,), generator=generator)
    rows = torch.randint(1, VOCAB, (12, 24), generator=generator)
    beyond = torch.arange(24) >= (lengths + 1)[:, None]
    rows = rows.masked_fill(beyond, 0)
    inputs, targets = rows[:, :-1], rows[:, 1:]
    batch = Batch.from_rows(inputs, targets.masked_fill(targets == 0, IGNORE), lengths)
    return inputs, targets, lengths, batch


@pytest.mark.parametrize("config", CONFIGS, ids=repr)
@pytest.mark.parametrize("seed", [0, 1])
def test_logits_and_loss_of_ragged_sequences_equal_the_padded_textbook(
    config: ModelConfig, seed: int
) -> None:
    textbook, model = twins(config, seed)
    rows, targets, lengths, batch = ragged_batch(seed)
    expected, expected_loss = textbook.eval()(rows, targets)
    logits = model.eval()(batch.tokens, batch.layout)
    order = torch.argsort(lengths, stable=True)
    found = [row for part in batch.layout.rectangles(logits) for row in part]
    for i, row in zip(order.tolist(), found, strict=True):
        n = int(lengths[i])
        torch.testing.assert_close(row[:n], expected[i, :n], rtol=1e-5, atol=1e-5)
    loss = F.cross_entropy(logits, batch.targets, ignore_index=IGNORE)
    torch.testing.assert_close(loss, expected_loss, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("config", CONFIGS, ids=repr)
def test_gradients_of_ragged_sequences_equal_the_padded_textbook(config: ModelConfig) -> None:
    textbook, model = twins(config, 3)
    rows, targets, _, batch = ragged_batch(3)
    textbook(rows, targets)[1].backward()
    logits = model(batch.tokens, batch.layout)
    F.cross_entropy(logits, batch.targets, ignore_index=IGNORE).backward()  # type: ignore[no-untyped-call]
    ours = dict(model.named_parameters())
    for name, parameter in textbook.named_parameters():
        found = ours[our_name(name)].grad
        assert found is not None
        assert parameter.grad is not None
        torch.testing.assert_close(
            found, parameter.grad.view(found.shape), rtol=1e-4, atol=1e-5, msg=name
        )


@pytest.mark.parametrize(
    ("config", "vocab_size", "expected"),
    [
        (VanillaConfig(), 256, 3_323_392),
        (PerceiverConfig(), 256, 3_339_776),
        (PerceiverConfig(latents="spread"), 256, 3_339_776),
        (VanillaConfig(n_layers=8, d_model=512), 65, 25_352_192),
    ],
)
def test_parameter_counts_are_the_originals(
    config: ModelConfig, vocab_size: int, expected: int
) -> None:
    with torch.device("meta"):
        model = build_model(config, vocab_size)
    assert model.n_parameters == expected


def test_perceiver_config_builds_a_perceiver() -> None:
    model = build_model(PerceiverConfig(), 256, torch.Generator())
    basis = model.get_parameter("down.basis").detach()
    assert basis.shape == (1, 64, 256)
    assert float(basis.abs().max()) == pytest.approx(0.0191, abs=2e-4)
    assert not [name for name, _ in model.named_parameters() if name.startswith("blocks.2")]
