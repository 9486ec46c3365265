"""The drawings of a report."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from nanoknow.evaluation.probes import InventedNames
from nanoknow.evaluation.scores import Score
from nanoknow.evaluation.wrong_answers import WrongAnswers
from nanoknow.figures.svg import INK, INVENTED, LINE, QUIET, REAL, RIGHT, WRONG, Drawing, drawing
from nanoknow.report.findings import Report

if TYPE_CHECKING:
    from matplotlib.axes import Axes


BASELINES = {"constant": "one answer to all", "lookup": "look-up, documents open"}
HISTOGRAM = [float(edge) for edge in range(0, 101, 5)]
ROW = 0.42
"""Inches that a line of a dot plot takes."""
DASHED = (0, (4, 3))


@dataclass(frozen=True)
class Line:
    """A line of a dot plot: a share with its interval, or a heading without a score.

    Attributes:
        confidence: the median, marked beside the share.
    """

    name: str
    score: Score | None
    color: str = RIGHT
    confidence: float | None = None


def drawings(report: Report) -> dict[str, list[Drawing]]:
    """Return a report's drawings, by the key of the section that they belong to."""
    return {
        "score": [_scores(report)],
        "knowledge": [_parts(report)] if report.parts else [],
        "wrong": [_kinds(report.wrong)] if report.wrong and report.wrong.n else [],
        "confidence": [_reliability(report), _confidences(report)],
        "selection": [_coverage(report), _thresholds(report)],
        "wordings": [_wordings(report)] if report.probes else [],
        "invented": [_invented(report.invented)] if report.invented else [],
    }


def _scores(report: Report) -> Drawing:
    lines = [Line("this run", report.score)]
    lines += [Line(BASELINES[each.method], each.score, QUIET) for each in report.rivals]
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
        # The words around the X may be the file's own, in any script.
        name = probe.name if probe.name.isascii() else f"in other words, {i}"
        lines.append(Line(name, probe.score, WRONG, probe.confidence))
    return _dots("wordings", "Accuracy by the words of the question", lines)


def _dots(name: str, title: str, lines: Sequence[Line]) -> Drawing:
    """Draw shares as dots with their intervals, each under its own name."""
    description = "; ".join(
        f"{line.name}: {line.score.accuracy:.1%} of {line.score.n}" for line in lines if line.score
    )
    with drawing(name, ROW * len(lines) + 0.7, title, description) as (drawn, axes):
        for i, line in enumerate(lines):
            if line.score is None:
                axes.text(0, i + 0.05, line.name, color=QUIET, weight="bold", va="center")
            else:
                _draw_dot(axes, i, line, line.score)
        has_confidence = any(line.confidence is not None for line in lines)
        axes.spines["bottom"].set_visible(False)
        _rows_axis(axes, len(lines), -0.95 if lines[0].score else -0.4)
        _percent_axis(axes, "% right; ring: median confidence" if has_confidence else "% right")
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


def _rows_axis(axes: Axes, n: int, top: float) -> None:
    axes.set_ylim(n - 0.5, top)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)


def _percent_axis(axes: Axes, label: str) -> None:
    axes.set_xlim(-1.5, 101.5)
    axes.set_xticks([0, 25, 50, 75, 100])
    axes.set_xlabel(label)


def _kinds(wrong: WrongAnswers) -> Drawing:
    kinds, n = wrong.kinds, wrong.n
    description = "; ".join(f"{kind.name}: {kind.n}" for kind in kinds)
    height = ROW * len(kinds) + 0.7
    with drawing("wrong", height, "What the wrong answers are", description) as (drawn, axes):
        for i, kind in enumerate(kinds):
            axes.barh(i, 100 * kind.n / n, height=0.3, color=WRONG)
            axes.text(0, i - 0.25, kind.name, va="bottom")
            axes.text(100, i - 0.25, f"{kind.n}", va="bottom", ha="right", color=QUIET)
        _rows_axis(axes, len(kinds), -0.95)
        _percent_axis(axes, "% of the wrong answers")
    return drawn


