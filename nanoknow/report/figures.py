"""The drawings of a report."""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes

from nanoknow.evaluation.calibration import Confidence
from nanoknow.evaluation.probes import InventedNames
from nanoknow.evaluation.scores import Score
from nanoknow.evaluation.wrong_answers import WrongAnswers
from nanoknow.figures.canvas import Points
from nanoknow.figures.svg import (
    BLUE,
    INK,
    LINE,
    ORANGE,
    QUIET,
    Drawing,
    drawing,
    note_above,
    percent_axis,
    rows_axis,
)
from nanoknow.report.findings import FEW, Report
from nanoknow.system.shares import percent

BASELINES = {"constant": "one answer to all", "lookup": "looking it up in the documents"}
ROW = 0.42
"""Height of a line of a dot plot, in inches."""
DASHED = (0, (4, 3))


@dataclass(frozen=True)
class Line:
    """A line of a dot plot: a share with its interval, or a heading without a score.

    Attributes:
        confidence: median confidence, marked as a ring.
    """

    name: str
    score: Score | None
    color: str = BLUE
    confidence: float | None = None


def drawings(report: Report, learning: Mapping[str, Points]) -> dict[str, list[Drawing]]:
    """Return a report's drawings, by the key of the section that they belong to.

    Args:
        report: the evaluation of a run.
        learning: by name, accuracies in % by step of this run and of one to compare it with.
    """
    c, invented = report.confidence, report.probed.invented
    return {
        "learning": [_learning(learning)] if learning else [],
        "score": [_scores(report)],
        "knowledge": [_parts(report)] if report.parts else [],
        "wrong": [_kinds(report.wrong)] if report.wrong and report.wrong.n else [],
        "confidence": [*([draw_reliability(c)] if c.n >= FEW else []), draw_confidences(c)],
        "selection": [draw_coverage(c)],
        "wordings": [_wordings(report)] if report.probes else [],
        "invented": [draw_invented(invented)] if invented else [],
    }


def _scores(report: Report) -> Drawing:
    lines = [Line("this model", report.score)]
    lines += [Line(BASELINES[each.method], each.score, QUIET) for each in report.baselines]
    return _dots("score", "Accuracy, with 95 % intervals", lines)


def _parts(report: Report) -> Drawing:
    lines: list[Line] = []
    for group, parts in itertools.groupby(report.parts, lambda part: part.group):
        lines.append(Line(group, None))
        lines += [Line(p.name, p.score, confidence=p.median_confidence) for p in parts]
    return _dots("knowledge", "Accuracy by what the training texts say", lines)


def _wordings(report: Report) -> Drawing:
    first = report.probes[0]
    lines = [Line("as the file asks", first.as_asked, confidence=first.confidence_as_asked)]
    for i, probe in enumerate(report.probes, start=1):
        # The words around the X may be quoted from the question file, in any script.
        name = probe.name if probe.name.isascii() else f"in other words, {i}"
        lines.append(Line(name, probe.score, ORANGE, probe.confidence))
    return _dots("wordings", "Accuracy by the words of the question", lines)


def _dots(name: str, title: str, lines: Sequence[Line]) -> Drawing:
    """Draw shares as dots with their 95 % intervals, a line each, under their names."""
    scores = [(line.name, line.score) for line in lines if line.score]
    description = "; ".join(f"{of}: {percent(score.accuracy)} of {score.n}" for of, score in scores)
    with drawing(name, ROW * len(lines) + 0.7, title, description) as (drawn, axes):
        for i, line in enumerate(lines):
            if line.score is None:
                axes.text(0, i + 0.05, line.name, color=QUIET, weight="bold", va="center")
            else:
                _draw_dot(axes, i, line, line.score)
        has_confidence = any(line.confidence is not None for line in lines)
        axes.spines["bottom"].set_visible(False)
        rows_axis(axes, len(lines), -0.95 if lines[0].score else -0.4)
        percent_axis(axes, "% right; ring: median confidence" if has_confidence else "% right")
    return drawn


def _draw_dot(axes: Axes, i: int, line: Line, score: Score) -> None:
    share = 100 * score.accuracy
    low, high = (100 * end for end in score.interval_95)
    axes.plot([0, 100], [i, i], color=LINE, linewidth=0.6, zorder=1)
    axes.plot([low, high], [i, i], color=line.color, linewidth=4, alpha=0.4, zorder=2)
    axes.plot(share, i, "o", color=line.color, markersize=7, zorder=3)
    if line.confidence is not None:
        axes.plot(
            100 * line.confidence, i, "o", color=INK, zorder=4,
            markerfacecolor="none", markeredgewidth=1.6, markersize=8,
        )  # fmt: skip
    axes.text(0, i - 0.3, line.name, va="bottom")
    label = f"{share:.1f} % of {score.n}"
    axes.text(100, i - 0.3, label, va="bottom", ha="right", color=QUIET)


def _learning(learning: Mapping[str, Points]) -> Drawing:
    description = "; ".join(f"{name}: {points[-1][1]:.1f} %" for name, points in learning.items())
    title = "Accuracy while it learned to answer"
    with drawing("learning", 3.0, title, f"at the end, {description}") as (drawn, axes):
        for (name, points), color, x in zip(learning.items(), (BLUE, ORANGE), (0, 1), strict=False):
            axes.plot(*zip(*points, strict=True), "o-", color=color, markersize=4)
            note_above(axes, name, x, color)
        axes.set(ylim=(-4, 104), xlabel="step", ylabel="% right")
        axes.grid(axis="y")
    return drawn


def _kinds(wrong: WrongAnswers) -> Drawing:
    kinds, n = wrong.kinds, wrong.n
    description = "; ".join(f"{kind.name}: {kind.n}" for kind in kinds)
    height = ROW * len(kinds) + 0.7
    with drawing("wrong", height, "What the wrong answers are", description) as (drawn, axes):
        for i, kind in enumerate(kinds):
            axes.barh(i, 100 * kind.n / n, height=0.3, color=ORANGE)
            axes.text(0, i - 0.25, kind.name, va="bottom")
            axes.text(100, i - 0.25, f"{kind.n}", va="bottom", ha="right", color=QUIET)
        rows_axis(axes, len(kinds), -0.95)
        percent_axis(axes, "% of the wrong answers")
    return drawn


def draw_reliability(confidence: Confidence) -> Drawing:
    """Draw accuracy against confidence; a calibrated model is on the diagonal."""
    bins = confidence.bins
    description = "; ".join(
        f"{b.n} answers of {percent(b.confidence)} mean confidence, {percent(b.accuracy)} right"
        for b in bins
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
        percent_axis(axes, "mean confidence, %")
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
    """Draw two distributions of confidence as histograms, or as dots where values are few."""
    drawable = [part for part in parts if part[1]]
    description = "; ".join(
        f"{part}: {len(values)}, median confidence {percent(float(np.median(values)))}"
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
                bins=20,
                range=(0, 100),
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
    """Draw the accuracy of the answers given against their share, for every threshold."""
    c, reached = confidence, confidence.at_target
    chosen = f"never {100 * c.target:g} % right"
    if reached:
        chosen = f"{percent(reached.coverage)} answered: {percent(reached.accuracy)} right"
    description = f"all questions answered: {percent(c.everything.accuracy)} right; {chosen}"
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
