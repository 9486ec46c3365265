"""The training loop computes what the textbook does, and the same from the same seed."""

import itertools
from typing import Literal

import pytest
import torch
from torch import Tensor

from nanoknow.config.models import ModelConfig
from nanoknow.data.batch import IGNORE, Batch
from nanoknow.system.device import choose_device
from nanoknow.training.trainer import Trainer
from tests.helpers.textbook_twins import copy_weights, textbook_of
from tests.helpers.training import (
    BLOCK,
    PERCEIVER,
    TOKENIZER,
    VANILLA,
    Watched,
    both_models,
    fresh_model,
    losses_of,
    questions_task,
    stage,
    trainer_on,
    weights_of,
)
from tests.tools.textbook import textbook_learning_rate, textbook_optimizer, textbook_train_step
from tests.tools.textbook_models import TextbookModel


def textbook_pair(config: ModelConfig) -> tuple[TextbookModel, Trainer]:
    """Return the textbook's model, and a trainer of ours with its weights on our task."""
    with torch.random.fork_rng():
        torch.manual_seed(3)
        textbook = textbook_of(config, len(TOKENIZER))
    model = fresh_model(config)
    copy_weights(textbook, model)
    config_of_stage = stage(epochs=17, grad_clip=0.5)
    return textbook.double(), trainer_on(Watched(), config_of_stage, model.double())


def padded(batch: Batch) -> tuple[Tensor, Tensor]:
    """Return a batch as the textbook takes it: padded to the block, pads as targets."""
    wholes = []
    for flat in (batch.tokens, batch.targets.masked_fill(batch.targets == IGNORE, 0)):
        rows = [row for part in batch.layout.rectangles(flat) for row in part]
        whole = torch.zeros(len(rows), BLOCK - 1, dtype=torch.long)
        for i, row in enumerate(rows):
            whole[i, : len(row)] = row
        wholes.append(whole)
    return wholes[0], wholes[1]


@both_models
def test_fifty_steps_in_double_precision_are_the_textbooks(config: ModelConfig) -> None:
    textbook, trainer = textbook_pair(config)
    assert isinstance(trainer.task, Watched)
    optimizer = textbook_optimizer(textbook, 1e-2)
    positions = 0
    losses = []
    for result in trainer.steps():
        x, y = padded(trainer.task.batches[-1])
        positions += len(x) * (BLOCK - 1)
        for group in optimizer.param_groups:
            group["lr"] = textbook_learning_rate(positions, 1e-2, 500, 3000)
        expected = textbook_train_step(textbook, optimizer, x, y, grad_clip=0.5)
        assert result.loss == pytest.approx(expected, rel=1e-10), result.step
        losses.append(expected)
    assert len(losses) == 51
    assert losses[-1] < losses[0] - 1.0
    with torch.no_grad():
        ours = fresh_model(config).double()
        copy_weights(textbook, ours)
    found = trainer.model.state_dict()
    for name, weight in ours.state_dict().items():
        if not name.endswith("key.bias"):  # no logit depends on it: its gradient is noise
            torch.testing.assert_close(found[name], weight, rtol=0, atol=1e-8, msg=name)


@both_models
def test_one_seed_gives_identical_losses_and_weights_dropout_included(config: ModelConfig) -> None:
    wet = config.model_copy(update={"dropout": 0.3})
    curves, weights = [], []
    for seed in (7, 7, 8):
        trainer = trainer_on(Watched(), model=fresh_model(wet, seed=5), seed=seed)
        curves.append(losses_of(trainer))
        weights.append(weights_of(trainer))
    assert curves[0] == curves[1]
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])
    assert curves[0] != curves[2]


def test_dropout_is_on_while_training_however_the_model_comes() -> None:
    wet = VANILLA.model_copy(update={"dropout": 0.3})
    config = stage(epochs=1, batch_size=11)
    models = [fresh_model(VANILLA).eval(), fresh_model(wet).eval(), fresh_model(wet).train()]
    dry_loss, *wet_losses = (losses_of(trainer_on(questions_task(), config, m)) for m in models)
    assert wet_losses[0] == wet_losses[1] != dry_loss


SPREAD = PERCEIVER.model_copy(update={"latents": "spread"})
GOLDEN = [
    (VANILLA, [3.674555, 3.606019, 3.529389, 3.47238, 3.329958]),
    (PERCEIVER, [3.711043, 3.627823, 3.525415, 3.454024, 3.29516]),
    (SPREAD, [3.691128, 3.655161, 3.569304, 3.484753, 3.335327]),
]
"""Losses of five steps, as torch 2.13 computed them on a CPU in float32."""


@pytest.mark.parametrize(("config", "expected"), GOLDEN, ids=["vanilla", "perceiver", "spread"])
def test_losses_are_those_written_down(config: ModelConfig, expected: list[float]) -> None:
    trainer = trainer_on(Watched(), model=fresh_model(config, seed=1), seed=1)
    losses = [result.loss for result in itertools.islice(trainer.steps(), 5)]
    assert losses == pytest.approx(expected, rel=1e-4)


DEVICES = [
    "cpu",
    pytest.param(
        "cuda", marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
    ),
]


@pytest.mark.parametrize("matrix_optimizer", ["adamw", "muon"])
@pytest.mark.parametrize("name", DEVICES)
def test_a_saved_state_continues_where_it_was_saved(
    name: str, matrix_optimizer: Literal["adamw", "muon"]
) -> None:
    wet = VANILLA.model_copy(update={"dropout": 0.3})
    device = choose_device(name, "float32")
    config = stage(matrix_optimizer=matrix_optimizer)
    whole = trainer_on(Watched(), config, fresh_model(wet), device=device)
    expected = losses_of(whole)
    first = trainer_on(Watched(), config, fresh_model(wet), device=device)
    losses = [result.loss for result in itertools.islice(first.steps(), 4)]
    tensors, progress = first.state()
    saved = {key: tensor.cpu().clone() for key, tensor in tensors.items()}
    weights = weights_of(first)
    model = fresh_model(wet, seed=99)
    model.load_state_dict(weights)
    second = trainer_on(Watched(), config, model, device=device)
    second.restore(saved, progress)
    losses += losses_of(second)
    # a GPU adds up embedding gradients in whatever order they come
    slack = 0.0 if name == "cpu" else 1e-4
    assert losses == pytest.approx(expected, rel=slack, abs=slack)
    ours, theirs = whole.state()[0], second.state()[0]
    assert {key: (t.device, t.dtype) for key, t in ours.items()} == {
        key: (t.device, t.dtype) for key, t in theirs.items()
    }
    for key, tensor in [*ours.items(), *weights_of(whole).items()]:
        found = theirs[key] if key in theirs else weights_of(second)[key]
        torch.testing.assert_close(found, tensor, rtol=slack, atol=slack, msg=key)
