"""Durations in words."""


def in_words(seconds: float) -> str:
    """Write a duration in the unit that suits it: ``12 minutes``."""
    for size, unit in ((86400, "day"), (3600, "hour"), (60, "minute")):
        if seconds >= 1.5 * size:
            n = seconds / size
            return f"{n:.0f} {unit}s" if n >= 10 else f"{n:.1f} {unit}s".replace(".0 ", " ")
    n = max(1, round(seconds))
    return f"{n} second{'s' * (n > 1)}"
