"""What a report is laid out in: sections of sentences, and tables of text."""

from dataclasses import dataclass, field

from nanoknow.evaluation.scores import Score

Row = tuple[str, ...]
NONE = "–"


@dataclass(frozen=True)
class ReportTable:
    """Rows of text under column names; columns after the first ``left`` hold numbers."""

    title: str
    columns: Row
    rows: list[Row]
    left: int = 1


@dataclass(frozen=True)
class Section:
    """A part of a report.

    Attributes:
        key: its id in the page, and that of its drawings.
        title: a heading.
        sentences: what the tables show, and how they were made.
        tables: in order.
    """

    key: str
    title: str
    sentences: list[str]
    tables: list[ReportTable] = field(default_factory=list)


def percent(share: float | None) -> str:
    """Write a share: ``30.0 %``."""
    return NONE if share is None else f"{100 * share:.1f} %"


def interval(score: Score) -> str:
    """Write the 95 % interval of a score: ``20.0–42.5``."""
    low, high = score.interval_95
    return f"{100 * low:.1f}–{100 * high:.1f}"


def right(score: Score) -> tuple[str, str]:
    """Write a score in two cells: ``12 of 60``, ``20.0 %``."""
    return f"{score.n_right} of {score.n}", percent(score.accuracy)
