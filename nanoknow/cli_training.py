"""The commands that train: ``nanoknow pretrain`` and ``nanoknow finetune``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from nanoknow import options as opt
from nanoknow.config_file import Override, load_config
from nanoknow.console import Terminal
from nanoknow.errors import ConfigError

if TYPE_CHECKING:
    from nanoknow.recipes.sitting import TrainingOptions, TrainingSummary


@opt.guarded
def pretrain(
    config: opt.Config = None,
    model: opt.Variant = None,
    bottleneck_dim: opt.Bottleneck = None,
    epochs: opt.Epochs = None,
    batch_size: opt.BatchSize = None,
    learning_rate: opt.LearningRate = None,
    corpus: opt.CorpusFile = None,
    assign: opt.Set = None,
    seed: opt.Seed = None,
    device: opt.DeviceName = "auto",
    out: opt.Out = None,
    resume: opt.Resume = False,
    max_minutes: opt.MaxMinutes = None,
    tensorboard: opt.TensorBoard = False,
    as_json: opt.AsJson = False,
) -> None:
    """Train a model on a text: span corruption, or plain language modelling.

    Example: nanoknow pretrain --model perceiver --bottleneck-dim 64
    """
    from nanoknow.recipes.pretrain import pretrain as recipe
    from nanoknow.recipes.settings import settle
    from nanoknow.recipes.sitting import TrainingOptions

    terminal = Terminal()
    options = TrainingOptions(device, max_minutes, tensorboard)
    overrides = opt.overrides(
        assign,
        {
            "--model": ("model.variant", model),
            "--bottleneck-dim": ("model.bottleneck_dim", bottleneck_dim),
            **_stage_flags("pretrain", epochs, batch_size, learning_rate),
            "--corpus": ("data.corpus", corpus),
            "--seed": ("seed", seed),
        },
    )
    if resume:
        _resume(out, ("pretrain",), config, overrides, options, terminal, as_json)
        return
    resolved = settle(config, overrides, terminal)
    summary = recipe(resolved, out, options, terminal)
    _show_training(terminal, summary, as_json)


@opt.guarded
def finetune(
    start: Annotated[
        str | None,
        typer.Option(
            "--from", metavar="RUN|scratch", help="Run to start from; latest if not given."
        ),
    ] = None,
    config: opt.Config = None,
    model: opt.Variant = None,
    bottleneck_dim: opt.Bottleneck = None,
    epochs: opt.Epochs = None,
    batch_size: opt.BatchSize = None,
    learning_rate: opt.LearningRate = None,
    corpus: opt.CorpusFile = None,
    questions: opt.QuestionsFile = None,
    eval_file: opt.EvalFile = None,
    assign: opt.Set = None,
    seed: opt.Seed = None,
    device: opt.DeviceName = "auto",
    out: opt.Out = None,
    resume: opt.Resume = False,
    max_minutes: opt.MaxMinutes = None,
    tensorboard: opt.TensorBoard = False,
    as_json: opt.AsJson = False,
) -> None:
    """Learn to answer questions: after pretraining, or --from scratch.

    Example: nanoknow finetune --questions birth_places_train.tsv
    """
    from nanoknow.recipes.finetune import find_source, with_corpus_of
    from nanoknow.recipes.finetune import finetune as recipe
    from nanoknow.recipes.settings import settle
    from nanoknow.recipes.sitting import TrainingOptions

    terminal = Terminal()
    options = TrainingOptions(device, max_minutes, tensorboard)
    scratch = start == "scratch"
    overrides = opt.overrides(
        assign,
        {
            "--model": ("model.variant", model),
            "--bottleneck-dim": ("model.bottleneck_dim", bottleneck_dim),
            **_stage_flags("scratch" if scratch else "finetune", epochs, batch_size, learning_rate),
            **opt.data_flags(corpus, questions, eval_file),
            "--seed": ("seed", seed),
        },
    )
    if resume:
        given = [Override("start", start, "--from")] if start else []
        stages = ("finetune", "scratch")
        _resume(out, stages, config, [*given, *overrides], options, terminal, as_json)
        return
    if scratch:
        summary = recipe(settle(config, overrides, terminal), None, out, options, terminal)
    else:
        named = load_config(config, overrides).data
        run, source = find_source(Path(start) if start else None, named, overrides, terminal)
        resolved = settle(config, overrides, terminal, base=run.config)
        resolved = with_corpus_of(run, source, resolved)
        summary = recipe(resolved, source, out, options, terminal)
    _show_training(terminal, summary, as_json)


@opt.guarded
def sweep(
    file: Annotated[
        str, typer.Argument(metavar="FILE", help="A shipped sweep's name, or a YAML file.")
    ],
    seeds: Annotated[int | None, typer.Option(min=1, help="In place of the file's own.")] = None,
    device: opt.DeviceName = "auto",
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="DIR", help="For the runs; ./runs/sweep if not given."),
    ] = None,
    as_json: opt.AsJson = False,
) -> None:
    """Train variants of a config with several seeds, to one table; called again, it goes on.

    Example: nanoknow sweep levers
    """
    from nanoknow.recipes.sweep import sweep as recipe
    from nanoknow.sweep_file import load_sweep
    from nanoknow.tables import show_sweep

    terminal = Terminal()
    report = recipe(load_sweep(file), seeds, out, device, terminal)
    if as_json:
        terminal.result(report.to_json())
    else:
        show_sweep(terminal, report)


def _stage_flags(
    stage: str, epochs: int | None, batch_size: int | None, learning_rate: float | None
) -> dict[str, tuple[str, Any]]:
    return {
        "--epochs": (f"{stage}.epochs", epochs),
        "--batch-size": (f"{stage}.batch_size", batch_size),
        "--learning-rate": (f"{stage}.optimizer.learning_rate", learning_rate),
    }


def _resume(
    out: Path | None,
    stages: Sequence[str],
    config: str | None,
    overrides: Sequence[Override],
    options: TrainingOptions,
    terminal: Terminal,
    as_json: bool,
) -> None:
    """Continue a run by its own config: what else was asked for would be silently ignored."""
    from nanoknow.recipes.training import resume_run
    from nanoknow.runs import Run

    if out is None:
        raise ConfigError("--resume: name the run to continue with --out DIR")
    asked = [override.label for override in overrides] + (["--config"] if config else [])
    if asked:
        raise ConfigError(
            f"--resume continues {out} by its own config: drop {', '.join(asked)}, or start a new "
            f"run"
        )
    run = Run.open(out)
    if run.record.stage not in stages:
        command = "pretrain" if run.record.stage == "pretrain" else "finetune"
        raise ConfigError(
            f"{out}: is a {run.record.stage} run: continue it with 'nanoknow {command} --resume "
            f"--out {out}'"
        )
    _show_training(terminal, resume_run(run, options, terminal), as_json)


def _show_training(terminal: Terminal, summary: TrainingSummary, as_json: bool) -> None:
    from nanoknow.tables import show_training

    if as_json:
        terminal.result(summary.to_json())
    else:
        show_training(terminal, summary)
