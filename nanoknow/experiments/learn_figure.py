"""The figure of an experiment: the accuracy that pretraining gains, and learning curves."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from matplotlib.axes import Axes

from nanoknow.evaluation.scores import Score
from nanoknow.figures.canvas import COLORS, INK, Points, draw_curves, picture, wrap, write_beside


def plot_learned(
    path: Path,
    asked: Mapping[str, Mapping[str, Sequence[Score]]],
    loss_curves: Mapping[str, Points],
    accuracy_curves: Mapping[str, Points],
) -> None:
    """Draw accuracies as bars, and the curves of pretraining and finetuning.

    Args:
        path: the picture to write, .png or .svg.
        asked: each seed's score, by questions and then by name; the first questions have all
            names.
        loss_curves: pretraining, by name: (epoch, mean loss of its batches in nats per character);
            no panel if empty.
        accuracy_curves: finetuning, by name: (epoch, share of right answers); no panel if empty.

    Raises:
        ConfigError: the picture cannot be written.
    """
    names = next(iter(asked.values()))
    bar_colors = {name: COLORS[i % len(COLORS)] for i, name in enumerate(names)}
    shares = {name: [(x, 100 * y) for x, y in points] for name, points in accuracy_curves.items()}
    panels: list[tuple[str, str, Mapping[str, Points]]] = [
        ("Pretraining loss, mean of batches", "nats a character", loss_curves),
        (f"Accuracy on {next(iter(asked))} in finetuning", "% right", shares),
    ]
    panels = [panel for panel in panels if any(panel[2].values())]
    with picture(path, (4.2 + 3.8 * len(panels), 3.4)) as figure:
        bars, *others = figure.subplots(1, 1 + len(panels), squeeze=False)[0]
        _draw_bars(bars, asked, bar_colors)
        for axes, (title, ylabel, curves) in zip(others, panels, strict=True):
            axes.set(title=title, xlabel="epoch", ylabel=ylabel)
            axes.grid(axis="y")
            if curves is shares:
                axes.set_ylim(0, max(1.0, *(1.05 * y for p in shares.values() for _, y in p)))
            draw_curves(axes, curves, bar_colors)


def _draw_bars(
    axes: Axes, asked: Mapping[str, Mapping[str, Sequence[Score]]], colors: Mapping[str, str]
) -> None:
    """Draw means as bars, paler for further questions; lines: range of seeds, or one's interval."""
    names = list(colors)
    seeds = max(len(scores) for by_name in asked.values() for scores in by_name.values())
    height = 0.7 / len(asked)
    highest = 1.0
    for row, (questions, by_name) in enumerate(asked.items()):
        for name, scores in by_name.items():
            shares = [100 * score.accuracy for score in scores]
            low, mean, high = min(shares), sum(shares) / len(shares), max(shares)
            if seeds == 1:
                low, high = (100 * end for end in scores[0].interval_95)
            y = names.index(name) + (row - (len(asked) - 1) / 2) * height
            axes.barh(y, mean, height=0.9 * height, color=colors[name], alpha=0.55**row)
            axes.plot([low, high], [y, y], color=INK, linewidth=1.2)
            which = questions if len(asked) > 1 else ""
            write_beside(axes, high, y, f"{mean:.1f} % {which}")
            highest = max(highest, high)
    axes.set_yticks(range(len(names)), [wrap(name) for name in names], color=INK)
    axes.tick_params(axis="y", length=0)
    axes.invert_yaxis()
    axes.grid(axis="x")
    line = ": one seed, line: 95 % interval"
    if seeds > 1:
        line = f": mean of {seeds} seeds, line from lowest to highest"
    title = f"Accuracy on {' and '.join(asked)}"
    axes.set(title=title, xlabel=f"% right{line}", xlim=(0, highest * 1.02))
