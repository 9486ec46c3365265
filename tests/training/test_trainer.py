"""The one training loop: its order, its schedule, and when it must stop."""

import itertools
import math
from typing import Literal

import pytest
import torch
from torch import Tensor

from nanoknow.config.experiment import ScheduleConfig
from nanoknow.config.models import VanillaConfig
from nanoknow.config.tasks import LanguageModelingConfig, SpanCorruptionConfig
from nanoknow.errors import NanoknowError, NonFiniteError
from nanoknow.models.registry import build_model
from nanoknow.tasks.language_modeling import LanguageModeling
from nanoknow.tasks.span_corruption import SpanCorruption
from nanoknow.training.progress import Progress, StepResult
from nanoknow.training.trainer import Trainer
from tests.helpers.spans import restore, texts_of
from tests.helpers.texts import corpus_of, tokenizer_of
from tests.helpers.training import (
    BLOCK,
    LIVES,
    TOKENIZER,
    Watched,
    fresh_model,
    losses_of,
    questions_task,
    stage,
    trainer_on,
    weights_of,
)
from tests.tools.textbook import textbook_learning_rate


def test_every_example_is_seen_once_an_epoch() -> None:
    task = Watched()
    list(trainer_on(task).steps())
    assert [len(indices) for indices in task.indices] == [4, 4, 3] * 3
    assert [sorted(epoch) for epoch in task.epochs(3)] == [list(range(11))] * 3


def test_the_order_differs_between_epochs_and_seeds_and_is_fixed_by_the_seed() -> None:
    orders = []
    for seed in (0, 0, 1):
        task = Watched()
        list(trainer_on(task, seed=seed).steps())
        orders.append(task.epochs(3))
    first, again, other = orders
    assert first == again
    assert len({tuple(epoch) for epoch in [*first, *other, list(range(11))]}) == 7


def test_a_document_is_corrupted_anew_in_every_epoch() -> None:
    task = Watched()
    list(trainer_on(task, stage(epochs=3, batch_size=11)).steps())
    # An example, put together again, begins as its document does and no other.
    epochs = [{restore(text)[:4]: text for text in texts_of(task, b)} for b in task.batches]
    assert [set(epoch) for epoch in epochs] == [{life[:4] for life in LIVES}] * 3
    for begin in epochs[0]:
        assert len({epoch[begin] for epoch in epochs}) == 3, begin
    assert len(set(task.seeds)) == 3


@pytest.mark.parametrize(
    ("n_examples", "batch_size", "steps", "last"), [(2938, 128, 23, 122), (2000, 256, 8, 208)]
)
def test_steps_of_an_epoch_are_the_originals(
    n_examples: int, batch_size: int, steps: int, last: int
) -> None:
    text = "abcdefgh" * 400
    corpus = corpus_of(text[: n_examples + 8])
    tokenizer = tokenizer_of(text, specials=False)
    task = LanguageModeling(corpus, tokenizer, LanguageModelingConfig(), 8)
    tiny = VanillaConfig(n_layers=1, n_heads=1, d_model=8, block_size=8)
    model = build_model(tiny, len(tokenizer), torch.Generator().manual_seed(0))
    trainer = trainer_on(task, stage(1, batch_size), model)
    assert trainer.total_steps == steps
    results = list(trainer.steps())
    assert len(results) == steps
    assert results[-1].n_examples == last
    assert trainer.progress == Progress(
        step=steps, epoch=1, batch=0, tokens=n_examples * 8, epoch_loss=0.0
    )


def test_training_makes_no_second_copy_of_the_text() -> None:
    corpus = corpus_of("\n".join(LIVES))
    documents = SpanCorruption(corpus, TOKENIZER, SpanCorruptionConfig(), BLOCK)
    windows = LanguageModeling(corpus, TOKENIZER, LanguageModelingConfig(), BLOCK)
    for task in (documents, windows):
        next(trainer_on(task).steps())
    assert documents._codes is corpus.codes
    assert windows._codes.data_ptr() == corpus.codes.ctypes.data
    few = {"names": None, "first_lines": None}  # of a text that is a document a line
    assert {key: vars(corpus)[key] for key in few} == few
    assert set(vars(corpus)) == {"name", "sha256", "characters", "codes", *few}


def test_tokens_count_the_whole_block_but_one() -> None:
    trainer = trainer_on(Watched())
    for result, positions in zip(trainer.steps(), [4 * 31, 8 * 31, 11 * 31, 15 * 31], strict=False):
        assert trainer.progress.tokens == positions
        assert result.learning_rate == textbook_learning_rate(positions, 1e-2, 500, 3000)


