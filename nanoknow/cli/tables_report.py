"""A report, and a comparison of runs, as tables for people."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from nanoknow.cli.terminal import Terminal

if TYPE_CHECKING:
    from nanoknow.evaluation.comparison import Comparison
    from nanoknow.report.findings import Report


def show_report(terminal: Terminal, report: Report, page: Path) -> None:
    """Show what the page shows, its pictures aside."""
    from nanoknow.report.sections import sections

    terminal.write(f"{report.run} ({report.model})\n{report.questions}\n")
    for section in sections(report):
        terminal.heading(section.title)
        bullet = "" if section.tables else "- "
        for sentence in section.words:
            terminal.paragraph(bullet + sentence)
        for table in section.tables:
            terminal.table(table.title, table.columns, table.rows, table.left)
    terminal.write(f"Predictions: {report.predictions}\nPage: {page}\n")


def show_comparison(terminal: Terminal, comparison: Comparison) -> None:
    """Show each run, then each pair of them."""
    from nanoknow.report.findings import NONE, percent
    from nanoknow.report.tables import interval

    terminal.write(f"{comparison.questions} ({comparison.n} questions)\n")
    terminal.table(
        "",
        ("", "run", "right", "accuracy", "95 %", "in document", "confidence", "AUROC"),
        [
            (
                run.letter,
                run.run,
                str(run.score.n_right),
                percent(run.score.accuracy),
                interval(run.score),
                percent(run.score_in_document.accuracy if run.score_in_document else None),
                percent(run.confidence),
                NONE if run.auroc is None else f"{run.auroc:.3f}",
            )
            for run in comparison.runs
        ],
        left=2,
    )
    terminal.table(
        "Questions answered right, pair by pair",
        ("", "both", "only first", "only second", "neither", "p", "p, corrected"),
        [
            (
                f"{each.first}, {each.second}",
                str(each.pairing.both),
                str(each.pairing.only_first),
                str(each.pairing.only_second),
                str(each.pairing.neither),
                f"{each.pairing.p:.2g}",
                f"{each.corrected_p:.2g}",
            )
            for each in comparison.pairs
        ],
    )
    terminal.paragraph(
        "In document: accuracy where the answer stands in the person's own document. Confidence: "
        "the median. AUROC: how often a right answer is surer than a wrong one. p: exact McNemar "
        "test; corrected by Holm for the number of pairs."
    )
    if len(comparison.runs) > 2:
        terminal.paragraph(
            f"Every run knows {comparison.all_right} of the questions, and none knows "
            f"{comparison.none_right}."
        )
