"""nanoknow from Python: functions named like the commands, with arguments named like their flags.

``nanoknow.pretrain(epochs=3)`` is ``nanoknow pretrain --epochs 3``; ``nanoknow pretrain --help``
explains each argument. Three differ: ``from_`` is ``--from``, ``set`` is a dictionary of config
keys and values, and ``log`` is a stream for notes and progress, such as ``sys.stdout`` (none if not
given). A run is named by its folder or one of its checkpoints; ``latest``, or None, is the latest
that fits, as for the commands.

Each function returns a dataclass that shows itself as a few lines or, in a notebook, as a table;
its ``to_dict()`` is what ``--json`` prints. An error that a user can fix raises a
``NanoknowError``: one line that says what is wrong, where, and what to do.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

from nanoknow.config.flags import data_flags, named_data, overrides, sample_flags, training_flags
from nanoknow.config.loading import Override
from nanoknow.config.sweep import load_sweep
from nanoknow.errors import ConfigError
from nanoknow.evaluation.answering_run import AnsweringRun
from nanoknow.evaluation.ask import Reply
from nanoknow.evaluation.ask import ask as ask_run
from nanoknow.evaluation.evaluate import Evaluation, evaluate_on, evaluate_predictions
from nanoknow.experiments.pipeline import Launch
from nanoknow.experiments.sweep import sweep as run_sweep
from nanoknow.experiments.sweep_report import SweepReport
from nanoknow.generation.opened_run import OpenedRun
from nanoknow.generation.sample import Sampled, text_to_compare, write_all
from nanoknow.generation.sample import sample as open_sampler
from nanoknow.runs.finding import newest_run, open_checkpoint
from nanoknow.system.device import choose_device
from nanoknow.system.reporter import Lines
from nanoknow.tasks.inspection import Inspection
from nanoknow.tasks.inspection import inspect as inspect_data
from nanoknow.training.recipe import resolve_recipe
from nanoknow.training.session import TrainingOptions, TrainingSummary
from nanoknow.training.train import train

LATEST = "latest"
File = str | Path | None


def pretrain(
    *, config: str | None = None, model: str | None = None, bottleneck_dim: int | None = None,
    epochs: int | None = None, batch_size: int | None = None, learning_rate: float | None = None,
    corpus: File = None, documents: str | None = None, questions: File = None,
    skip_long: bool = False, set: Mapping[str, Any] | None = None,  # noqa: A002
    seed: int | None = None, device: str = "auto", out: File = None, resume: bool = False,
    max_minutes: float | None = None, tensorboard: bool = False, log: IO[str] | None = None,
) -> TrainingSummary:  # fmt: skip
    """Train a model on a text."""
    sizes = training_flags(model, bottleneck_dim, epochs, batch_size, learning_rate, seed)
    data = data_flags(corpus, questions, None, documents, skip_long)
    flags = overrides(set, [*sizes, *data])
    options = TrainingOptions(device, max_minutes, tensorboard)
    return train("pretrain", None, config, flags, _path(out), options, Lines(log), resume=resume)


def finetune(
    *, from_: File = None, config: str | None = None, model: str | None = None,
    bottleneck_dim: int | None = None, epochs: int | None = None, batch_size: int | None = None,
    learning_rate: float | None = None, corpus: File = None, documents: str | None = None,
    questions: File = None, eval: File = None, skip_long: bool = False,  # noqa: A002
    set: Mapping[str, Any] | None = None, seed: int | None = None,  # noqa: A002
    device: str = "auto", out: File = None, resume: bool = False,
    max_minutes: float | None = None, tensorboard: bool = False, log: IO[str] | None = None,
) -> TrainingSummary:  # fmt: skip
    """Train a model to answer questions, from a pretrained run or from ``scratch``."""
    sizes = training_flags(model, bottleneck_dim, epochs, batch_size, learning_rate, seed)
    data = data_flags(corpus, questions, eval, documents, skip_long)
    flags = overrides(set, [*sizes, *data])
    options = TrainingOptions(device, max_minutes, tensorboard)
    start = None if from_ in (None, LATEST) else os.fspath(from_)
    return train("finetune", start, config, flags, _path(out), options, Lines(log), resume=resume)


def evaluate(
    run: File = None, *, eval: File = None, corpus: File = None,  # noqa: A002
    documents: str | None = None, questions: File = None, skip_long: bool = False,
    predictions: File = None, device: str = "auto", log: IO[str] | None = None,
) -> Evaluation:  # fmt: skip
    """Score a finetuned run beside a baseline, and judge what it knew or made up.

    With ``predictions``, score a file of answers that were made elsewhere, one a line.
    """
    data = named_data(corpus, questions, eval, documents, skip_long)
    if predictions is not None:
        if run or skip_long or device != "auto":
            raise ConfigError("predictions: leave out run, skip_long, device: these are a run's")
        return evaluate_predictions(Path(predictions), data)
    opened = AnsweringRun.open(_run(run), data, device, Lines(log))
    return evaluate_on(opened, opened.texts.require_eval(), Lines(log))


def ask(
    question: str, run: File = None, *, n_best: int = 3, abstain_below: float = 0.0,
    corpus: File = None, documents: str | None = None, questions: File = None,
    device: str = "auto", log: IO[str] | None = None,
) -> Reply:  # fmt: skip
    """Ask a finetuned run; return its answers, how sure it is of each, and whether it can know."""
    if not 1 <= n_best <= 100:
        raise ConfigError(f"n_best {n_best}: give a number of answers, from 1 to 100")
    if not 0 <= abstain_below <= 1:
        raise ConfigError(f"abstain_below {abstain_below}: give a probability, from 0 to 1")
    data = named_data(corpus, questions, None, documents)
    opened = AnsweringRun.open(_run(run), data, device, Lines(log), question)
    return ask_run(opened, question, n_best, abstain_below)


def sample(
    run: File = None, *, context: str | None = None, length: int | None = None,
    temperature: float | None = None, top_k: int | None = None, past_block: str | None = None,
    weights: str | None = None, precision: str | None = None, seed: int = 0,
    mark_copied: bool = False, min_copied: int | None = None, corpus: File = None,
    device: str = "auto", log: IO[str] | None = None,
) -> Sampled:  # fmt: skip
    """Sample text from a language model; ``print`` of the result shows the text alone."""
    _require_positive(min_copied=min_copied)
    reporter, given = Lines(log), (context, length, temperature, top_k, past_block, weights)
    named = text_to_compare(mark_copied, min_copied, _path(corpus))
    flags = sample_flags(*given, precision=precision)
    sampler = open_sampler(_run(run), flags, seed, device, reporter, named)
    return write_all(sampler, seed, min_copied, reporter)


def sweep(
    file: str, *, seeds: int | None = None, processes: int = 1, shard: str | None = None,
    launcher: str | None = None, device: str = "auto", out: File = None, log: IO[str] | None = None,
) -> SweepReport:  # fmt: skip
    """Train variants of a config with several seeds; the result's ``table`` has a row a run."""
    _require_positive(seeds=seeds, processes=processes)
    launch = Launch(seeds, _path(out), device, processes, shard, launcher)
    return run_sweep(load_sweep(file), launch, Lines(log))


