"""The commands that ask and judge: ``nanoknow evaluate``, ``compare`` and ``baseline``."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from nanoknow.cli import options as opt
from nanoknow.cli.terminal import Terminal
from nanoknow.config.experiment import DataConfig
from nanoknow.errors import ConfigError

TARGET_ACCURACY = 0.8
SEED = 0


@opt.guarded
def evaluate(
    run: opt.RunFolder = None,
    eval_file: opt.EvalFile = None,
    corpus: opt.CorpusFile = None,
    questions: opt.QuestionsFile = None,
    report: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Evaluate in depth, and write a page (.html) about it."),
    ] = None,
    target_accuracy: Annotated[
        float | None,
        typer.Option(
            metavar="SHARE",
            help=f"Of the report: how often what it dares to answer is to be right; "
            f"{TARGET_ACCURACY} if not given.",
        ),
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option(help=f"Of what the report draws at random; {SEED} if not given."),
    ] = None,
    device: opt.DeviceName = "auto",
    as_json: opt.AsJson = False,
) -> None:
    """Ask a finetuned run questions; score, baseline, and what it knew or made up.

    Example: nanoknow evaluate --eval birth_dev.tsv --report report.html
    """
    opt.check_output("--report", report, opt.PAGE)
    terminal = Terminal()
    data = DataConfig(corpus=corpus, questions=questions, eval=eval_file)
    if report is not None:
        target = TARGET_ACCURACY if target_accuracy is None else target_accuracy
        drawn = SEED if seed is None else seed
        _report(run, data, device, report, target, drawn, terminal, as_json)
        return
    for flag, value in (("--target-accuracy", target_accuracy), ("--seed", seed)):
        if value is not None:
            raise ConfigError(f"{flag}: is for --report FILE: add that, or leave this out")
    from nanoknow.cli.tables import show_evaluation
    from nanoknow.evaluation.evaluate import evaluate as recipe

    evaluation = recipe(run, data, device, terminal)
    opt.show(terminal, evaluation, show_evaluation, as_json)


def _report(
    run: Path | None,
    data: DataConfig,
    device: str,
    page: Path,
    target: float,
    seed: int,
    terminal: Terminal,
    as_json: bool,
) -> None:
    from nanoknow.cli.tables_report import show_report
    from nanoknow.report.assemble import report as recipe

    found = recipe(run, data, device, page, target, seed, terminal)
    opt.show(terminal, found, partial(show_report, page=page), as_json, page=str(page))