def _reliability(report: Report) -> Drawing:
    bins = report.confidence.bins
    description = "; ".join(
        f"{b.n} answers of {b.confidence:.0%} mean confidence, {b.accuracy:.0%} right" for b in bins
    )
    with drawing("reliability", 3.4, "Accuracy by confidence", description) as (drawn, axes):
        axes.plot([0, 100], [0, 100], color=QUIET, linewidth=1, linestyle=DASHED)
        xs, ys = [100 * b.confidence for b in bins], [100 * b.accuracy for b in bins]
        axes.plot(xs, ys, color=RIGHT, linewidth=1, alpha=0.5)
        most = max(b.n for b in bins)
        axes.scatter(xs, ys, [20 + 180 * b.n / most for b in bins], color=RIGHT, zorder=3)
        axes.grid()
        axes.set(ylim=(-4, 104), ylabel="% right")
        axes.text(0, 1.03, "dashed: perfect calibration", transform=axes.transAxes, color=QUIET)
        _percent_axis(axes, "mean confidence, %; area: answers")
    return drawn


def _confidences(report: Report) -> Drawing:
    c = report.confidence
    parts = (("right answers", c.right, RIGHT), ("wrong answers", c.wrong, WRONG))
    return _histograms("confidences", "Confidence of right and wrong answers", parts)


def _invented(invented: InventedNames) -> Drawing:
    parts = (
        ("real names", invented.confidences_of_real, REAL),
        ("invented names", invented.confidences, INVENTED),
    )
    return _histograms("invented", "Confidence for real and invented names", parts)


def _histograms(
    name: str, title: str, parts: Sequence[tuple[str, Sequence[float], str]]
) -> Drawing:
    """Draw two distributions of confidence side by side."""
    drawable = [part for part in parts if part[1]]
    description = "; ".join(
        f"{part}: {len(values)}, median confidence {np.median(values):.0%}"
        for part, values, _ in drawable
    )
    with drawing(name, 3.0, title, description) as (drawn, axes):
        axes.hist(
            [[100 * value for value in values] for _, values, _ in drawable],
            bins=HISTOGRAM,
            weights=[[100 / len(values)] * len(values) for _, values, _ in drawable],
            color=[color for _, _, color in drawable],
            rwidth=0.9,
        )
        for (part, values, color), x, side in zip(parts, (0, 1), ("left", "right"), strict=True):
            text = f"{part} ({len(values)})"
            axes.text(x, 1.03, text, transform=axes.transAxes, color=color, ha=side)
        axes.set_ylabel("% of them")
        axes.grid(axis="y")
        _percent_axis(axes, "confidence, %")
    return drawn


def _coverage(report: Report) -> Drawing:
    c, reached = report.confidence, report.confidence.at_target
    description = f"all questions answered: {c.everything.accuracy or 0:.1%} right; " + (
        f"{reached.coverage:.1%} answered: {reached.accuracy or 0:.1%} right"
        if reached
        else f"never {c.target:.0%} right"
    )
    title = "Accuracy of the most confident answers"
    with drawing("coverage", 3.0, title, description) as (drawn, axes):
        xs = [100 * s.coverage for s in c.selections]
        axes.plot(xs, [100 * (s.accuracy or 0) for s in c.selections], color=RIGHT)
        axes.axhline(100 * c.target, color=QUIET, linewidth=1, linestyle=DASHED)
        label = f"target {100 * c.target:g} %"
        axes.text(100, 100 * c.target - 1.5, label, color=QUIET, ha="right", va="top")
        if reached:
            at = (100 * reached.coverage, 100 * (reached.accuracy or 0))
            axes.plot(*at, "o", color=RIGHT, markersize=8)
        axes.set(ylim=(0, 106), ylabel="% right of the answered")
        axes.grid()
        _percent_axis(axes, "% of the questions answered")
    return drawn


def _thresholds(report: Report) -> Drawing:
    c = report.confidence
    description = (
        f"answering everything scores {c.everything.score:+.3f}, nothing 0, and the best threshold "
        f"{c.best.score:+.3f}; cross-fitted {c.best_cross_fitted.score:+.3f}"
    )
    with drawing("thresholds", 3.0, "Score by confidence threshold", description) as (drawn, axes):
        xs = [100.0, *(100 * (s.threshold or 0) for s in c.selections), 0.0]
        ys = [0.0, *(s.score for s in c.selections), c.everything.score]
        axes.step(xs, ys, color=RIGHT, where="pre")
        axes.axhline(0, color=QUIET, linewidth=1, linestyle=DASHED)
        axes.text(0, 0, "answering nothing", color=QUIET, va="bottom")
        if c.best.threshold is not None:
            axes.plot(100 * c.best.threshold, c.best.score, "o", color=RIGHT, markersize=8)
        axes.set(ylabel="mean of +1, −1 and 0")
        axes.grid()
        _percent_axis(axes, "confidence threshold, %")
    return drawn
