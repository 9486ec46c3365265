"""Pictures: white, labelled on the lines themselves, in colours that the colour-blind tell apart.

matplotlib is imported when something is drawn, and without pyplot: no window, no global figure.
"""

from __future__ import annotations

import io
import itertools
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nanoknow.complexity import ComplexityReport
from nanoknow.errors import ConfigError
from nanoknow.files import require_writable, write_atomically

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Points = Sequence[tuple[float, float]]

FORMATS = (".png", ".svg")
COLORS = ("#0072B2", "#D55E00", "#6E6E6E", "#009E73", "#CC79A7")
"""From Okabe & Ito (2008), the grey aside."""
INK, QUIET = "#222222", "#595959"
STYLE: dict[str, Any] = {
    "axes.axisbelow": True,
    "axes.edgecolor": "#999999",
    "axes.labelcolor": QUIET,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlelocation": "left",
    "axes.titlesize": 11,
    "figure.facecolor": "white",
    "font.size": 9,
    "grid.color": "#E6E6E6",
    "lines.linewidth": 1.8,
    "savefig.dpi": 160,
    "svg.hashsalt": "nanoknow",  # element ids that do not change from one drawing to the next
    "text.color": INK,
    "xtick.color": QUIET,
    "ytick.color": QUIET,
}
LABEL_WIDTH = 18
LINE_HEIGHT = 0.055
"""Of a line of text, as a share of the panel's height."""


def plot_complexity(report: ComplexityReport, path: Path) -> None:
    """Draw what both models cost against sequence length and against the bottleneck, log-log.

    Args:
        report: with a sweep of one or more lengths.
        path: .png or .svg.

    Raises:
        ConfigError: another format, or a folder that cannot be written.
    """
    rows, config = report.sweep, report.config
    names = ("vanilla", f"perceiver m = {config.bottleneck_dim}")
    flops = [(r.vanilla_flops, r.perceiver_flops) for r in rows]
    memory = [(r.vanilla_attention_bytes, r.perceiver_attention_bytes) for r in rows]
    with picture(path, (15.0, 4.0)) as figure:
        sizes = (
            f"one sequence, L {config.n_layers}, h {config.n_heads}, d {config.d_model}, "
            f"V {report.vocab_size}; up to m characters both cost the same"
        )
        figure.suptitle(sizes, x=0.01, ha="left", fontsize=9, color=QUIET)
        left, middle, right = figure.subplots(1, 3)
        for axes, title, unit, pairs in (
            (left, "Forward pass", "FLOP", flops),
            (middle, "Attention weights, all layers, float32", "B", memory),
        ):
            curves = {
                name: [(row.seq_len, pair[i]) for row, pair in zip(rows, pairs, strict=True)]
                for i, name in enumerate(names)
            }
            axes.set(title=title, xlabel="sequence length in characters")
            _log_scales(axes, max(map(max, pairs)) / min(map(min, pairs)), unit)
            draw_curves(axes, curves, {})
        narrow, level = report.bottlenecks, report.vanilla.flops
        right.set(
            title=f"Forward pass of {report.vanilla.seq_len} characters",
            xlabel="bottleneck m, latents of the perceiver",
        )
        _log_scales(right, None, "FLOP")
        by_bottleneck = {
            "vanilla": [(row.bottleneck_dim, level) for row in narrow],
            "perceiver": [(row.bottleneck_dim, row.flops) for row in narrow],
        }
        right.set_ylim(0, 1.1 * max(level, *(row.flops for row in narrow)))
        draw_curves(right, by_bottleneck, {})


def plot_demo(
    path: Path,
    accuracies: Sequence[tuple[str, Sequence[float]]],
    loss_curves: Mapping[str, Points],
    accuracy_curves: Mapping[str, Points],
) -> None:
    """Draw what pretraining brought: accuracies as bars, and how training went.

    Args:
        path: .png or .svg.
        accuracies: by name, the share of right answers (0 to 1) of each seed.
        loss_curves: by name, (epoch, nats a character) of pretraining; no panel without any.
        accuracy_curves: by name, (epoch, share of right answers) of finetuning; the same.

    Raises:
        ConfigError: another format, or a folder that cannot be written.
    """
    bar_colors = {name: COLORS[i % len(COLORS)] for i, (name, _) in enumerate(accuracies)}
    shares = {name: [(x, 100 * y) for x, y in points] for name, points in accuracy_curves.items()}
    panels: list[tuple[str, str, Mapping[str, Points]]] = [
        ("Pretraining loss", "nats a character", loss_curves),
        ("Dev accuracy in finetuning", "% right", shares),
    ]
    panels = [panel for panel in panels if any(panel[2].values())]
    with picture(path, (4.2 + 3.8 * len(panels), 3.4)) as figure:
        bars, *others = figure.subplots(1, 1 + len(panels), squeeze=False)[0]
        _draw_bars(bars, accuracies, bar_colors)
        for axes, (title, ylabel, curves) in zip(others, panels, strict=True):
            axes.set(title=title, xlabel="epoch", ylabel=ylabel)
            axes.grid(axis="y")
            if curves is shares:
                axes.set_ylim(0, max(1.0, *(1.05 * y for p in shares.values() for _, y in p)))
            draw_curves(axes, curves, bar_colors)


