"""The one training loop: its order, its schedule, its arithmetic, and when it must stop."""

from __future__ import annotations

import itertools
import math
from typing import Literal

import pytest
import torch
from torch import Tensor

from nanoknow.config.experiment import OptimizerConfig, ScheduleConfig, StageConfig
from nanoknow.config.models import ModelConfig, PerceiverConfig, VanillaConfig
from nanoknow.config.tasks import (
    LanguageModelingConfig,
    QuestionAnsweringConfig,
    SpanCorruptionConfig,
)
from nanoknow.data.batch import IGNORE, Batch
from nanoknow.data.questions import questions_from_bytes
from nanoknow.errors import NanoknowError, NonFiniteError
from nanoknow.models.base import CharacterModel
from nanoknow.models.registry import build_model
from nanoknow.system.device import Device, choose_device
from nanoknow.tasks.base import Task
from nanoknow.tasks.language_modeling import LanguageModeling
from nanoknow.tasks.question_answering import QuestionAnswering
from nanoknow.tasks.span_corruption import SpanCorruption
from nanoknow.training.trainer import Progress, StepResult, Trainer
from tests.helpers.texts import corpus_of, tokenizer_of
from tests.models.test_against_textbook import copy_weights
from tests.tools.textbook import (
    TextbookPerceiver,
    TextbookVanilla,
    textbook_learning_rate,
    textbook_optimizer,
    textbook_train_step,
)

BLOCK = 32
SIZES = {"n_layers": 2, "n_heads": 2, "d_model": 16, "block_size": BLOCK, "dropout": 0.0}
VANILLA = VanillaConfig.model_validate(SIZES)
PERCEIVER = PerceiverConfig.model_validate({**SIZES, "n_layers": 3, "bottleneck_dim": 10})
PEOPLE = ["Ada", "Bo", "Cleo", "Dan", "Eve", "Finn", "Gus", "Hal", "Ines", "Jo", "Kai"]
PLACES = ["Rome", "Oslo", "Bern", "Lima", "Riga"]
LIVES = [f"{p}. Born in {PLACES[i % 5]}, a poet." for i, p in enumerate(PEOPLE)]
QUESTIONS = [(f"Where was {p} born?", PLACES[i % 5]) for i, p in enumerate(PEOPLE)]
TOKENIZER = tokenizer_of("\n".join([*LIVES, *(q for q, _ in QUESTIONS)]), specials=True)
CPU = choose_device("cpu", "float32")

both_models = pytest.mark.parametrize("config", [VANILLA, PERCEIVER], ids=lambda c: str(c.variant))


class Watched(SpanCorruption):
    """Span corruption that keeps what it handed out."""

    def __init__(self) -> None:
        corpus = corpus_of("\n".join(LIVES), "lives.txt")
        super().__init__(corpus, TOKENIZER, SpanCorruptionConfig(), BLOCK)
        self.indices: list[list[int]] = []
        self.batches: list[Batch] = []

    def batch(self, indices: Tensor, generator: torch.Generator) -> Batch:
        self.indices.append(indices.tolist())
        self.batches.append(super().batch(indices, generator))
        return self.batches[-1]

    def epochs(self, n_batches: int) -> list[list[int]]:
        """Return the examples of each epoch in their order."""
        parts = (self.indices[i : i + n_batches] for i in range(0, len(self.indices), n_batches))
        return [[index for indices in part for index in indices] for part in parts]


def questions_task() -> QuestionAnswering:
    raw = "".join(f"{question}\t{place}\n" for question, place in QUESTIONS).encode()
    questions = questions_from_bytes(raw, "q.tsv")
    return QuestionAnswering(questions, TOKENIZER, QuestionAnsweringConfig(), BLOCK)


def stage(
    epochs: int = 3,
    batch_size: int = 4,
    rate: float = 1e-2,
    schedule: ScheduleConfig | None = None,
    grad_clip: float = 1.0,
    log_every: int = 1,
    matrix_optimizer: Literal["adamw", "muon"] = "adamw",
) -> StageConfig:
    return StageConfig(
        epochs=epochs,
        batch_size=batch_size,
        log_every=log_every,
        optimizer=OptimizerConfig(
            learning_rate=rate, grad_clip=grad_clip, matrix_optimizer=matrix_optimizer
        ),
        schedule=schedule or ScheduleConfig(warmup_tokens=500, decay_tokens=3000),
    )


