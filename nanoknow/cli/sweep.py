"""``nanoknow sweep``: variants of a config, each trained with several seeds."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from statistics import mean
from typing import TYPE_CHECKING, Annotated

import typer

from nanoknow.cli import options as opt
from nanoknow.cli.terminal import Terminal

if TYPE_CHECKING:
    from nanoknow.evaluation.scores import Score
    from nanoknow.experiments.sweep import SweepReport


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
    """Train variants of a config with several seeds, to one table; run again, it continues.

    Example: nanoknow sweep ablations
    """
    from nanoknow.config.sweep import load_sweep
    from nanoknow.experiments.sweep import sweep as run_sweep

    opt.check_output("--out", out)
    terminal = Terminal()
    report = run_sweep(load_sweep(file), seeds, out, device, terminal)
    opt.show(terminal, report, show_sweep, as_json)


def show_sweep(terminal: Terminal, report: SweepReport) -> None:
    """Show each row's accuracy over its seeds, and what it cost."""
    rows = []
    for row in report.rows:
        runs = row.outcomes.values()
        rows.append(
            (
                row.name,
                str(len(runs)),
                _mean_and_range([run.score for run in runs]),
                _mean_and_range([run.recall for run in runs]),
                f"{mean(run.loss for run in runs):.3f}" if runs else "-",
                f"{mean(run.minutes for run in runs):.1f}" if runs else "-",
            )
        )
    terminal.table(
        f"Exact match on {report.questions}, in per cent",
        ("row", "seeds", "accuracy", "training questions", "loss", "minutes"),
        rows,
        left=1,
    )
    if report.elsewhere:
        terminal.write(f"{report.elsewhere} runs are with another process.\n")
    terminal.write(f"On {report.device or 'no device yet'}. Runs: {report.folder}\n")


def _mean_and_range(scores: Sequence[Score]) -> str:
    if not scores:
        return "-"
    middle, low, high = (100 * of(s.accuracy for s in scores) for of in (mean, min, max))
    return f"{middle:.1f}" if len(scores) == 1 else f"{middle:.1f} ({low:.1f} to {high:.1f})"
