"""``nanoknow law``: test published findings, each by an experiment with a verdict."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from statistics import mean
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer import Argument, Option

from nanoknow.cli import options as opt
from nanoknow.cli.terminal import Terminal
from nanoknow.cli.training import Launcher, Processes, Seeds, Shard, show_plan_of_rows, stages_of

if TYPE_CHECKING:
    from nanoknow.laws.run import LawReport
    from nanoknow.laws.verdict import Judged

law_app = typer.Typer(help="Test published findings about knowledge.", no_args_is_help=True)


@law_app.command("list")
def law_list(as_json: opt.AsJson = False) -> None:
    """List the laws, with the paper and the finding of each.

    Example: nanoknow law list
    """
    from nanoknow.config.law import load_law
    from nanoknow.config.loading import shipped

    laws = {name: load_law(name) for name in shipped("laws")}
    found = {name: {"paper": law.paper, "finding": law.finding} for name, law in laws.items()}
    Terminal(as_json).show(found, _show_laws)


@law_app.command("run")
def law_run(
    name: Annotated[
        str, Argument(help="A shipped law's name, or a YAML file.", **opt.named_file("laws"))
    ],
    seeds: Seeds = None,
    quick: Annotated[
        bool, Option("--quick", help="Train smaller runs, in folders of their own.")
    ] = False,
    processes: Processes = 1,
    shard: Shard = None,
    launcher: Launcher = None,
    device: opt.DeviceName = "auto",
    out: opt.Runs = None,
    dry_run: opt.DryRun = False,
    as_json: opt.AsJson = False,
) -> None:
    """Train the runs of a law, measure them, and judge whether it holds.

    A table and a picture show the results beside the paper's. Run again, it continues.

    Example: nanoknow law run extraction --processes 2
    """
    from nanoknow.config.law import load_law

    terminal = Terminal(as_json)
    law, label = load_law(name), Path(name).stem
    if quick:
        law, label = law.in_short(), f"{label}-quick"
    if dry_run:
        stages, times = stages_of(law.finetunes), seeds or law.seeds
        show_plan_of_rows(terminal, stages, law.resolve(), device, times)
        return
    from nanoknow.experiments.pipeline import Launch
    from nanoknow.laws.run import run_law

    launch = Launch(seeds, out, device, processes, shard, launcher)
    report = run_law(label, law, launch, terminal)
    terminal.show(report, show_law)


def _show_laws(terminal: Terminal, laws: dict[str, dict[str, Any]]) -> None:
    terminal.pairs([(name, f"{law['finding']} ({law['paper']})") for name, law in laws.items()])


def show_law(terminal: Terminal, report: LawReport) -> None:
    """Show each row's values beside the paper's, each claim's verdict, and the law's."""
    names = list(dict.fromkeys(name for row in report.rows for name in row.values))
    rows = []
    for row in report.rows:
        values = (_value(row.values.get(name), row.published.get(name)) for name in names)
        rows.append((row.name, len(row.seeds), *values))
    title = f"{report.law}: mean of the seeds (lowest to highest) [published]"
    terminal.table(title, ("row", "seeds", *names), rows)
    claims = [(each.says, _interval(each), each.bound, each.verdict) for each in report.claims]
    title = "Claims, on the 95 % interval of the mean"
    terminal.table(title, ("", "measured", "claimed", ""), claims)
    for line in report.unmet:
        terminal.paragraph(f"not a test yet: {line}")
    terminal.paragraph(f"{report.verdict}: {report.finding} ({report.paper})")
    if Path(report.picture).exists():  # a shard draws none
        terminal.line(f"Picture: {report.picture}")


def _value(values: Sequence[float] | None, published: float | None) -> str:
    beside = f" [{published:g}]" if published is not None else ""
    if not values:
        return f"-{beside}"
    low, high = min(values), max(values)
    spread = f" ({low:.4g} to {high:.4g})" if low < high else ""
    return f"{mean(values):.4g}{spread}{beside}"


def _interval(each: Judged) -> str:
    if each.value is None:
        return "-"
    if each.interval_95 is None:
        return f"{each.value:.4g} (one seed)"
    low, high = each.interval_95
    return f"{each.value:.4g} ({low:.4g} to {high:.4g})"