def fresh_model(config: ModelConfig = VANILLA, seed: int = 0) -> CharacterModel:
    return build_model(config, len(TOKENIZER), torch.Generator().manual_seed(seed))


def trainer_on(
    task: Task,
    config: StageConfig | None = None,
    model: CharacterModel | None = None,
    seed: int = 0,
    device: Device = CPU,
) -> Trainer:
    return Trainer(model or fresh_model(), task, config or stage(), device, seed)


def weights_of(trainer: Trainer) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in trainer.model.state_dict().items()}


def losses_of(trainer: Trainer) -> list[float]:
    return [loss_of(result) for result in trainer.steps()]


def loss_of(result: StepResult) -> float:
    assert result.reading is not None
    return result.reading.loss


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
    list(trainer_on(task, stage(epochs=2, batch_size=11)).steps())
    first, second = task.batches
    assert not torch.equal(first.tokens[: len(second.tokens)], second.tokens[: len(first.tokens)])


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
    assert trainer.steps_per_epoch == trainer.total_steps == steps
    results = list(trainer.steps())
    assert len(results) == steps
    assert results[-1].n_examples == last
    assert trainer.progress == Progress(
        step=steps, epoch=1, batch=0, positions=n_examples * 8, epoch_loss=0.0
    )


def test_training_makes_no_second_copy_of_the_text() -> None:
    corpus = corpus_of("\n".join(LIVES))
    for task in (
        SpanCorruption(corpus, TOKENIZER, SpanCorruptionConfig(), BLOCK),
        LanguageModeling(corpus, TOKENIZER, LanguageModelingConfig(), BLOCK),
    ):
        next(trainer_on(task).steps())
        assert task.text._codes.data_ptr() == corpus.codes.ctypes.data
    assert set(vars(corpus)) == {"name", "sha256", "characters", "codes"}


def test_positions_count_every_place_of_the_block_but_one() -> None:
    trainer = trainer_on(Watched())
    for result, positions in zip(trainer.steps(), [4 * 31, 8 * 31, 11 * 31, 15 * 31], strict=False):
        assert trainer.progress.positions == positions
        assert result.learning_rate == textbook_learning_rate(positions, 1e-2, 500, 3000)