@contextmanager
def picture(path: Path, size: tuple[float, float]) -> Iterator[Figure]:
    """Yield a figure of ``size`` inches, and write it to ``path`` when it is drawn."""
    suffix = _format(path)
    from matplotlib import style
    from matplotlib.figure import Figure

    with style.context(["default", STYLE]):
        figure = Figure(figsize=size, layout="constrained")
        yield figure
        content = io.BytesIO()
        metadata = {"Date": None} if suffix == ".svg" else {"Software": None}
        figure.savefig(content, format=suffix[1:], metadata=metadata)
    try:
        if not path.parent.exists():
            path.parent.mkdir(parents=True)
        write_atomically(path, content.getvalue())
    except OSError as error:
        raise ConfigError(
            f"{path}: cannot write the picture: {error.strerror}: name another file"
        ) from None


def require_picture(path: Path) -> None:
    """Refuse a picture that could not be written, before the work that it is to show.

    Raises:
        ConfigError: another format, or a place that cannot be written.
    """
    _format(path)
    try:
        require_writable(path)
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}: name another file for the picture") from None


def _format(path: Path) -> str:
    suffix = path.suffix.lower()
    if suffix not in FORMATS:
        raise ConfigError(f"{path}: cannot draw {suffix or 'without a suffix'}: use .png or .svg")
    return suffix


def _wrap(name: str) -> str:
    return "\n".join(textwrap.wrap(name, LABEL_WIDTH)) or name


def _log_scales(axes: Axes, spread: float | None, unit: str) -> None:
    """Make both scales logarithmic, or x alone.

    Args:
        axes: without limits yet.
        spread: the greatest y divided by the least; None leaves y as it is.
        unit: of y.
    """
    from matplotlib.ticker import EngFormatter, LogLocator, NullLocator, StrMethodFormatter

    axes.set_xscale("log", base=2)
    axes.set_yscale("log" if spread else "linear")
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:.0f}"))
    axes.yaxis.set_major_formatter(EngFormatter(unit))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_minor_locator(NullLocator())
    if spread and spread < 100:  # may hold a single power of ten, or none
        axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axes.grid()


def draw_curves(axes: Axes, curves: Mapping[str, Points], fixed: Mapping[str, str]) -> None:
    """Draw lines with their names at their ends; ``fixed`` are colours that some names have."""
    from matplotlib.patheffects import withStroke

    taken = {fixed[name] for name in curves if name in fixed}
    free = itertools.cycle([c for c in COLORS if c not in taken] or COLORS)
    halo = withStroke(linewidth=2.5, foreground="white")  # where a label stands on a line
    ends = []
    for name, points in curves.items():
        color = fixed.get(name) or next(free)
        if points:
            xs, ys = zip(*points, strict=True)
            marker = "o" if len(points) <= 12 else ""
            axes.plot(xs, ys, color=color, marker=marker, markersize=4)
            ends.append((_wrap(name), color, points[-1]))
    axes.get_ylim()  # settles the limits, which the places of the labels depend on
    to_share = axes.transScale + axes.transLimits
    ends.sort(key=lambda end: end[2][1])
    wanted = [float(to_share.transform(point)[1]) for _, _, point in ends]
    heights = [LINE_HEIGHT * (text.count("\n") + 1) for text, _, _ in ends]
    for (text, color, (x, _)), y in zip(ends, _move_apart(wanted, heights), strict=True):
        axes.annotate(
            text,
            (x, y),
            xycoords=("data", "axes fraction"),
            xytext=(7, 0),
            textcoords="offset points",
            va="center",
            color=color,
            path_effects=[halo],
            annotation_clip=False,
        )


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


def _draw_bars(
    axes: Axes, accuracies: Sequence[tuple[str, Sequence[float]]], colors: Mapping[str, str]
) -> None:
    """Draw means as bars, with the range of several seeds as a thin line."""
    highest = 1.0
    for i, (name, shares) in enumerate(accuracies):
        low, mean, high = (100 * f for f in (min(shares), sum(shares) / len(shares), max(shares)))
        axes.barh(i, mean, height=0.6, color=colors[name])
        axes.plot([low, high], [i, i], color=INK, linewidth=1.2, solid_capstyle="butt")
        axes.annotate(
            f"{mean:.1f} %",
            (high, i),
            xytext=(6, 0),
            textcoords="offset points",
            va="center",
            annotation_clip=False,
        )
        highest = max(highest, high)
    axes.set_yticks(range(len(accuracies)), [_wrap(name) for name, _ in accuracies], color=INK)
    axes.tick_params(axis="y", length=0)
    axes.invert_yaxis()
    axes.set_xlim(0, highest * 1.02)
    axes.grid(axis="x")
    axes.set(title="Dev accuracy", xlabel="% right")
    seeds = max(len(shares) for _, shares in accuracies)
    if seeds > 1:
        axes.set_xlabel(f"% right: mean of {seeds} seeds, line from lowest to highest")
