"""``nanoknow plot``: loss, learning rate and accuracy of runs."""

from __future__ import annotations

import locale
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nanoknow.cli import options as opt
from nanoknow.cli.terminal import Terminal

if TYPE_CHECKING:
    from nanoknow.training.curves import PlotReport


WIDEST = 100
HEIGHT = 9


@opt.guarded
def plot(
    runs: Annotated[
        list[Path] | None,
        typer.Argument(metavar="[RUN]...", help="Run folders; the newest if none is given."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="FILE", help="Draw them as .png or .svg."),
    ] = None,
    terminal_too: Annotated[
        bool,
        typer.Option("--terminal", help="Draw them here as well; without --out it is done anyway."),
    ] = False,
    as_json: opt.AsJson = False,
) -> None:
    """Draw loss, learning rate and accuracy of runs.

    In the terminal, or into a file with --out.

    Example: nanoknow plot runs/* --out curves.png
    """
    from nanoknow.training.curves import plot as plot_runs

    terminal = Terminal()
    opt.check_output("--out", out, opt.PICTURE)
    report = plot_runs(runs or [], out, terminal)
    opt.show(terminal, report, show_charts if terminal_too or out is None else show_path, as_json)


def show_path(terminal: Terminal, report: PlotReport) -> None:
    """Show where the picture is."""
    if report.picture:
        terminal.write(f"Picture: {report.picture}\n")


def show_charts(terminal: Terminal, report: PlotReport) -> None:
    """Draw each panel as text, in ASCII where the locale has no more."""
    from nanoknow.figures.text_chart import draw_chart

    blocks = "utf" in locale.getencoding().lower()
    width = min(WIDEST, terminal.out.width)
    for panels in report.panels():
        for panel in panels:
            title = f"{panel.title}, {panel.unit}" if panel.unit else panel.title
            curves = {**panel.curves, **panel.behind}
            terminal.write(draw_chart(title, "step", curves, width, HEIGHT, blocks=blocks) + "\n")
    show_path(terminal, report)
