"""``nanoknow compare``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from nanoknow.cli import options as opt
from nanoknow.cli.terminal import Terminal
from nanoknow.config.experiment import DataConfig


@opt.guarded
def compare(
    runs: Annotated[
        list[Path], typer.Argument(metavar="RUN RUN…", help="Run folders, two or more.")
    ],
    eval_file: opt.EvalFile = None,
    plot: opt.Plot = None,
    device: opt.DeviceName = "auto",
    as_json: opt.AsJson = False,
) -> None:
    """Compare finetuned runs on the same questions: who knows what the others do not.

    Example: nanoknow compare runs/pretrained runs/scratch --plot compare.png
    """
    from nanoknow.cli.tables_report import show_comparison
    from nanoknow.evaluation.compare import compare as recipe

    opt.check_output("--plot", plot, opt.PICTURE)
    terminal = Terminal()
    result = recipe(runs, DataConfig(eval=eval_file), device, plot, terminal)
    opt.show(terminal, result, show_comparison, as_json, plot=str(plot) if plot else None)
    if plot and not as_json:
        terminal.write(f"Picture: {plot}\n")
