"""The pictures of a report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from nanoknow.evaluation.scores import Score, wilson_interval
from nanoknow.figures.svg import INK, INVENTED, LINE, QUIET, REAL, RIGHT, WRONG, Picture, drawing
from nanoknow.report.findings import Report

if TYPE_CHECKING:
    from matplotlib.axes import Axes


RIVALS = {"constant": "one answer for everybody", "lookup": "look-up, documents open"}
HISTOGRAM = [float(edge) for edge in range(0, 101, 5)]
ROW = 0.42
"""Inches that a line of a dot plot takes."""


@dataclass(frozen=True)
class Line:
    """A line of a dot plot: a share with its interval, or a heading without a score.

    Attributes:
        confidence: the median, to be marked beside the share.
    """

    name: str
    score: Score | None
    color: str = RIGHT
    confidence: float | None = None


def pictures(report: Report) -> dict[str, list[Picture]]:
    """Draw a report's pictures, by the key of the section that they belong to."""
    found = {
        "score": [_scores(report)],
        "knowledge": [_buckets(report)] if report.buckets or report.recall else [],
        "wrong": [_kinds(report)] if report.wrong and report.wrong.n else [],
        "confidence": [_reliability(report), _assurance(report)],
        "selection": [_coverage(report), _silence(report)],
        "wordings": [_wordings(report)] if report.probes else [],
        "strangers": [_strangers(report)] if report.invented else [],
    }
    return {key: drawn for key, drawn in found.items() if drawn}


def _draw_lines(axes: Axes, lines: Sequence[Line]) -> None:
    """Draw shares as dots with their intervals, each under its own name."""
    marked = False
    for i, line in enumerate(lines):
        if line.score is None:
            axes.text(0, i + 0.05, line.name, color=QUIET, weight="bold", va="center")
            continue
        share = 100 * line.score.accuracy
        low, high = (100 * end for end in wilson_interval(line.score.n_right, line.score.n))
        axes.plot([0, 100], [i, i], color=LINE, linewidth=0.6, zorder=1)
        axes.plot([low, high], [i, i], color=line.color, linewidth=4, alpha=0.4, zorder=2)
        axes.plot(share, i, "o", color=line.color, markersize=7, zorder=3)
        if line.confidence is not None:
            marked = True
            ring: dict[str, Any] = {
                "markerfacecolor": "none",
                "markeredgewidth": 1.6,
                "markersize": 8,
            }
            axes.plot(100 * line.confidence, i, "o", color=INK, zorder=4, **ring)
        axes.text(0, i - 0.3, line.name, va="bottom")
        figures = f"{share:.1f} % of {line.score.n}"
        axes.text(100, i - 0.3, figures, va="bottom", ha="right", color=QUIET)
    axes.set_ylim(len(lines) - 0.5, -0.95 if lines[0].score else -0.4)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.spines["bottom"].set_visible(False)
    _percent_axis(axes, "% right; ring: median confidence" if marked else "% right")


def _percent_axis(axes: Axes, label: str) -> None:
    axes.set_xlim(-1.5, 101.5)
    axes.set_xticks([0, 25, 50, 75, 100])
    axes.set_xlabel(label)


def _dots(name: str, title: str, lines: Sequence[Line]) -> Picture:
    words = "; ".join(
        f"{line.name}: {line.score.accuracy:.1%} of {line.score.n}" for line in lines if line.score
    )
    with drawing(name, ROW * len(lines) + 0.7, title, words) as drawn:
        _draw_lines(drawn.axes, lines)
    return Picture(title, words, drawn.svg)


def _scores(report: Report) -> Picture:
    lines = [Line("this run", report.score)]
    lines += [Line(RIVALS[rival.method], rival.score, QUIET) for rival in report.rivals]
    return _dots("score", "Accuracy, with 95 % intervals", lines)


def _buckets(report: Report) -> Picture:
    lines: list[Line] = []
    group = ""
    for bucket in [*report.buckets, *([report.recall] if report.recall else [])]:
        if bucket.group != group:
            group = bucket.group
            lines.append(Line(group, None))
        lines.append(Line(bucket.name, bucket.score, confidence=bucket.median_confidence))
    return _dots("knowledge", "Accuracy by what training had to say", lines)


def _wordings(report: Report) -> Picture:
    first = report.probes[0]
    sure = first.confidence_as_asked
    lines = [Line("as the file asks", first.as_asked, confidence=sure)]
    for i, probe in enumerate(report.rewordings, start=1):
        # What stands around the X may be the file's own, and of any letters.
        name = probe.name if probe.name.isascii() else f"in other words, {i}"
        lines.append(Line(name, probe.score, WRONG, probe.confidence))
    if report.misspelt:
        wrong = report.misspelt
        lines.append(Line("one letter of the name wrong", wrong.score, WRONG, wrong.confidence))
    return _dots("wordings", "Accuracy by how the question is put", lines)


def _kinds(report: Report) -> Picture:
    assert report.wrong is not None
    kinds, n = report.wrong.kinds, report.wrong.n
    title = "What the wrong answers are"
    words = "; ".join(f"{kind.name}: {kind.n}" for kind in kinds)
    with drawing("wrong", ROW * len(kinds) + 0.7, title, words) as drawn:
        axes = drawn.axes
        for i, kind in enumerate(kinds):
            share = 100 * kind.n / n
            axes.barh(i, share, height=0.3, color=WRONG)
            axes.text(0, i - 0.25, kind.name, va="bottom")
            axes.text(100, i - 0.25, f"{kind.n}", va="bottom", ha="right", color=QUIET)
        axes.set_ylim(len(kinds) - 0.5, -0.95)
        axes.set_yticks([])
        axes.spines["left"].set_visible(False)
        _percent_axis(axes, "% of the wrong answers")
    return Picture(title, words, drawn.svg)


