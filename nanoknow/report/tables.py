"""How a report and the tables of commands write shares."""

from nanoknow.evaluation.scores import Score

NONE = "–"
FEW = 20
"""Answers, of which fewer are shown one by one: shares of so few would say too much."""


def percent(share: float | None) -> str:
    """Write a share: ``30.0 %``."""
    return NONE if share is None else f"{100 * share:.1f} %"


def interval(score: Score) -> str:
    """Write the 95 % interval of a score: ``20.0–42.5``."""
    low, high = score.interval_95
    return f"{100 * low:.1f}–{100 * high:.1f}"
