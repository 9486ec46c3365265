"""What the drawings of a report have in common: axes of shares, and words above a panel."""

from matplotlib.axes import Axes

from nanoknow.figures.svg import QUIET


def percent_axis(axes: Axes, label: str) -> None:
    """Let x be a share, in %."""
    axes.set(xlim=(-1.5, 101.5), xticks=[0, 25, 50, 75, 100], xlabel=label)


def rows_axis(axes: Axes, n: int, top: float) -> None:
    """Let y be ``n`` rows, the first at 0 and on top."""
    axes.set(ylim=(n - 0.5, top), yticks=[])
    axes.spines["left"].set_visible(False)


def note_above(axes: Axes, words: str, x: float = 0, color: str = QUIET) -> None:
    """Write above a panel, where no data are, from its left end (0) or to its right (1)."""
    side = "right" if x else "left"
    axes.text(x, 1.03, words, transform=axes.transAxes, color=color, ha=side)
