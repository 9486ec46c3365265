"""The figure of a law: measured values beside the paper's."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import mean

from nanoknow.evaluation.scores import interval_of_mean
from nanoknow.figures.canvas import COLORS, INK, QUIET, picture, wrap

Panel = Mapping[str, tuple[Sequence[float], float | None]]
"""By row, the values of its seeds, and the published value if there is one."""


def plot_law(path: Path, title: str, panels: Mapping[str, Panel]) -> None:
    """Draw each row's seeds, their mean with its 95 % interval, and the published value.

    Args:
        path: the picture to write, .png or .svg.
        title: the title above all panels.
        panels: by the name of the measured value; all have the same rows.

    Raises:
        ConfigError: the picture cannot be written.
    """
    rows = list(next(iter(panels.values())))
    with picture(path, (2.2 + 3.6 * len(panels), 1.4 + 0.5 * len(rows))) as figure:
        figure.suptitle(title, x=0.01, ha="left")
        every = figure.subplots(1, len(panels), squeeze=False, sharey=True)[0]
        for axes, (name, panel) in zip(every, panels.items(), strict=True):
            for y, (values, published) in enumerate(panel.values()):
                if published is not None:
                    axes.plot(published, y, "D", color=QUIET, fillstyle="none", label="published")
                if not values:
                    continue
                if interval := interval_of_mean(values):
                    axes.plot(interval, [y, y], color=COLORS[0], label="95 % of the mean")
                axes.plot(values, [y] * len(values), "o", color=COLORS[0], label="a seed")
                above = {"xytext": (0, 6), "textcoords": "offset points", "ha": "center"}
                axes.annotate(f"{mean(values):.3g}", (mean(values), y), **above)
            axes.set_title(name)
            axes.grid(axis="x")
            axes.locator_params(axis="x", nbins=5)
            axes.margins(x=0.12)
        every[0].set_yticks(range(len(rows)), [wrap(row) for row in rows], color=INK)
        every[0].set_ylim(len(rows) - 0.5, -0.5)
        legends = (zip(*axes.get_legend_handles_labels(), strict=True) for axes in every)
        marks = {label: mark for legend in legends for mark, label in legend}
        figure.legend(marks.values(), marks, loc="outside lower right", ncols=3, frameon=False)