def test_results_tell_the_step_the_epoch_and_its_mean_loss() -> None:
    results = list(trainer_on(Watched()).steps())
    assert [(r.step, r.epoch, r.n_examples) for r in results] == [
        (step, 1 + (step - 1) // 3, 3 if step % 3 == 0 else 4) for step in range(1, 10)
    ]
    for epoch in (1, 2, 3):
        part = [r for r in results if r.epoch == epoch]
        assert [r.epoch_loss is None for r in part] == [True, True, False]
        assert part[-1].epoch_loss == pytest.approx(sum(r.loss for r in part) / 3)


def test_training_called_again_goes_on_and_does_not_restart_the_schedule() -> None:
    whole = [
        (r.step, r.epoch, r.loss, r.grad_norm, r.learning_rate, r.epoch_loss)
        for r in trainer_on(Watched()).steps()
    ]
    task = Watched()
    trainer = trainer_on(task)
    parts: list[StepResult] = []
    for count in (1, 3, 2, 100):
        parts += itertools.islice(trainer.steps(), count)
    found = [(r.step, r.epoch, r.loss, r.grad_norm, r.learning_rate, r.epoch_loss) for r in parts]
    assert found == whole
    assert [sorted(epoch) for epoch in task.epochs(3)] == [list(range(11))] * 3
    assert list(trainer.steps()) == []


def test_learning_lowers_the_loss() -> None:
    losses = losses_of(trainer_on(questions_task(), stage(epochs=40, batch_size=11)))
    assert losses[0] > 2.5
    assert losses[-1] < 0.7 * losses[0]


@pytest.mark.parametrize("matrix_optimizer", ["adamw", "muon"])
@pytest.mark.parametrize("log_every", [1, 5, 100])
@pytest.mark.parametrize("value", [math.inf, math.nan])
def test_a_loss_that_is_not_finite_stops_before_the_update(
    value: float, log_every: int, matrix_optimizer: Literal["adamw", "muon"]
) -> None:
    config = stage(3, batch_size=1, log_every=log_every, matrix_optimizer=matrix_optimizer)
    trainer = trainer_on(Watched(), config)
    list(itertools.islice(trainer.steps(), 2))
    before = weights_of(trainer)
    optimizer = optimizer_state_of(trainer)
    with torch.no_grad():
        trainer.model.get_parameter("head.linear.weight")[0, 0] = value
    with pytest.raises(NonFiniteError, match=r"^step 3: loss .* before the update; lower .*0\.0"):
        list(trainer.steps())
    assert issubclass(NonFiniteError, NanoknowError)
    weights = weights_of(trainer)
    weights["head.linear.weight"][0, 0] = before["head.linear.weight"][0, 0]
    for name, weight in weights.items():
        assert torch.equal(weight, before[name]), name
    after = optimizer_state_of(trainer)
    assert after.keys() == optimizer.keys()
    for name, tensor in after.items():
        assert torch.equal(tensor, optimizer[name]), name


def optimizer_state_of(trainer: Trainer) -> dict[str, Tensor]:
    tensors, _ = trainer.state()
    return {key: t.clone() for key, t in tensors.items() if key.startswith("optimizer.")}


def test_a_gradient_that_is_not_finite_stops_before_the_update_though_the_loss_is_finite() -> None:
    model = fresh_model()
    with torch.no_grad():
        model.get_parameter("head.linear.weight").mul_(1e32)
    trainer = trainer_on(Watched(), model=model)
    before = weights_of(trainer)
    with pytest.raises(NonFiniteError, match=r"^step 1: loss [\d.]+e\+\d\d, gradient norm inf: "):
        next(trainer.steps())
    assert all(torch.equal(w, before[name]) for name, w in weights_of(trainer).items())


@pytest.mark.parametrize(("warmup", "share"), [(1022, None), (1023, "100.0 %"), (4092, "25.0 %")])
def test_a_warmup_that_is_not_over_before_the_training_is_warned_of(
    warmup: int, share: str | None
) -> None:
    schedule = ScheduleConfig(warmup_tokens=warmup)
    trainer = trainer_on(Watched(), stage(schedule=schedule))  # of 3 · 11 · 31 tokens
    last = [result.learning_rate for result in trainer.steps()][-1]
    expected = (
        f"warning: schedule.warmup_tokens {warmup:,} in a training of 1,023 tokens: the learning "
        f"rate only rises, to {100 * last / 1e-2:.1f} % of its peak at the end: set it to 102, or "
        f"train longer"
    )
    assert trainer.notes == ([] if share is None else [expected])
    assert share is None or share in expected
