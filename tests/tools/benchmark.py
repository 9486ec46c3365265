"""``make bench``: nanoknow against the textbook implementation, side by side.

Each job runs on two processes of its own, one a side, that take turns: the machine's moods fall
on both, the ratio is the median over pairs of turns, and each side has a peak memory. Utilisation
is the arithmetic that the job's real characters need, over what large matrix products reach on
the same device; what it is short of 1 is what there is left to gain.
"""

from __future__ import annotations

import argparse
import itertools
import json
import multiprocessing
import random
import resource
import statistics
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import cached_property
from multiprocessing.connection import Connection
from typing import Any

import torch
from rich.console import Console
from rich.table import Table
from torch import Tensor

from nanoknow.complexity.formulas import complexity_of
from nanoknow.config.experiment import ExperimentConfig, PastBlock
from nanoknow.config.loading import load_config
from nanoknow.config.models import ModelConfig, PerceiverConfig, VanillaConfig
from nanoknow.data.batch import IGNORE
from nanoknow.data.corpus import Corpus
from nanoknow.data.sources import Texts
from nanoknow.data.tokenizer import Tokenizer
from nanoknow.errors import DataError
from nanoknow.evaluation.answers import answer_questions
from nanoknow.generation.sampling import sample
from nanoknow.models.base import CharacterModel
from nanoknow.models.low_precision import in_bfloat16
from nanoknow.models.registry import build_model
from nanoknow.system.device import Device, choose_device
from nanoknow.system.seeds import new_generator
from nanoknow.tasks.question_answering import QuestionAnswering
from nanoknow.tasks.registry import build_task
from nanoknow.training.trainer import Trainer
from tests.tools.textbook import (
    TextbookModel,
    TextbookPerceiver,
    TextbookVanilla,
    textbook_greedy,
    textbook_optimizer,
    textbook_sample,
    textbook_span_corruption,
    textbook_train_step,
)

LARGE = VanillaConfig(n_layers=8, n_heads=8, d_model=512)
"""The Shakespeare model, on a vocabulary of 65."""
CONTEXT = "O God, O God!"


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
        return choose_device()

    def model(self, config: ModelConfig, vocab_size: int) -> CharacterModel:
        """Make a fresh model of ours."""
        model = build_model(config, vocab_size, new_generator(0, "weights"))
        return model.to(self.device.torch_device)

    def textbook(self, config: ModelConfig, vocab_size: int) -> TextbookModel:
        """Make a fresh model of the textbook's."""
        sizes = (vocab_size, config.block_size, config.n_layers, config.n_heads, config.d_model)
        torch.manual_seed(0)
        model: TextbookModel
        if isinstance(config, PerceiverConfig):
            model = TextbookPerceiver(*sizes, config.dropout, config.bottleneck_dim)
        else:
            model = TextbookVanilla(*sizes, config.dropout)
        return model.to(self.device.torch_device)

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


def our_step(setting: Setting, config: ModelConfig) -> Turn:
    trainer = setting.trainer(config)
    steps = trainer.steps()
    return Turn(lambda: next(steps), 1, step_flops(setting, trainer, config), warmup=12)


def textbook_step(setting: Setting, config: ModelConfig) -> Turn:
    model = setting.textbook(config, len(setting.tokenizer))
    optimizer = textbook_optimizer(model, 6e-3, "all_but_biases")
    rng = random.Random(0)
    stoi = {character: i for i, character in enumerate(setting.tokenizer.characters)}

    def ids(texts: list[str]) -> Tensor:
        return torch.tensor([[stoi[c] for c in text] for text in texts]).to(
            setting.device.torch_device
        )

    def run() -> None:
        documents = rng.choices(setting.corpus.documents, k=setting.config.pretrain.batch_size)
        pairs = [textbook_span_corruption(d, config.block_size, rng) for d in documents]
        x, y = ([pair[i] for pair in pairs] for i in (0, 1))
        textbook_train_step(model, optimizer, ids(x), ids(y))

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
    for _ in Trainer(model, questions, stage, setting.device, setting.config.seed).steps():
        pass
    answers = answer_questions(model, task)
    flops = statistics.mean(
        complexity_of(config, len(setting.tokenizer), len(prompt) + len(a.answer) + 1).flops
        for prompt, a in zip(task.prompts, answers, strict=True)
    )
    return Turn(lambda: answer_questions(model, task), len(answers), flops)


