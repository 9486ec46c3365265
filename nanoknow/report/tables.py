"""What a report is laid out in: sections of words and tables of text."""

from __future__ import annotations

from dataclasses import dataclass, field

from nanoknow.evaluation.scores import Score, wilson_interval

Row = tuple[str, ...]


@dataclass(frozen=True)
class ReportTable:
    """Rows of text under column names; those after the first ``left`` columns hold numbers."""

    title: str
    columns: Row
    rows: list[Row]
    left: int = 1


@dataclass(frozen=True)
class Section:
    """A part of a report.

    Attributes:
        key: names its pictures.
        title: a heading.
        words: sentences: what the tables show, and how they were made.
        tables: in order.
    """

    key: str
    title: str
    words: list[str]
    tables: list[ReportTable] = field(default_factory=list)


def interval(score: Score) -> str:
    """Write the 95 % interval of a score: ``20.0–42.5``."""
    low, high = wilson_interval(score.n_right, score.n)
    return f"{100 * low:.1f}–{100 * high:.1f}"


def right(score: Score) -> str:
    """Write a score: ``12 of 60``."""
    return f"{score.n_right} of {score.n}"
