"""``nanoknow finetune``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from nanoknow.cli import options as opt
from nanoknow.cli.terminal import Terminal
from nanoknow.cli.training import _resume, _stage_flags, show_training
from nanoknow.config.loading import Override, load_config


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
    from nanoknow.config.resolve import settle
    from nanoknow.training.finetune import find_source, with_corpus_of
    from nanoknow.training.finetune import finetune as recipe
    from nanoknow.training.session import TrainingOptions

    opt.check_output("--out", out)
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
    opt.show(terminal, summary, show_training, as_json)