def textbook_answers(setting: Setting, config: ModelConfig) -> Turn:
    model, characters = (
        setting.textbook(config, len(setting.tokenizer)),
        setting.tokenizer.characters,
    )
    stoi = {character: i for i, character in enumerate(characters)}
    questions = itertools.cycle(setting.questions().questions.items)

    def run() -> None:
        for question in itertools.islice(questions, 10):
            known = "".join(c for c in question.text if c in stoi)
            textbook_greedy(model, stoi, characters, known)

    return Turn(run, 10)


def sampling(
    setting: Setting, config: ModelConfig, past_block: PastBlock, *, eight_bits: bool = False
) -> Turn:
    context = torch.randint(65, (config.block_size,), generator=new_generator(0, "context")).numpy()
    model, generator = setting.model(config, 65).eval(), new_generator(0, "sample")
    if setting.device.precision == "bfloat16":
        model = in_bfloat16(model, eight_bits=eight_bits)
    kept = config.block_size if past_block == "recompute" else config.block_size // 2
    length = 20 if past_block == "recompute" else 2 * (config.block_size - kept + 1)

    def run() -> None:
        list(sample(model, context, length, 1.0, 10, generator, past_block))

    flops = complexity_of(config, 65, config.block_size).flops
    return Turn(run, length, flops / (config.block_size - kept + 1))


def our_sample(setting: Setting, config: ModelConfig) -> Turn:
    return sampling(setting, config, "recompute")


def our_hop(setting: Setting, config: ModelConfig) -> Turn:
    return sampling(setting, config, "hop")


def our_rounded_hop(setting: Setting, config: ModelConfig) -> Turn:
    return sampling(setting, config, "hop", eight_bits=True)


def textbook_samples(setting: Setting, config: ModelConfig) -> Turn:
    model, generator = setting.textbook(config, 65), torch.Generator(setting.device.torch_device)
    characters = "".join(map(chr, range(65)))
    stoi = {character: i for i, character in enumerate(characters)}
    context = "".join(random.Random(0).choices(characters, k=config.block_size))

    def run() -> None:
        textbook_sample(model, stoi, characters, context, 10, generator, top_k=10)

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


JOBS = {
    "pretraining, vanilla": Job("step", VanillaConfig(), our_step, textbook_step, 7),
    "pretraining, perceiver m 64": Job("step", PerceiverConfig(), our_step, textbook_step, 7),
    "making a batch": Job("batch", VanillaConfig(), our_batch, None, 9),
    "dev answers, vanilla": Job("answer", VanillaConfig(), our_answers, textbook_answers, 5),
    "dev answers, perceiver m 64": Job(
        "answer", PerceiverConfig(), our_answers, textbook_answers, 5
    ),
    "sampling, 25M, recompute": Job("character", LARGE, our_sample, textbook_samples, 7),
    "sampling, 25M, hop": Job("character", LARGE, our_hop, textbook_samples, 7),
    "sampling, 25M, hop, int8": Job("character", LARGE, our_rounded_hop, textbook_samples, 7),
}


@dataclass(frozen=True)
class Measured:
    """One job's figures; seconds are medians over turns, of one unit.

    Attributes:
        ratio: textbook over ours, the median over pairs, with the smallest and the largest.
        utilisation: of ours, by the precision of the matrix products it is held against.
        memory: peak resident bytes of each side's process; on a GPU, of its memory.
    """

    job: str
    unit: str
    ours: float
    textbook: float | None
    ratio: tuple[float, float, float] | None
    utilisation: dict[str, float]
    memory: dict[str, int]


