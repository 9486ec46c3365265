"""A trainer on a few examples."""

from typing import Literal

import pytest
import torch
from torch import Tensor

from nanoknow.config.experiment import OptimizerConfig, ScheduleConfig, StageConfig
from nanoknow.config.models import ModelConfig, PerceiverConfig, VanillaConfig
from nanoknow.config.tasks import QuestionAnsweringConfig, SpanCorruptionConfig
from nanoknow.data.batch import Batch
from nanoknow.data.questions import questions_from_bytes
from nanoknow.models.base import CharacterModel
from nanoknow.models.registry import build_model
from nanoknow.system.device import Device, choose_device
from nanoknow.tasks.base import Task
from nanoknow.tasks.question_answering import QuestionAnswering
from nanoknow.tasks.span_corruption import SpanCorruption
from nanoknow.training.trainer import Trainer
from tests.helpers.texts import corpus_of, tokenizer_of

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
        self.seeds: list[int] = []

    def batch(self, indices: Tensor, generator: torch.Generator) -> Batch:
        self.seeds.append(generator.initial_seed())
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
        task=SpanCorruptionConfig(),
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
    return [result.loss for result in trainer.steps()]