def test_results_tell_the_step_the_epoch_and_its_mean_loss() -> None:
    results = list(trainer_on(Watched()).steps())
    assert [(r.step, r.epoch, r.n_examples) for r in results] == [
        (step, 1 + (step - 1) // 3, 3 if step % 3 == 0 else 4) for step in range(1, 10)
    ]
    for epoch in (1, 2, 3):
        part = [r for r in results if r.epoch == epoch]
        assert [r.epoch_loss is None for r in part] == [True, True, False]
        assert part[-1].epoch_loss == pytest.approx(sum(loss_of(r) for r in part) / 3)


def test_training_called_again_goes_on_and_does_not_restart_the_schedule() -> None:
    whole = [
        (r.step, r.epoch, r.reading, r.learning_rate, r.epoch_loss)
        for r in trainer_on(Watched()).steps()
    ]
    task = Watched()
    trainer = trainer_on(task)
    parts: list[StepResult] = []
    for count in (1, 3, 2, 100):
        parts += itertools.islice(trainer.steps(), count)
    found = [(r.step, r.epoch, r.reading, r.learning_rate, r.epoch_loss) for r in parts]
    assert found == whole
    assert [sorted(epoch) for epoch in task.epochs(3)] == [list(range(11))] * 3
    assert list(trainer.steps()) == []


def test_learning_lowers_the_loss() -> None:
    losses = losses_of(trainer_on(questions_task(), stage(epochs=40, batch_size=11)))
    assert losses[0] > 2.5
    assert losses[-1] < 0.7 * losses[0]


def test_losses_are_read_at_the_first_step_every_so_many_and_at_the_end_of_an_epoch() -> None:
    every, some = (
        list(trainer_on(Watched(), stage(epochs=3, batch_size=2, log_every=n)).steps())
        for n in (1, 4)
    )
    assert [r.step for r in some if r.reading] == [1, 4, 6, 8, 12, 16, 18]
    for result, reference in zip(some, every, strict=True):
        assert result.reading in (None, reference.reading)
        assert result.epoch_loss == reference.epoch_loss


@pytest.mark.parametrize("log_every", [1, 5, 100])
@pytest.mark.parametrize("value", [math.inf, math.nan])
def test_a_loss_that_is_no_number_stops_before_the_update_however_late_it_is_read(
    value: float, log_every: int
) -> None:
    trainer = trainer_on(Watched(), stage(epochs=3, batch_size=1, log_every=log_every))
    list(itertools.islice(trainer.steps(), 2))
    before, state = weights_of(trainer), trainer.state()[0]
    optimizer = {key: t.clone() for key, t in state.items() if key.startswith("optimizer.")}
    with torch.no_grad():
        trainer.model.get_parameter("head.linear.weight")[0, 0] = value
    with pytest.raises(NonFiniteError, match=r"^step 3: loss .* before the update; lower .*0\.0"):
        list(trainer.steps())
    assert issubclass(NonFiniteError, NanoknowError)
    weights = weights_of(trainer)
    weights["head.linear.weight"][0, 0] = before["head.linear.weight"][0, 0]
    for name, weight in weights.items():
        assert torch.equal(weight, before[name]), name
    for (parameter, values), _ in zip(trainer.optimizers[0].state.items(), before, strict=True):
        name = next(n for n, p in trainer.model.named_parameters() if p is parameter)
        for key, tensor in values.items():
            assert torch.equal(tensor, optimizer[f"optimizer.{key}.{name}"]), name
    with pytest.raises(NonFiniteError, match=r"^step 3: "):
        trainer.state()  # nothing of it can be saved


def test_muon_stops_before_the_update_too() -> None:
    trainer = trainer_on(Watched(), stage(matrix_optimizer="muon", log_every=100))
    list(itertools.islice(trainer.steps(), 2))
    with torch.no_grad():
        trainer.model.get_parameter("head.linear.weight")[0, 0] = math.nan
    before = weights_of(trainer)
    with pytest.raises(NonFiniteError, match=r"^step 3: loss nan"):
        list(trainer.steps())
    for name, weight in weights_of(trainer).items():
        assert torch.equal(weight.nan_to_num(7.0), before[name].nan_to_num(7.0)), name


def test_a_gradient_that_is_no_number_stops_before_the_update_though_the_loss_is_one() -> None:
    model = fresh_model()
    with torch.no_grad():
        model.get_parameter("head.linear.weight").mul_(1e32)
    trainer = trainer_on(Watched(), model=model)
    before = weights_of(trainer)
    with pytest.raises(NonFiniteError, match=r"^step 1: loss [\d.]+e\+\d\d, gradient norm inf: "):
        next(trainer.steps())
    assert all(torch.equal(w, before[name]) for name, w in weights_of(trainer).items())


def textbook_pair(config: ModelConfig) -> tuple[TextbookVanilla | TextbookPerceiver, Trainer]:
    """Return the textbook's model, and a trainer of ours with its weights on our task."""
    sizes = (len(TOKENIZER), BLOCK, config.n_layers, config.n_heads, config.d_model, 0.0)
    with torch.random.fork_rng():
        torch.manual_seed(3)
        textbook = (
            TextbookPerceiver(*sizes, config.bottleneck_dim)
            if isinstance(config, PerceiverConfig)
            else TextbookVanilla(*sizes)
        )
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
    optimizer = textbook_optimizer(textbook, 1e-2, "all_but_biases")
    positions = 0
    losses = []
    for result in trainer.steps():
        x, y = padded(trainer.task.batches[-1])
        positions += len(x) * (BLOCK - 1)
        for group in optimizer.param_groups:
            group["lr"] = textbook_learning_rate(positions, 1e-2, 500, 3000)
        expected = textbook_train_step(textbook, optimizer, x, y, grad_clip=0.5)
        assert loss_of(result) == pytest.approx(expected, rel=1e-10), result.step
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
    losses = [loss_of(result) for result in itertools.islice(trainer.steps(), 5)]
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
    losses = [loss_of(result) for result in itertools.islice(first.steps(), 4)]
    tensors, progress = first.state()
    saved = {key: tensor.cpu().clone() for key, tensor in tensors.items()}
    weights = weights_of(first)
    model = fresh_model(wet, seed=99)
    model.load_state_dict(weights)
    second = trainer_on(Watched(), config, model, device=device)
    second.load_state(saved, progress)
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
