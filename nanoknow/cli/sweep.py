"""``nanoknow sweep``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from nanoknow.cli import options as opt
from nanoknow.cli.terminal import Terminal


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
    from nanoknow.cli.tables import show_sweep
    from nanoknow.config.sweep import load_sweep
    from nanoknow.experiments.sweep import sweep as recipe

    opt.check_output("--out", out)
    terminal = Terminal()
    report = recipe(load_sweep(file), seeds, out, device, terminal)
    opt.show(terminal, report, show_sweep, as_json)