def _reliability(report: Report) -> Picture:
    bins = report.confidence.bins
    title = "Right as often as it is sure?"
    words = "; ".join(
        f"{b.n} answers of {b.confidence:.0%} mean confidence, {b.accuracy:.0%} right" for b in bins
    )
    with drawing("reliability", 3.4, title, words) as drawn:
        axes = drawn.axes
        axes.plot([0, 100], [0, 100], color=QUIET, linewidth=1, linestyle=(0, (4, 3)))
        xs = [100 * b.confidence for b in bins]
        ys = [100 * b.accuracy for b in bins]
        axes.plot(xs, ys, color=RIGHT, linewidth=1, alpha=0.5)
        most = max(b.n for b in bins)
        axes.scatter(xs, ys, [20 + 180 * b.n / most for b in bins], color=RIGHT, zorder=3)
        axes.grid()
        axes.set(ylim=(-4, 104), ylabel="% right")
        axes.text(2, 101, "dashed: confidence to be trusted", color=QUIET, va="top")
        _percent_axis(axes, "mean confidence, %; area: answers")
    return Picture(title, words, drawn.svg)


def _two_shares(
    name: str, title: str, parts: Sequence[tuple[str, Sequence[float], str]]
) -> Picture:
    words = "; ".join(
        f"{part}: {len(values)}, median confidence {np.median(values):.0%}"
        for part, values, _ in parts
        if values
    )
    with drawing(name, 3.0, title, words) as drawn:
        axes = drawn.axes
        held = [(values, color) for _, values, color in parts if values]
        axes.hist(
            [[100 * value for value in values] for values, _ in held],
            bins=HISTOGRAM,
            weights=[[100 / len(values)] * len(values) for values, _ in held],
            color=[color for _, color in held],
            rwidth=0.9,
        )
        for (part, values, color), x, side in zip(parts, (0, 1), ("left", "right"), strict=True):
            label = f"{part} ({len(values)})"
            axes.text(x, 1.03, label, transform=axes.transAxes, color=color, ha=side)
        axes.set_ylabel("% of them")
        axes.grid(axis="y")
        _percent_axis(drawn.axes, "confidence, %")
    return Picture(title, words, drawn.svg)


def _assurance(report: Report) -> Picture:
    c = report.confidence
    parts = (("right answers", c.right, RIGHT), ("wrong answers", c.wrong, WRONG))
    return _two_shares("assurance", "How sure it is, right and wrong", parts)


def _strangers(report: Report) -> Picture:
    invented = report.invented
    assert invented is not None
    parts = (
        ("real people", invented.confidences_of_real, REAL),
        ("invented people", invented.confidences, INVENTED),
    )
    return _two_shares("strangers", "How sure it is of people who do not exist", parts)


def _coverage(report: Report) -> Picture:
    c = report.confidence
    title = "Accuracy, if it answers only what it is surest of"
    reached = c.at_target
    words = f"all questions answered: {c.everything.accuracy or 0:.1%} right; " + (
        f"{reached.coverage:.1%} answered: {reached.accuracy or 0:.1%} right"
        if reached
        else f"never {c.target:.0%} right"
    )
    with drawing("coverage", 3.0, title, words) as drawn:
        axes = drawn.axes
        axes.plot(
            [100 * s.coverage for s in c.selections],
            [100 * (s.accuracy or 0) for s in c.selections],
            color=RIGHT,
        )
        axes.axhline(100 * c.target, color=QUIET, linewidth=1, linestyle=(0, (4, 3)))
        wanted = f"{100 * c.target:g} % wanted"
        axes.text(100, 100 * c.target - 1.5, wanted, color=QUIET, ha="right", va="top")
        if reached:
            at = (100 * reached.coverage, 100 * (reached.accuracy or 0))
            axes.plot(*at, "o", color=RIGHT, markersize=8)
        axes.set(ylim=(0, 106), ylabel="% right of the answered")
        axes.grid()
        _percent_axis(axes, "% of the questions answered")
    return Picture(title, words, drawn.svg)


def _silence(report: Report) -> Picture:
    c = report.confidence
    title = "Score, if it is silent below a confidence"
    words = (
        f"answering everything scores {c.everything.score:+.3f}, silence 0, and the best threshold "
        f"{c.best.score:+.3f}; cross-fitted {c.best_cross_fitted.score:+.3f}"
    )
    with drawing("silence", 3.0, title, words) as drawn:
        axes = drawn.axes
        xs = [100.0, *(100 * (s.threshold or 0) for s in c.selections), 0.0]
        ys = [0.0, *(s.score for s in c.selections), c.everything.score]
        axes.step(xs, ys, color=RIGHT, where="pre")
        axes.axhline(0, color=QUIET, linewidth=1, linestyle=(0, (4, 3)))
        axes.text(0, 0, "saying nothing", color=QUIET, va="bottom")
        if c.best.threshold is not None:
            axes.plot(100 * c.best.threshold, c.best.score, "o", color=RIGHT, markersize=8)
        axes.set(ylabel="mean of +1, −1 and 0")
        axes.grid()
        _percent_axis(axes, "confidence from which it answers, %")
    return Picture(title, words, drawn.svg)
