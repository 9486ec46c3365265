"""Pictures of learning curves: panels over the steps of training."""

import itertools
from collections.abc import Mapping, Sequence
from pathlib import Path

from matplotlib.axes import Axes

from nanoknow.figures.canvas import COLORS, draw_curves, picture
from nanoknow.training.curves import Panel


def plot_panels(path: Path, rows: Sequence[Sequence[Panel]]) -> None:
    """Draw panels of curves; a name has one colour in all panels of a row.

    Args:
        path: .png or .svg.
        rows: from the top; one panel or more in each.

    Raises:
        ConfigError: it cannot be written.
    """
    n_columns = max(map(len, rows))
    with picture(path, (4.4 * n_columns, 3.2 * len(rows))) as figure:
        parts = figure.subfigures(len(rows), 1, squeeze=False)[:, 0]
        for part, row in zip(parts, rows, strict=True):
            names = dict.fromkeys(name for panel in row for name in panel.curves)
            colors = dict(zip(names, itertools.cycle(COLORS), strict=False))
            for axes, panel in zip(part.subplots(1, len(row), squeeze=False)[0], row, strict=True):
                _draw_panel(axes, panel, colors)


def _draw_panel(axes: Axes, panel: Panel, colors: Mapping[str, str]) -> None:
    unit = f"{panel.unit} (thin: single steps)" if panel.behind else panel.unit
    axes.set(title=panel.title, xlabel=panel.x_label, ylabel=unit)
    axes.grid(axis="y")
    for name, points in panel.behind.items():
        axes.plot(*zip(*points, strict=True), color=colors[name], alpha=0.35, linewidth=0.7)
    values = [y for points in panel.curves.values() for _, y in points]
    greatest = 100.0 if panel.unit.startswith("%") else max(values)  # one scale for all shares
    # From 0, so that a constant is not drawn as a line within millionths of itself.
    axes.set_ylim(0, max(1.05 * greatest, axes.get_ylim()[1] if panel.behind else 0.0) or 1.0)
    draw_curves(axes, panel.curves, colors)
