"""Shares as every table, page and picture writes them."""

NONE = "–"


def percent(share: float | None) -> str:
    """Write a share: ``30.0 %``."""
    return NONE if share is None else f"{100 * share:.1f} %"
