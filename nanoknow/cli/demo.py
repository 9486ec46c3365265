"""``nanoknow demo``."""

from __future__ import annotations

from typing import Annotated

import typer

from nanoknow.cli import options as opt
from nanoknow.cli.terminal import Terminal
from nanoknow.config.loading import load_config


@opt.guarded
def demo(
    seeds: Annotated[int, typer.Option(min=1, help="How many times, with other seeds.")] = 1,
    config: opt.Config = "demo",
    assign: opt.Set = None,
    device: opt.DeviceName = "auto",
    out: opt.Out = None,
    as_json: opt.AsJson = False,
) -> None:
    """Run the whole experiment on the built-in world, in minutes, to one table and one picture."""
    from nanoknow.cli.tables import show_demo
    from nanoknow.experiments.demo import demo as recipe

    opt.check_output("--out", out)
    terminal = Terminal()
    report = recipe(load_config(config, opt.overrides(assign, {})), seeds, out, device, terminal)
    opt.show(terminal, report, show_demo, as_json)
