"""``nanoknow compare``: compare runs on the same questions, pair by pair."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from nanoknow.cli import options as opt
from nanoknow.cli.terminal import Terminal
from nanoknow.config.experiment import DataConfig
from nanoknow.system.shares import percent

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nanoknow.evaluation.compare import ComparedPair, Comparison

P_VALUES = "p: exact McNemar test; corrected by Holm for the number of pairs."


def compare(
    runs: opt.RunFolders = None,
    run_flags: opt.RunFlags = None,
    eval_file: opt.EvalFile = None,
    plot: opt.Plot = None,
    out: Annotated[
        Path | None, opt.written("FILE.csv", "Write the table of runs as CSV.", *opt.TABLE)
    ] = None,
    device: opt.DeviceName = "auto",
    as_json: opt.AsJson = False,
) -> None:
    """Compare finetuned runs on the same questions.

    Pair by pair: how many questions one of them answers and the other does not. In place of a run,
    name a file of answers that were made elsewhere, one a line.

    Example: nanoknow compare runs/pretrained runs/scratch --plot compare.png
    """
    named = opt.named_runs(runs, run_flags, or_files=True)
    from nanoknow.evaluation.compare import compare as compare_runs
    from nanoknow.experiments.table import rows_of_comparison

    terminal = Terminal(as_json)
    result = compare_runs(named, DataConfig(eval=eval_file), device, terminal)
    if plot:
        from nanoknow.evaluation.compare_figure import plot_comparison

        plot_comparison(result, plot)
    table = rows_of_comparison(result)
    opt.save_table(terminal, out, table)
    terminal.show(result, show_comparison, plot=plot, table=table)


def show_comparison(terminal: Terminal, comparison: Comparison) -> None:
    """Show each run, then each pair of them."""
    from nanoknow.evaluation.scores import interval

    terminal.line(f"{comparison.questions} ({comparison.n} questions)")
    rows = []
    for run in comparison.runs:
        score, inside = run.score, run.score_in_document
        own = (score.n_right, percent(score.accuracy), interval(score))
        shares = (percent(inside.accuracy if inside else None), percent(run.confidence))
        rows.append((run.letter, run.run, *own, *shares, percent(run.auroc)))
    heads = ("", "run", "right", "accuracy", "95 % interval", "in document", "confidence", "AUROC")
    terminal.table("", heads, rows, left=2)
    show_pairs(terminal, [(f"{each.first}, {each.second}", each) for each in comparison.pairs])
    terminal.paragraph(
        "In document: accuracy where the subject's own document holds the answer. Confidence: the "
        "median. AUROC: how often a right answer has a higher confidence than a wrong one. "
        + P_VALUES
    )
    if len(comparison.runs) > 2:
        terminal.paragraph(
            f"Every run answers {comparison.all_right} of the questions right, and none answers "
            f"{comparison.none_right}."
        )


def show_pairs(terminal: Terminal, pairs: Sequence[tuple[str, ComparedPair]]) -> None:
    """Show pairs of runs compared on the same questions, each under its name."""
    rows = []
    for name, each in pairs:
        found = each.pairing
        counts = (found.both, found.only_first, found.only_second, found.neither)
        rows.append((name, *counts, f"{found.p:.2g}", f"{each.corrected_p:.2g}"))
    columns = ("", "both", "only first", "only second", "neither", "p", "p, corrected")
    terminal.table("Questions answered right, pair by pair", columns, rows)
