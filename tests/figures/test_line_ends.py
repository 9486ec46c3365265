"""A line ends where its values do, in every figure: an interval is drawn as long as it is."""

import ast
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from matplotlib.collections import LineCollection
from matplotlib.lines import Line2D

import nanoknow
from nanoknow.complexity.estimate import estimate
from nanoknow.complexity.figure import plot_complexity
from nanoknow.evaluation.compare import compare_answers
from nanoknow.evaluation.compare_figure import plot_comparison
from nanoknow.evaluation.scores import Score
from nanoknow.experiments.learn_figure import plot_learned
from nanoknow.laws.figure import plot_law
from nanoknow.training.curves import Panel
from nanoknow.training.curves_figure import plot_panels
from tests.helpers.cli import succeed
from tests.helpers.pictures import drawn_by
from tests.helpers.questions import said

PATH = Path("figure.svg")
REPORT = {*("_dots", "_kinds", "_learning", "_histograms"), *("draw_reliability", "draw_coverage")}
THEORY = ("attention", "--dim", "16", "--keys", "5", "--draws", "9")
SCORES = [Score(1, 5), Score(7, 10)]
CURVE = {"a": [(1.0, 2.0), (2.0, 1.0)]}


def report() -> None:
    """Draw reports on few questions, and on enough of them for bins."""
    asked = Path("dev.tsv").read_text(encoding="utf-8")
    Path("often.tsv").write_text(3 * asked, encoding="utf-8")
    for name in ("dev.tsv", "often.tsv"):
        succeed("evaluate", "runs/<i>&run", "--eval", name, "--report", "report.html")


DRAWN: dict[str, Callable[[], object]] = {
    "plot_comparison": lambda: plot_comparison(
        compare_answers("q.tsv", {"one": [said("a", "a")], "two": [said("b", "a")]}), PATH
    ),
    "plot_complexity": lambda: plot_complexity(estimate(), PATH),
    "plot_law": lambda: plot_law(PATH, "law", {"known": {"x": ([0.2, 0.7], 0.9)}}),
    "plot_learned": lambda: plot_learned(PATH, {"dev": {"x": SCORES}}, CURVE, CURVE),
    "plot_panels": lambda: plot_panels(PATH, [[Panel("loss", "nats", CURVE, CURVE)]]),
    "plot_theory": lambda: succeed(*THEORY, "--plot", PATH),
    "plot_trace": lambda: succeed(
        "attention", "runs/<i>&run", "--question", "Where was Eve born?", "--plot", PATH
    ),
    **dict.fromkeys(REPORT, report),
}


def drawing_functions() -> Iterator[str]:
    """Yield the functions of the package that open a picture."""
    for path in Path(nanoknow.__file__).parent.rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        if not any(opener in text for opener in OPENERS):
            continue
        for function in ast.walk(ast.parse(text)):
            if isinstance(function, ast.FunctionDef) and any(
                isinstance(call, ast.Call) and getattr(call.func, "id", "") in OPENERS
                for part in ast.walk(function)
                if isinstance(part, ast.With)
                for call in (item.context_expr for item in part.items)
            ):
                yield function.name


OPENERS = {"picture", "drawing"}


def test_every_figure_is_listed_here() -> None:
    assert set(drawing_functions()) == set(DRAWN)


@pytest.mark.parametrize("draw", {id(f): f for f in DRAWN.values()}.values())
def test_every_line_ends_where_its_values_do(markup: Path, draw: Callable[[], object]) -> None:
    figures = drawn_by(draw)
    lines = [line for figure in figures for line in figure.findobj(Line2D)]
    solid = [line for line in lines if isinstance(line, Line2D) and line.get_linestyle() == "-"]
    within = [line for line in solid if line.axes is not None and np.size(line.get_xdata()) > 1]
    assert {line.get_solid_capstyle() for line in within} <= {"butt"}
    for figure in figures:
        for lines_of_one in figure.findobj(LineCollection):
            assert lines_of_one.get_capstyle() in (None, "butt")
