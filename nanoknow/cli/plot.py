"""``nanoknow plot``: draw loss, learning rate and accuracy of runs."""

from __future__ import annotations

import itertools
import locale
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from typer import Option

from nanoknow.cli import options as opt
from nanoknow.cli.terminal import Terminal

if TYPE_CHECKING:
    from nanoknow.training.curves import RunsCurves


WIDEST = 100
HEIGHT = 9


def plot(
    runs: opt.RunFolders = None,
    run_flags: opt.RunFlags = None,
    out: Annotated[
        Path | None, opt.written("FILE", "Draw them as .png or .svg.", *opt.PICTURE)
    ] = None,
    terminal_too: Annotated[
        bool, Option("--terminal", help="With --out: draw them in the terminal as well.")
    ] = False,
    as_json: opt.AsJson = False,
) -> None:
    """Draw loss, learning rate and accuracy of runs.

    The newest run if none is named; in the terminal, or with --out in a file.

    Example: nanoknow plot runs/* --out curves.png
    """
    named = opt.named_runs(runs, run_flags)
    from nanoknow.training.curves import read_curves

    terminal = Terminal(as_json)
    curves = read_curves(named, terminal)
    if out:
        from nanoknow.training.curves_figure import plot_panels

        plot_panels(out, list(curves.panels()))
    draw = show_charts if terminal_too or out is None else lambda *_: None
    terminal.show(curves, draw, picture=out)


def show_charts(terminal: Terminal, curves: RunsCurves) -> None:
    """Draw each panel as text, in ASCII where the locale is not UTF-8."""
    from nanoknow.figures.text_chart import draw_chart

    blocks = "utf" in locale.getencoding().lower()
    width = min(WIDEST, terminal.out.width)
    for panel in itertools.chain(*curves.panels()):
        title = f"{panel.title}, {panel.unit}" if panel.unit else panel.title
        chart = draw_chart(title, panel.x_label, panel.curves, width, HEIGHT, blocks=blocks)
        terminal.write(f"{chart}\n")