def work(connection: Connection, job: str, side: str) -> None:
    """Take turns when told to; at the end tell the flops, units and peak memory."""
    setting = Setting()
    turn: Turn = getattr(JOBS[job], side)(setting, JOBS[job].config)
    device = setting.device.torch_device

    def timed() -> float:
        began = time.perf_counter()
        turn.run()
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        return (time.perf_counter() - began) / turn.units

    for _ in range(turn.warmup):
        timed()
    connection.send(None)
    while connection.recv():
        connection.send(timed())
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    if device.type == "cuda":
        peak = torch.cuda.max_memory_allocated(device)
    connection.send((turn.flops, peak))


def measure(name: str, rates: dict[str, float]) -> Measured:
    """Run a job's sides in turns."""
    job = JOBS[name]
    sides = ["ours", "textbook"] if job.textbook else ["ours"]
    spawn = multiprocessing.get_context("spawn")
    ends: dict[str, Connection] = {}
    workers = []
    for side in sides:
        ends[side], theirs = spawn.Pipe()
        workers.append(spawn.Process(target=work, args=(theirs, name, side)))
        workers[-1].start()
        ends[side].recv()
    turns: dict[str, list[float]] = {side: [] for side in sides}
    for _ in range(job.pairs):
        for side in sides:
            ends[side].send(True)
            turns[side].append(ends[side].recv())
    flops, memory = None, {}
    for side in reversed(sides):  # ours last: its flops are those that count
        ends[side].send(False)
        flops, memory[side] = ends[side].recv()
    for worker in workers:
        worker.join()
    ratios = [t / o for o, t in zip(turns["ours"], turns.get("textbook", []), strict=False)]
    ours = statistics.median(turns["ours"])
    return Measured(
        name,
        job.unit,
        ours,
        statistics.median(turns["textbook"]) if job.textbook else None,
        (statistics.median(ratios), min(ratios), max(ratios)) if ratios else None,
        {precision: flops / ours / rate for precision, rate in rates.items()} if flops else {},
        memory,
    )


def matrix_rates(device: torch.device) -> dict[str, float]:
    """Measure what products of 2048² matrices reach, in FLOP/s, by precision."""
    rates = {}
    for name, dtype in (("float32", torch.float32), ("bfloat16", torch.bfloat16)):
        a = torch.randn(2048, 2048, device=device).to(dtype)
        seconds = []
        for _ in range(12):
            began = time.perf_counter()
            float((a @ a)[0, 0])
            seconds.append(time.perf_counter() - began)
        rates[name] = 2 * 2048**3 / statistics.median(seconds[2:])
    return rates


def table(results: list[Measured], device: str, rates: dict[str, float]) -> Table:
    title = f"{device}; matrix products reach " + ", ".join(
        f"{rate / 1e9:,.0f} GFLOP/s in {name}" for name, rate in rates.items()
    )
    shown = Table(title=title)
    for heading in ("job", "ours", "textbook", "ratio (range)", "utilisation", "peak memory"):
        shown.add_column(heading, justify="left" if heading == "job" else "right", overflow="fold")
    for r in results:
        shown.add_row(
            r.job,
            f"{1e3 * r.ours:,.2f} ms a {r.unit}",
            f"{1e3 * r.textbook:,.1f} ms" if r.textbook else "",
            "{:.1f} ({:.1f}-{:.1f})".format(*r.ratio) if r.ratio else "",
            ", ".join(f"{share:.1%} of {name}" for name, share in r.utilisation.items()),
            " / ".join(
                f"{r.memory[s] / 2**20:,.0f} MiB" for s in ("ours", "textbook") if s in r.memory
            ),
        )
    return shown


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("jobs", nargs="*", metavar="JOB", help="only jobs whose name holds this")
    arguments = parser.parse_args()
    device = choose_device()
    rates = matrix_rates(device.torch_device)
    results = []
    for name in JOBS:
        if not arguments.jobs or any(part in name for part in arguments.jobs):
            Console(stderr=True).print(f"{name} …")
            results.append(measure(name, rates))
    if arguments.json:
        report: dict[str, Any] = {
            "device": device.name,
            "precision": device.precision,
            "torch": torch.__version__,
            "matrix_rates": rates,
            "jobs": [asdict(result) for result in results],
        }
        print(json.dumps(report, indent=2))  # noqa: T201
    else:
        Console().print(table(results, f"{device.name}, {device.precision}", rates))


if __name__ == "__main__":
    main()
