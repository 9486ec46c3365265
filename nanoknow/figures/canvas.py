"""Pictures by matplotlib, in colours that the colour-blind can tell apart, with labelled lines.

matplotlib is imported only when something is drawn, without pyplot: no window, no global figure.
"""

from __future__ import annotations

import io
import itertools
import textwrap
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nanoknow.errors import printable
from nanoknow.system.files import save_result

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


Points = Sequence[tuple[float, float]]

COLORS = ("#0072B2", "#D55E00", "#6E6E6E", "#009E73", "#CC79A7")
"""From Okabe & Ito (2008), except the grey."""
INK, QUIET, LINE = "#222222", "#595959", "#999999"
STYLE: dict[str, Any] = {
    "axes.axisbelow": True,
    "axes.edgecolor": LINE,
    "axes.labelcolor": QUIET,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlelocation": "left",
    "axes.titlesize": 11,
    "figure.facecolor": "white",
    "font.size": 9,
    "grid.color": "#E6E6E6",
    "lines.linewidth": 1.8,
    "lines.solid_capstyle": "butt",  # round ends would make an interval look longer
    "savefig.dpi": 160,
    "svg.hashsalt": "nanoknow",  # element ids that do not change from one drawing to the next
    "text.color": INK,
    "text.parse_math": False,  # a name may hold dollar signs
    "xtick.color": QUIET,
    "ytick.color": QUIET,
}
BESIDE: dict[str, Any] = {"textcoords": "offset points", "va": "center", "annotation_clip": False}
"""How labels are placed beside what they name."""
LABEL_WIDTH = 18
LINE_HEIGHT = 0.055
"""Height of a line of text, as a share of the panel's."""


@contextmanager
def picture(path: Path, size: tuple[float, float], *, math: bool = False) -> Iterator[Figure]:
    """Yield a figure of ``size`` inches, and write it to ``path``, .png or .svg, when it is drawn.

    Its texts are shown literally; with ``math``, for texts of our own alone, ``$…$`` are formulas.
    """
    form, settings = path.suffix.lower()[1:], STYLE | {"text.parse_math": math}
    with rendered(form, size, settings) as (figure, content):
        yield figure
    save_result(path, content.getvalue(), "the picture")


@contextmanager
def rendered(
    form: str, size: tuple[float, float], settings: dict[str, Any]
) -> Iterator[tuple[Figure, io.BytesIO]]:
    """Yield a figure of ``size`` inches, and the buffer for its ``png`` or ``svg`` once drawn."""
    from matplotlib import style
    from matplotlib.figure import Figure

    with style.context(["default", settings]):
        figure, content = Figure(figsize=size, layout="constrained"), io.BytesIO()
        yield figure, content
        metadata = {"Date": None} if form == "svg" else {"Software": None}
        _make_printable(figure)
        with warnings.catch_warnings():
            # No font has every script; a missing glyph is drawn as a box.
            warnings.filterwarnings("ignore", "Glyph .* missing|Matplotlib currently does not")
            figure.savefig(content, format=form, metadata=metadata)


def _make_printable(figure: Figure) -> None:
    """Make every text of a figure ``printable``, except its line ends."""
    from matplotlib.axis import Axis
    from matplotlib.text import Text
    from matplotlib.ticker import FuncFormatter

    for axis in figure.findobj(Axis):
        if isinstance(names := axis.get_major_formatter(), FuncFormatter):
            names.func = partial(lambda of, *place: printable(of(*place), lines=True), names.func)
    for text in figure.findobj(Text):
        text.set_text(printable(text.get_text(), lines=True))


def shortest_ends(paths: Sequence[Path]) -> list[str]:
    """Return the shortest ends that tell paths apart, each of the same number of parts."""
    parts = [path.absolute().parts for path in paths]
    for n in range(1, max(map(len, parts))):
        names = ["/".join(part[-n:]) for part in parts]
        if len(set(names)) == len(names):
            return names
    return [str(path) for path in paths]


def caption(figure: Figure, words: str) -> None:
    """Write above all panels what they show, wrapped to the figure's width."""
    lines = textwrap.wrap(words, int(14 * figure.get_figwidth()))  # 14 letters of size 9 an inch
    figure.suptitle("\n".join(lines), x=0.01, ha="left", fontsize=9, color=QUIET)


def wrap(name: str) -> str:
    """Wrap a name into lines of ``LABEL_WIDTH`` characters."""
    return "\n".join(textwrap.wrap(name, LABEL_WIDTH)) or name


def write_beside(axes: Axes, x: float, y: float, words: str, color: str = INK) -> None:
    """Write to the right of a point."""
    axes.annotate(words, (x, y), xytext=(8, 0), color=color, **BESIDE)


def draw_curves(axes: Axes, curves: Mapping[str, Points], fixed: Mapping[str, str]) -> None:
    """Draw lines with their names at their ends; ``fixed`` gives colours for some of the names."""
    from matplotlib.patheffects import withStroke

    taken = {fixed[name] for name in curves if name in fixed}
    free = itertools.cycle([c for c in COLORS if c not in taken] or COLORS)
    halo = withStroke(linewidth=2.5, foreground="white")  # where a label lies on a line
    ends = []
    for name, points in curves.items():
        color = fixed.get(name) or next(free)
        if points:
            xs, ys = zip(*points, strict=True)
            marker = "o" if len(points) <= 12 else ""
            axes.plot(xs, ys, color=color, marker=marker, markersize=4)
            ends.append((wrap(name), color, points[-1]))
    axes.get_ylim()  # computes the limits, which the labels' heights depend on
    to_share = axes.transScale + axes.transLimits
    ends.sort(key=lambda end: end[2][1])
    wanted = [float(to_share.transform(point)[1]) for _, _, point in ends]
    heights = [LINE_HEIGHT * (text.count("\n") + 1) for text, _, _ in ends]
    for (text, color, (x, _)), y in zip(ends, _move_apart(wanted, heights), strict=True):
        at_height: dict[str, Any] = {"xycoords": ("data", "axes fraction"), "xytext": (7, 0)}
        axes.annotate(text, (x, y), color=color, path_effects=[halo], **at_height, **BESIDE)


def _move_apart(wanted: Sequence[float], heights: Sequence[float]) -> list[float]:
    """Return ascending centres near the wanted ones, without overlap, below 1 if all fit."""
    centres: list[float] = []
    floor = 0.0
    for y, height in zip(wanted, heights, strict=True):
        centres.append(max(y, floor + height / 2))
        floor = centres[-1] + height / 2
    ceiling = max(1.0, sum(heights))
    for i in reversed(range(len(centres))):
        centres[i] = min(centres[i], ceiling - heights[i] / 2)
        ceiling = centres[i] - heights[i] / 2
    return centres
