"""Curves as plain text for a terminal: one as an area of blocks, several as letters."""

import itertools
import string
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from nanoknow.errors import printable
from nanoknow.figures.canvas import Points

BLOCKS = " ▁▂▃▄▅▆▇█"
LETTERS = string.ascii_lowercase
MARGIN = 10
"""Characters left of the area: room for numbers as long as -1.23e-06."""
LEAST_WIDTH = 30
"""Least width of a chart, in characters; a narrower terminal wraps its lines."""

_Columns = npt.NDArray[np.float64]


def draw_chart(
    title: str, x_label: str, curves: Mapping[str, Points], width: int, height: int, *, blocks: bool
) -> str:
    """Draw curves over one another, as lines that end in a line feed.

    Args:
        title: what is drawn, and its unit.
        x_label: what x is.
        curves: by name, points with x ascending; at least one point in all.
        width: characters in a line.
        height: lines of the area.
        blocks: whether the terminal shows characters beyond ASCII; a single curve is then drawn
            as an area over 0.
    """
    drawn = {name: points for name, points in curves.items() if points}
    xs = [x for points in drawn.values() for x, _ in points]
    first, last = min(xs), max(xs)
    ys = [y for points in drawn.values() for _, y in points]
    n_columns = max(LEAST_WIDTH, width) - MARGIN - 1
    columns = {name: _columns(points, first, last, n_columns) for name, points in drawn.items()}
    is_area = blocks and len(drawn) == 1
    low = min(0.0, *ys) if is_area else min(float(np.nanmin(c)) for c in columns.values())
    scale = max(float(np.nanmax(c)) for c in columns.values()) - low or 1.0
    shares = {name: (column - low) / scale for name, column in columns.items()}
    rows = _area(next(iter(shares.values())), height) if is_area else _letters(shares, height)
    edge, corner, line = ("│", "└", "─") if blocks else ("|", "+", "-")
    shown = (0, height // 2, height - 1)
    labels = {i: f"{low + scale * (1 - i / (height - 1)):.3g}" for i in shown}
    ends = f"{first:,.0f}", f"{last:,.0f}"
    lines = [
        title,
        *(f"{labels.get(i, ''):>{MARGIN - 1}} {edge}{row}" for i, row in enumerate(rows)),
        " " * MARGIN + corner + line * n_columns,
        " " * (MARGIN + 1) + ends[0] + x_label.center(n_columns - sum(map(len, ends))) + ends[1],
    ]
    for letter, (name, points) in zip(itertools.cycle(LETTERS), drawn.items(), strict=False):
        key = "" if len(drawn) == 1 else f"{letter}  "
        lines.append(f"{' ' * (MARGIN + 1)}{key}{name}: {points[-1][1]:.3g} at the end")
    return "".join(f"{printable(text).rstrip()}\n" for text in lines)


def _columns(points: Points, first: float, last: float, n: int) -> _Columns:
    """Return (n,) the mean of the points in each column, interpolated between, NaN outside."""
    xs, ys = np.array(points, np.float64).T
    at = np.rint((xs - first) / ((last - first) or 1.0) * (n - 1)).astype(np.int64)
    counts = np.bincount(at, minlength=n)
    known = np.flatnonzero(counts)
    means = np.bincount(at, ys, minlength=n)[known] / counts[known]
    return np.interp(np.arange(n), known, means, left=np.nan, right=np.nan)


def _area(share: _Columns, height: int) -> list[str]:
    """Fill the area under a curve; even its lowest point gets an eighth of a line."""
    eighths = np.maximum(1, np.rint(np.nan_to_num(share) * height * 8)).astype(np.int64)
    eighths[np.isnan(share)] = 0
    floors = range((height - 1) * 8, -8, -8)
    return ["".join(BLOCKS[n] for n in np.clip(eighths - floor, 0, 8)) for floor in floors]


def _letters(shares: Mapping[str, _Columns], height: int) -> list[str]:
    """Put each curve's letter at its height in each column; later curves cover earlier ones."""
    grid = [[" "] * len(next(iter(shares.values()))) for _ in range(height)]
    for letter, share in zip(itertools.cycle(LETTERS), shares.values(), strict=False):
        for column in np.flatnonzero(~np.isnan(share)):
            grid[height - 1 - round(float(share[column]) * (height - 1))][column] = letter
    return ["".join(row) for row in grid]
