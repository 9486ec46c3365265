"""``nanoknow sweep``: train variants of a config, each with several seeds."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import mean
from typing import TYPE_CHECKING, Annotated

from typer import Argument

from nanoknow.cli import options as opt
from nanoknow.cli.compare import P_VALUES, show_pairs
from nanoknow.cli.terminal import Terminal
from nanoknow.cli.training import Launcher, Processes, Seeds, Shard, show_plan_of_rows

if TYPE_CHECKING:
    from nanoknow.evaluation.scores import Score
    from nanoknow.experiments.sweep_report import Row, SweepReport


def sweep(
    file: Annotated[
        str, Argument(help="A shipped sweep's name, or a YAML file.", **opt.named_file("sweeps"))
    ],
    seeds: Seeds = None,
    processes: Processes = 1,
    shard: Shard = None,
    launcher: Launcher = None,
    device: opt.DeviceName = "auto",
    out: opt.RunsOrTable = None,
    dry_run: opt.DryRun = False,
    as_json: opt.AsJson = False,
) -> None:
    """Train variants of a config with several seeds, to one table.

    Run again, it continues. The runs are in ./runs/sweep unless --out names a folder.

    Example: nanoknow sweep ablations
    """
    from nanoknow.config.sweep import load_sweep

    loaded = load_sweep(file)
    from nanoknow.experiments.pipeline import Launch
    from nanoknow.experiments.sweep import configs_of
    from nanoknow.experiments.sweep import sweep as run_sweep

    terminal = Terminal(as_json)
    if dry_run:
        rows, times = configs_of(loaded, terminal), (seeds or loaded.seeds) * (loaded.folds or 1)
        show_plan_of_rows(terminal, ("pretrain", "finetune"), rows, device, times)
        return
    launch = Launch(seeds, opt.folder_of(out), device, processes, shard, launcher)
    report = run_sweep(loaded, launch, terminal)
    opt.save_table(terminal, out, report.table)
    terminal.show(report, show_sweep)


def show_sweep(terminal: Terminal, report: SweepReport) -> None:
    """Show each row's accuracy over its seeds and its cost, then each pair of rows."""
    numbers = {row.name: str(i) for i, row in enumerate(report.rows, start=1)}
    several = len({row.questions for row in report.rows}) > 1
    rows = []
    for row in report.rows:
        name = f"{row.name} ({row.questions})" if several else row.name
        loss = f"{mean(row.losses):.3f}" if row.losses else "-"
        minutes = f"{mean(row.minutes):.1f}" if row.minutes else "-"
        found = (len(row.seeds), _accuracy(row), _mean_and_range(row.recall), loss, minutes)
        rows.append((numbers[row.name], name, *found))
    title = f"Exact match on {'each row’s questions' if several else report.questions}, in per cent"
    costs = ("loss, mean of batches", "minutes")
    columns = ("", "row", "seeds", "accuracy", "training questions", *costs)
    terminal.table(title, columns, rows, left=2)
    if report.pairs:
        pairs = [(f"{numbers[each.first]}, {numbers[each.second]}", each) for each in report.pairs]
        show_pairs(terminal, pairs)
        seeds = sorted({each.seed for each in report.pairs})
        terminal.paragraph(
            f"Runs of seed {', '.join(map(str, seeds))}: the first that both rows have finished. "
            f"Rows are paired where their questions are the same. {P_VALUES}"
        )
    if report.elsewhere:
        terminal.paragraph(f"{report.elsewhere} runs are being trained by another process.")
    for row in report.rows:
        if by_fold := list(zip(*row.folds, strict=True)):
            shares = (f"{100 * mean(s.accuracy for s in of_seeds):.1f}" for of_seeds in by_fold)
            terminal.line(f"{row.name}, fold by fold: {', '.join(shares)}")
    terminal.line(f"On {report.device or 'no device yet'}. Runs: {report.folder}")


def _accuracy(row: Row) -> str:
    """Write the mean and range over seeds, or the 95 % interval of all folds of one seed."""
    if len(row.folds) != 1:
        return _mean_and_range(row.scores)
    low, high = row.scores[0].interval_95
    return f"{100 * row.scores[0].accuracy:.1f} (95 %: {100 * low:.1f} to {100 * high:.1f})"


def _mean_and_range(scores: Sequence[Score]) -> str:
    if not scores:
        return "-"
    middle, low, high = (100 * of(s.accuracy for s in scores) for of in (mean, min, max))
    return f"{middle:.1f}" if len(scores) == 1 else f"{middle:.1f} ({low:.1f} to {high:.1f})"
