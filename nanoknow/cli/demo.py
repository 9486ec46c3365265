"""``nanoknow demo``: the whole experiment on the built-in world."""

from __future__ import annotations

from statistics import mean
from typing import TYPE_CHECKING, Annotated

import typer

from nanoknow.cli import options as opt
from nanoknow.cli.terminal import Terminal
from nanoknow.config.loading import load_config

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nanoknow.evaluation.scores import Score
    from nanoknow.experiments.demo import DemoReport


@opt.guarded
def demo(
    seeds: Annotated[int, typer.Option(min=1, help="How many seeds to repeat it with.")] = 1,
    config: opt.Config = "demo",
    assign: opt.Set = None,
    device: opt.DeviceName = "auto",
    out: opt.RunsOrTable = None,
    as_json: opt.AsJson = False,
) -> None:
    """Run the whole experiment on the built-in world.

    In minutes, to a table and a picture.

    Example: nanoknow demo --seeds 3
    """
    from nanoknow.experiments.demo import demo as run_demo

    folder, table = opt.folder_or_table(out)
    terminal = Terminal()
    resolved = load_config(config, opt.overrides(assign, {}))
    report = run_demo(resolved, seeds, folder, device, terminal)
    opt.save_table(terminal, table, report.table)
    opt.show(terminal, report, show_demo, as_json)


def show_demo(terminal: Terminal, report: DemoReport) -> None:
    """Show the accuracies of the demo, and where its picture is."""
    asked = [("dev", report.scores, report.constant)]
    if report.test_constant is not None:
        asked.append(("test", report.test_scores, report.test_constant))
    seeds = len(next(iter(report.scores.values())))
    spread = f"{seeds} seeds" if seeds > 1 else "95 %"
    rows = [
        (name, *(cell for _, scores, _ in asked for cell in _accuracy(scores[name], seeds)))
        for name in report.scores
    ]
    constants = [_accuracy([constant.score], seeds) for _, _, constant in asked]
    rows.append((report.constant.name, *(cell for cells in constants for cell in cells)))
    columns = [column for name, _, _ in asked for column in (name, spread)]
    terminal.table("Where were the held-out people born?", ("", *columns), rows)
    sizes = " and ".join(f"{constant.score.n} {name}" for name, _, constant in asked)
    terminal.paragraph(f"{sizes} questions. The demo's config was chosen by its dev accuracy.")
    means = {name: mean(each.accuracy for each in runs) for name, runs in report.scores.items()}
    first, *others = {**means, report.constant.name: report.constant.score.accuracy}.items()
    for name, accuracy in others:
        if accuracy:
            terminal.write(f"{first[0]}: {first[1] / accuracy:.1f} times {name} (dev)\n")
    terminal.write(f"{report.seconds / 60:.1f} minutes. Runs: {report.folder}\n")
    terminal.write(f"Picture: {report.picture}\n")


def _accuracy(scores: Sequence[Score], seeds: int) -> tuple[str, str]:
    """Write the mean over seeds and its range, or the 95 % interval where there is one seed."""
    shares = [score.accuracy for score in scores]
    if len(shares) < seeds:
        return f"{mean(shares):.1%}", ""  # the constant, which has no seeds
    low, high = (min(shares), max(shares)) if seeds > 1 else scores[0].interval_95
    return f"{mean(shares):.1%}", f"{100 * low:.1f}–{100 * high:.1f}"
