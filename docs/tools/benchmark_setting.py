"""Data, device and models that the jobs of ``make bench`` share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import torch

from nanoknow.config.experiment import ExperimentConfig
from nanoknow.config.loading import load_config
from nanoknow.config.models import ModelConfig
from nanoknow.data.corpus import Corpus
from nanoknow.data.sources import Texts
from nanoknow.data.tokenizer import Tokenizer
from nanoknow.errors import DataError
from nanoknow.models.base import CharacterModel
from nanoknow.models.registry import build_model
from nanoknow.system.device import Device, choose_device
from nanoknow.system.seeds import new_generator
from nanoknow.tasks.question_answering import QuestionAnswering
from nanoknow.tasks.registry import build_task
from nanoknow.training.trainer import Trainer
from tests.helpers.textbook_twins import textbook_of
from tests.tools.textbook_models import TextbookModel


@dataclass(frozen=True)
class Turn:
    """What one side does when it is its turn.

    Attributes:
        run: does it.
        units: how many of the job's units that is.
        warmup: turns before any is counted: batches come in several shapes, and the kernels of a
            shape are built when it is first met.
        flops: what a unit's real characters need; None where that is no matrix product.
    """

    run: Callable[[], object]
    units: int
    flops: float | None = None
    warmup: int = 1


class Setting:
    """Data, device and models of one process."""

    @cached_property
    def config(self) -> ExperimentConfig:
        """The original recipe, on the published data where it is, else on the built-in world."""
        config = load_config("birthplaces", [])
        try:
            return config.model_copy(update={"data": Texts.find(config.data).config})
        except DataError:
            return config.model_copy(update={"data": load_config("demo", []).data})

    @cached_property
    def texts(self) -> Texts:
        """Its texts."""
        return Texts(self.config.data)

    @cached_property
    def corpus(self) -> Corpus:
        """Its pretraining text."""
        return self.texts.require_corpus()

    @cached_property
    def tokenizer(self) -> Tokenizer:
        """The vocabulary of that text."""
        return Tokenizer.from_corpus(self.corpus, specials=True)

    @cached_property
    def device(self) -> Device:
        """As every command chooses it."""
        return choose_device(precision="auto")

    def model(self, config: ModelConfig, vocab_size: int) -> CharacterModel:
        """Make a fresh model of ours."""
        model = build_model(config, vocab_size, new_generator(0, "weights"))
        return model.to(self.device.torch_device)

    def textbook(self, config: ModelConfig, vocab_size: int) -> TextbookModel:
        """Make a fresh model of the textbook's."""
        torch.manual_seed(0)
        return textbook_of(config, vocab_size).to(self.device.torch_device)

    def trainer(self, config: ModelConfig) -> Trainer:
        """Make a trainer of ours on the original pretraining recipe."""
        stage = self.config.pretrain
        task = build_task(stage.task, self.corpus, None, self.tokenizer, config.block_size)
        model = self.model(config, len(self.tokenizer))
        return Trainer(model, task, stage, self.device, self.config.seed)

    def questions(self) -> QuestionAnswering:
        """Return the dev questions."""
        task = self.config.finetune.task
        block_size = self.config.model.block_size
        return QuestionAnswering(self.texts.require_eval(), self.tokenizer, task, block_size)
