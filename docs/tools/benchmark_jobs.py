"""What ``make bench`` times: each job as nanoknow and as the textbook does it."""

from __future__ import annotations

import itertools
import random
import statistics
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch

from docs.tools.benchmark_setting import Setting, Turn
from nanoknow.complexity.formulas import complexity_of
from nanoknow.config.experiment import PastBlock, SampleConfig
from nanoknow.config.models import ModelConfig, PerceiverConfig, VanillaConfig
from nanoknow.data.batch import IGNORE
from nanoknow.data.tokenizer import Tokenizer
from nanoknow.evaluation.answers import answer_questions
from nanoknow.generation.sample import sample_text
from nanoknow.models.low_precision import in_bfloat16
from nanoknow.system.seeds import new_generator
from nanoknow.tasks.registry import build_task
from nanoknow.training.trainer import Trainer
from tests.tools.textbook import (
    textbook_greedy,
    textbook_optimizer,
    textbook_sample,
    textbook_span_corruption,
    textbook_train_step,
)

LARGE = VanillaConfig(n_layers=8, n_heads=8, d_model=512)
"""The Shakespeare model, on a vocabulary of 65."""


def our_step(setting: Setting, config: ModelConfig) -> Turn:
    trainer = setting.trainer(config)
    steps = trainer.steps()
    return Turn(lambda: next(steps), 1, step_flops(setting, trainer, config), warmup=12)


def textbook_step(setting: Setting, config: ModelConfig) -> Turn:
    characters = setting.tokenizer.characters
    model = setting.textbook(config, len(characters))
    optimizer, rng = textbook_optimizer(model, 6e-3), random.Random(0)
    stoi = {character: i for i, character in enumerate(characters)}

    def run() -> None:
        documents = rng.choices(setting.corpus.documents, k=setting.config.pretrain.batch_size)
        pairs = [textbook_span_corruption(d, config.block_size, rng) for d in documents]
        ids = torch.tensor([[[stoi[c] for c in text] for text in pair] for pair in pairs])
        x, y = ids.to(setting.device.torch_device).unbind(1)
        textbook_train_step(model, optimizer, x, y)

    return Turn(run, 1)


def step_flops(setting: Setting, trainer: Trainer, config: ModelConfig) -> float:
    """Count what forward and backward of the real characters of a batch take, on average."""
    order = torch.randperm(trainer.task.n_examples, generator=new_generator(0, "bench"))
    batch = trainer.task.batch(order[:2048], new_generator(0, "examples"))
    lengths = torch.cat(
        [(part != IGNORE).sum(1) for part in batch.layout.rectangles(batch.targets)]
    )
    vocab_size = len(setting.tokenizer)
    flops = [complexity_of(config, vocab_size, n).flops for n in lengths.tolist()]
    return 3 * statistics.mean(flops) * setting.config.pretrain.batch_size


def our_batch(setting: Setting, config: ModelConfig) -> Turn:
    trainer = setting.trainer(config)
    order = torch.arange(setting.config.pretrain.batch_size)
    count = itertools.count()

    def run() -> None:
        for _ in range(20):
            trainer.task.batch(order, new_generator(0, "examples", next(count)))

    return Turn(run, 20)


def our_answers(setting: Setting, config: ModelConfig) -> Turn:
    model, task = setting.model(config, len(setting.tokenizer)), setting.questions()
    # Long enough to have learnt that an answer ends; the textbook does not stop there.
    training = setting.config.finetune.task
    questions = build_task(
        training, None, setting.texts.require_questions(), setting.tokenizer, config.block_size
    )
    stage = setting.config.scratch.model_copy(update={"epochs": 4})
    list(Trainer(model, questions, stage, setting.device, setting.config.seed).steps())
    answers = answer_questions(model, task)
    flops = statistics.mean(
        complexity_of(config, len(setting.tokenizer), len(prompt) + len(a.answer) + 1).flops
        for prompt, a in zip(task.prompts, answers, strict=True)
    )
    return Turn(lambda: answer_questions(model, task), len(answers), flops)


def textbook_answers(setting: Setting, config: ModelConfig) -> Turn:
    characters = setting.tokenizer.characters
    model = setting.textbook(config, len(characters))
    questions = itertools.cycle(setting.questions().questions.items)

    def run() -> None:
        for question in itertools.islice(questions, 10):
            known = "".join(c for c in question.text if c in characters)
            textbook_greedy(model, characters, known)

    return Turn(run, 10)


def our_sample(
    setting: Setting,
    config: ModelConfig,
    past_block: PastBlock = "recompute",
    *,
    eight_bits: bool = False,
) -> Turn:
    tokenizer = Tokenizer("".join(map(chr, range(65))))
    context = "".join(random.Random(0).choices(tokenizer.characters, k=config.block_size))
    model, generator = setting.model(config, 65).eval(), new_generator(0, "sample")
    if setting.device.precision == "bfloat16":
        model = in_bfloat16(model, eight_bits=eight_bits)
    kept = config.block_size if past_block == "recompute" else config.block_size // 2
    length = 20 if past_block == "recompute" else 2 * (config.block_size - kept + 1)
    how = SampleConfig(context=context, length=length, top_k=10, past_block=past_block)

    def run() -> None:
        list(sample_text(model, tokenizer, how, generator))

    flops = complexity_of(config, 65, config.block_size).flops
    return Turn(run, length, flops / (config.block_size - kept + 1))


def textbook_samples(setting: Setting, config: ModelConfig) -> Turn:
    model, generator = setting.textbook(config, 65), torch.Generator(setting.device.torch_device)
    characters = "".join(map(chr, range(65)))
    context = "".join(random.Random(0).choices(characters, k=config.block_size))

    def run() -> None:
        textbook_sample(model, characters, context, 10, generator, top_k=10)

    return Turn(run, 10)


Side = Callable[[Setting, ModelConfig], Turn]


@dataclass(frozen=True)
class Job:
    """Something to time.

    Attributes:
        unit: what the seconds are of.
        ours: our way.
        textbook: the textbook's; None for what has no counterpart.
        pairs: turns that are counted.
    """

    unit: str
    config: ModelConfig
    ours: Side
    textbook: Side | None
    pairs: int


VANILLA, PERCEIVER = VanillaConfig(), PerceiverConfig()
our_hop = partial(our_sample, past_block="hop")
our_rounded_hop = partial(our_hop, eight_bits=True)
JOBS = {
    "pretraining, vanilla": Job("step", VANILLA, our_step, textbook_step, 7),
    "pretraining, perceiver m 64": Job("step", PERCEIVER, our_step, textbook_step, 7),
    "making a batch": Job("batch", VANILLA, our_batch, None, 9),
    "dev answers, vanilla": Job("answer", VANILLA, our_answers, textbook_answers, 5),
    "dev answers, perceiver m 64": Job("answer", PERCEIVER, our_answers, textbook_answers, 5),
    "sampling, 25M, recompute": Job("character", LARGE, our_sample, textbook_samples, 7),
    "sampling, 25M, hop": Job("character", LARGE, our_hop, textbook_samples, 7),
    "sampling, 25M, hop, int8": Job("character", LARGE, our_rounded_hop, textbook_samples, 7),
}
