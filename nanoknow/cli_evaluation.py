"""The commands that ask and judge: ``nanoknow evaluate``, ``compare`` and ``baseline``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from nanoknow import options as opt
from nanoknow.config import DataConfig
from nanoknow.console import Terminal
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
    from nanoknow.recipes.evaluate import evaluate as recipe
    from nanoknow.tables import show_evaluation

    evaluation = recipe(run, data, device, terminal)
    if as_json:
        terminal.result(evaluation.to_json())
    else:
        show_evaluation(terminal, evaluation)


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
    from nanoknow.recipes.report import report as recipe
    from nanoknow.tables_report import show_report

    found = recipe(run, data, device, page, target, seed, terminal)
    if as_json:
        terminal.result({**found.to_json(), "page": str(page)})
    else:
        show_report(terminal, found, page)


@opt.guarded
def compare(
    runs: Annotated[
        list[Path], typer.Argument(metavar="RUN RUN…", help="Run folders, two or more.")
    ],
    eval_file: opt.EvalFile = None,
    plot: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Draw it as .png or .svg.")
    ] = None,
    device: opt.DeviceName = "auto",
    as_json: opt.AsJson = False,
) -> None:
    """Compare finetuned runs on the same questions: who knows what the others do not.

    Example: nanoknow compare runs/pretrained runs/scratch --plot compare.png
    """
    from nanoknow.recipes.compare import compare as recipe
    from nanoknow.tables_report import show_comparison

    terminal = Terminal()
    result = recipe(runs, DataConfig(eval=eval_file), device, plot, terminal)
    if as_json:
        terminal.result({**result.to_json(), "plot": str(plot) if plot else None})
        return
    show_comparison(terminal, result)
    if plot:
        terminal.write(f"Picture: {plot}\n")


@opt.guarded
def baseline(
    config: opt.Config = None,
    eval_file: opt.EvalFile = None,
    questions: opt.QuestionsFile = None,
    corpus: opt.CorpusFile = None,
    method: Annotated[
        str,
        typer.Option(
            metavar="constant|lookup",
            help="One answer for everybody, or the first place in the person's own document.",
        ),
    ] = "constant",
    answer: Annotated[
        str | None, typer.Option(help="Say this; else the most frequent training answer.")
    ] = None,
    as_json: opt.AsJson = False,
) -> None:
    """Answer every question without a model, and see what that is worth.

    Example: nanoknow baseline --questions birth_places_train.tsv --eval birth_dev.tsv
    """
    from nanoknow.recipes.baseline import baseline as recipe
    from nanoknow.recipes.settings import settle
    from nanoknow.tables import show_baseline

    terminal = Terminal()
    overrides = opt.overrides(None, opt.data_flags(corpus, questions, eval_file))
    result = recipe(settle(config, overrides, terminal).data, answer, method)
    if as_json:
        terminal.result(result.to_json())
    else:
        show_baseline(terminal, result)
