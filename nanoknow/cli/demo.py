"""``nanoknow demo``: the whole experiment on the built-in world."""

from __future__ import annotations

from statistics import mean
from typing import TYPE_CHECKING, Annotated

import typer

from nanoknow.cli import options as opt
from nanoknow.cli.terminal import Terminal
from nanoknow.config.loading import load_config

if TYPE_CHECKING:
    from nanoknow.experiments.demo import DemoReport


@opt.guarded
def demo(
    seeds: Annotated[int, typer.Option(min=1, help="How many seeds to repeat it with.")] = 1,
    config: opt.Config = "demo",
    assign: opt.Set = None,
    device: opt.DeviceName = "auto",
    out: opt.Out = None,
    as_json: opt.AsJson = False,
) -> None:
    """Run the whole experiment on the built-in world in minutes, to a table and a picture.

    Example: nanoknow demo --seeds 3
    """
    from nanoknow.experiments.demo import demo as run_demo

    opt.check_output("--out", out)
    terminal = Terminal()
    config_of_demo = load_config(config, opt.overrides(assign, {}))
    opt.show(terminal, run_demo(config_of_demo, seeds, out, device, terminal), show_demo, as_json)


def show_demo(terminal: Terminal, report: DemoReport) -> None:
    """Show the accuracies of the demo, and where its picture is."""
    constant = report.constant.score.accuracy
    means = {name: mean(s.accuracy for s in scores) for name, scores in report.scores.items()}
    rows = []
    for name, scores in report.scores.items():
        values = [score.accuracy for score in scores]
        spread = f"{min(values):.1%}-{max(values):.1%}" if len(values) > 1 else str(scores[0])
        rows.append((name, f"{means[name]:.1%}", spread))
    rows.append((report.constant.name, f"{constant:.1%}", str(report.constant.score)))
    n = len(next(iter(report.scores.values())))
    terminal.table(
        f"Where was each of {report.constant.score.n} held-out people born?",
        ("", "accuracy", f"range over {n} seeds" if n > 1 else "one seed"),
        rows,
    )
    first, *others = [*means.items(), ("the constant", constant)]
    for name, value in others:
        if value:
            terminal.write(f"{first[0]}: {first[1] / value:.1f} times {name}\n")
    terminal.write(f"{report.seconds / 60:.1f} minutes. Runs: {report.folder}\n")
    terminal.write(f"Picture: {report.picture}\n")
