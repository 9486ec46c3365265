"""The picture of several runs on the same questions."""

from collections.abc import Sequence
from pathlib import Path

from matplotlib.axes import Axes

from nanoknow.evaluation.compare import Comparison
from nanoknow.figures.canvas import COLORS, INK, QUIET, picture, shortest_ends, wrap, write_beside

NAME_WIDTH = 48
ROW = 0.5
"""Height of a row, in inches."""
BOTH, FIRST, SECOND = "#B8B8B8", COLORS[0], COLORS[1]


def plot_comparison(comparison: Comparison, path: Path) -> None:
    """Draw each run's accuracy with its interval, and who knew what in each pair.

    Args:
        comparison: of two runs or more.
        path: .png or .svg.

    Raises:
        ConfigError: it cannot be written.
    """
    lines = max(len(comparison.runs), len(comparison.pairs))
    with picture(path, (10.5, ROW * lines + 1.4)) as figure:
        left, right = figure.subplots(1, 2)
        _draw_accuracies(left, comparison)
        _draw_pairs(right, comparison)


def _draw_accuracies(axes: Axes, comparison: Comparison) -> None:
    runs, highest = comparison.runs, 1.0
    for i, run in enumerate(runs):
        score = run.score
        low, high = (100 * end for end in score.interval_95)
        axes.plot([low, high], [i, i], color=FIRST, linewidth=5, alpha=0.35)
        axes.plot(100 * score.accuracy, i, "o", color=FIRST, markersize=8)
        write_beside(axes, high, i, f"{100 * score.accuracy:.1f} %")
        highest = max(highest, high)
    ends = shortest_ends([Path(run.run) for run in runs])
    names = [wrap(f"{run.letter}  {_short(end)}") for run, end in zip(runs, ends, strict=True)]
    _set_rows(axes, names, highest)
    axes.set(title="Accuracy, with 95 % intervals", xlabel=f"% right of {comparison.n} questions")


def _set_rows(axes: Axes, names: Sequence[str], highest: float) -> None:
    """Name the rows along y, the first on top, and end x with the data."""
    axes.set_yticks(range(len(names)), names, color=INK)
    axes.set(ylim=(len(names) - 0.5, -0.5), xlim=(0, highest * 1.02))
    axes.grid(axis="x")


def _short(run: str) -> str:
    """Return a run's name in ASCII, which every font has; of a long one both ends."""
    plain, half = "".join(c if c.isascii() else "?" for c in run), NAME_WIDTH // 2
    return plain if len(plain) <= NAME_WIDTH else f"{plain[: half - 3]}...{plain[-half:]}"


def _draw_pairs(axes: Axes, comparison: Comparison) -> None:
    for i, each in enumerate(comparison.pairs):
        found = each.pairing
        start = 0
        counts = (found.only_first, found.both, found.only_second)
        for n, color in zip(counts, (FIRST, BOTH, SECOND), strict=True):
            axes.barh(i, n, left=start, height=0.55, color=color)
            start += n
        words = f"{found.only_first} / {found.both} / {found.only_second}, p = {found.p:.2g}"
        write_beside(axes, start, i, words, QUIET)
    names = [f"{each.first}, {each.second}" for each in comparison.pairs]
    most = max(comparison.n - each.pairing.neither for each in comparison.pairs)
    _set_rows(axes, names, max(1, most))
    axes.set(title="Right: only the first, both, only the second", xlabel="questions")