def inspect(
    view: str | None = None, *, config: str | None = None, corpus: File = None,
    documents: str | None = None, questions: File = None, eval: File = None,  # noqa: A002
    count: int = 4, set: Mapping[str, Any] | None = None, seed: int | None = None,  # noqa: A002
    log: IO[str] | None = None,
) -> Inspection:  # fmt: skip
    """Show how data become examples, as ``nanoknow data inspect`` does."""
    _require_positive(count=count)
    data = data_flags(corpus, questions, eval, documents)
    flags = overrides(set, [*data, Override("seed", seed, "--seed")])
    return inspect_data(resolve_recipe(config, flags, Lines(log)), view, count)


def load(run: File = None, device: str = "auto") -> OpenedRun:
    """Load a run, or the newest of any kind, to ask it, to sample, or to use its torch module.

    ``run.model(ids)`` maps (B, T) ids, as ``run.encode(texts)`` makes them, to (B, T, V) logits.

    Raises:
        CheckpointError: it is missing or damaged.
        ConfigError: the device does not exist.
    """
    opened, checkpoint = open_checkpoint(_run(run) or newest_run().path)
    chosen = choose_device(device)
    return OpenedRun(opened, checkpoint, chosen, checkpoint.load_model(chosen))


def _run(run: File) -> Path | None:
    return None if run in (None, LATEST) else Path(run)


def _path(path: File) -> Path | None:
    return None if path is None else Path(path)


def _require_positive(**numbers: int | None) -> None:
    for name, n in numbers.items():
        if n is not None and n < 1:
            raise ConfigError(f"{name} {n}: give 1 or more")
