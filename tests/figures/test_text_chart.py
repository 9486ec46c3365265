"""Charts in a terminal fit it, and show what is high as high and what is late as late."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nanoknow.figures.canvas import Points
from nanoknow.figures.text_chart import BLOCKS, draw_chart

values = st.floats(-1e6, 1e6).map(lambda y: round(y, 9)) | st.sampled_from([0.0, 1e-9, 3.5])
curves = st.lists(
    st.lists(st.tuples(st.integers(0, 5000), values), min_size=1, max_size=60).map(sorted),
    min_size=1,
    max_size=30,
)


def area(chart: str) -> list[str]:
    """Return the lines between the axes, to their right."""
    return [line.split("│")[1] if "│" in line else "" for line in chart.splitlines()[1:-3]]


@pytest.mark.slow
@given(curves, st.integers(0, 130), st.integers(2, 14), st.booleans())
def test_every_chart_is_as_wide_and_as_high_as_it_is_asked_to_be(
    curves: list[list[tuple[int, float]]], width: int, height: int, blocks: bool
) -> None:
    named = {f"run {i}": points for i, points in enumerate(curves)}
    chart = draw_chart("Loss", "step", named, width, height, blocks=blocks)
    lines = chart.splitlines()
    assert len(lines) == 1 + height + 2 + len(curves)
    assert max(len(line) for line in lines[: 1 + height + 2]) <= max(width, 30)
    assert lines[0] == "Loss"
    assert blocks or chart.isascii()
    assert all(line == line.rstrip() for line in lines)


def test_one_curve_is_an_area_as_high_as_its_values() -> None:
    points: Points = [(x, float(x)) for x in range(1, 65)]
    chart = draw_chart("Rate", "step", {"run": points}, 64 + 11, 8, blocks=True)
    rows = [row.ljust(64) for row in area(chart)]
    heights = [sum(BLOCKS.index(row[x]) for row in rows) for x in range(64)]
    assert heights == list(range(1, 65))
    assert "run: 64 at the end" in chart
    assert chart.splitlines()[1].startswith("       64 │")
    assert chart.splitlines()[8].startswith("        0 │")


def test_several_curves_are_letters_in_their_places() -> None:
    up, down = [(x, float(x)) for x in range(9)], [(x, 8.0 - x) for x in range(9)]
    lines = draw_chart("Loss", "step", {"up": up, "down": down}, 40, 9, blocks=False).splitlines()
    top, bottom = lines[1].split("|")[1], lines[9].split("|")[1]
    assert (top.index("b"), top.rindex("a")) == (0, len(top) - 1)
    assert bottom[0] == "a"
    assert bottom.rstrip()[-1] == "b"
    assert lines[-2:] == [f"{' ' * 11}a  up: 8 at the end", f"{' ' * 11}b  down: 0 at the end"]


@pytest.mark.parametrize("value", [0.0, 2.0])
@pytest.mark.parametrize("blocks", [True, False])
def test_a_single_point_and_a_level_curve_are_drawn(value: float, blocks: bool) -> None:
    for points in ([(5, value)], [(1, value), (9, value)]):
        chart = draw_chart("Loss", "step", {"run": points}, 60, 5, blocks=blocks)
        assert any(mark in chart.split("run:")[0][5:] for mark in ("▁", "█", "a"))


@pytest.mark.parametrize("value", [0.0, 4.36, -2.0])
@pytest.mark.parametrize("names", [("run",), ("run", "other")])
def test_the_axis_of_level_curves_rises_from_where_they_are(
    value: float, names: tuple[str, ...]
) -> None:
    curves: dict[str, Points] = {name: [(1, value)] for name in names}
    lines = draw_chart("Loss", "step", curves, 60, 5, blocks=True).splitlines()[1:6]
    labels = [float(label) for line in lines if (label := line.split("│")[0]).strip()]
    is_area = len(names) == 1
    low = min(0.0, value) if is_area else value
    top = max(value, low + 1.0) if not is_area or value <= 0 else value
    assert labels == pytest.approx([top, (low + top) / 2, low], abs=0.006)


def test_many_points_in_a_column_show_their_mean() -> None:
    noisy: Points = [(x, 1.0 + math.cos(math.pi * x)) for x in range(4000)]
    rows = area(draw_chart("Loss", "step", {"run": noisy}, 50, 4, blocks=True))
    assert rows[0].strip("▇█") == ""  # 2, 0, 2, 0 … is level at 1, the most there is
    assert len(set(rows[1])) == 1
