"""The drawings of a report that show confidence."""

from collections.abc import Sequence

import numpy as np

from nanoknow.evaluation.calibration import Confidence
from nanoknow.evaluation.probes import InventedNames
from nanoknow.figures.svg import BLUE, ORANGE, QUIET, Drawing, drawing
from nanoknow.report.axes import note_above, percent_axis, rows_axis
from nanoknow.report.tables import FEW

HISTOGRAM = [float(edge) for edge in range(0, 101, 5)]
DASHED = (0, (4, 3))


def draw_reliability(confidence: Confidence) -> Drawing:
    """Draw the accuracy by the confidence: on the diagonal if it is well calibrated."""
    bins = confidence.bins
    description = "; ".join(
        f"{b.n} answers of {b.confidence:.0%} mean confidence, {b.accuracy:.0%} right" for b in bins
    )
    with drawing("reliability", 3.4, "Accuracy by confidence", description) as (drawn, axes):
        axes.plot([0, 100], [0, 100], color=QUIET, linewidth=1, linestyle=DASHED)
        several = [(100 * b.confidence, 100 * b.accuracy) for b in bins if b.n > 1]
        if several:
            axes.plot(*zip(*several, strict=True), color=BLUE, linewidth=1, alpha=0.5)
        most = max(b.n for b in bins)
        for b in bins:
            face = BLUE if b.n > 1 else "none"
            size = 20 + 180 * b.n / most
            at = (100 * b.confidence, 100 * b.accuracy)
            axes.scatter(*at, size, edgecolor=BLUE, facecolor=face, zorder=3)
        axes.grid()
        axes.set(ylim=(-4, 104), ylabel="% right")
        note_above(axes, "dashed: perfect calibration")
        percent_axis(axes, "mean confidence, %; area: answers; ring: one")
    return drawn


def draw_confidences(confidence: Confidence) -> Drawing:
    """Draw how confident right and wrong answers are."""
    parts = (("right answers", confidence.right, BLUE), ("wrong answers", confidence.wrong, ORANGE))
    return _histograms("confidences", "Confidence of right and wrong answers", parts)


def draw_invented(invented: InventedNames) -> Drawing:
    """Draw how confident the answers about real and invented names are."""
    parts = (
        ("real names", invented.confidences_of_real, BLUE),
        ("invented names", invented.confidences, ORANGE),
    )
    return _histograms("invented", "Confidence for real and invented names", parts)


def _histograms(
    name: str, title: str, parts: Sequence[tuple[str, Sequence[float], str]]
) -> Drawing:
    """Draw two distributions of confidence side by side, or value by value where there are few."""
    drawable = [part for part in parts if part[1]]
    description = "; ".join(
        f"{part}: {len(values)}, median confidence {np.median(values):.0%}"
        for part, values, _ in drawable
    )
    with drawing(name, 3.0, title, description) as (drawn, axes):
        if min(len(values) for _, values, _ in drawable) < FEW:
            for row, (_, values, color) in enumerate(drawable):
                spread = [row + 0.1 * (i % 5 - 2) for i in range(len(values))]
                axes.scatter([100 * v for v in values], spread, 30, color=color, alpha=0.6)
            rows_axis(axes, len(drawable), -0.5)
            axes.set_xlabel("confidence, %; a dot an answer")
        else:
            axes.hist(
                [[100 * value for value in values] for _, values, _ in drawable],
                bins=HISTOGRAM,
                weights=[[100 / len(values)] * len(values) for _, values, _ in drawable],
                color=[color for _, _, color in drawable],
                rwidth=0.9,
            )
            axes.set_ylabel("% of them")
            axes.grid(axis="y")
        for (part, values, color), x in zip(parts, (0, 1), strict=True):
            note_above(axes, f"{part} ({len(values)})", x, color)
        percent_axis(axes, axes.get_xlabel() or "confidence, %")
    return drawn


def draw_coverage(confidence: Confidence) -> Drawing:
    """Draw how right the answers are that are given from each confidence on."""
    c, reached = confidence, confidence.at_target
    chosen = f"never {c.target:.0%} right"
    if reached:
        chosen = f"{reached.coverage:.1%} answered: {reached.accuracy or 0:.1%} right"
    description = f"all questions answered: {c.everything.accuracy or 0:.1%} right; {chosen}"
    title = "Accuracy of the most confident answers"
    with drawing("coverage", 3.0, title, description) as (drawn, axes):
        xs = [100 * s.coverage for s in c.selections]
        axes.plot(xs, [100 * (s.accuracy or 0) for s in c.selections], color=BLUE)
        axes.axhline(100 * c.target, color=QUIET, linewidth=1, linestyle=DASHED)
        note_above(axes, f"dashed: target, {100 * c.target:g} %")
        if reached:
            at = (100 * reached.coverage, 100 * (reached.accuracy or 0))
            axes.plot(*at, "o", color=BLUE, markersize=8)
        axes.set(ylim=(0, 106), ylabel="% right of the answered")
        axes.grid()
        percent_axis(axes, "% of the questions answered")
    return drawn
