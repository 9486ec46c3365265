"""Pictures are written whole, in the format of their suffix, or refused in a line."""

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import IO

import numpy as np
import pytest

from nanoknow.complexity.estimate import ComplexityReport, estimate
from nanoknow.complexity.figure import plot_complexity
from nanoknow.errors import ConfigError
from nanoknow.evaluation.scores import Score
from nanoknow.experiments.learn_figure import plot_learned
from nanoknow.figures.canvas import Points, _move_apart, picture
from tests.helpers.pictures import check_png, check_svg, drawn_by
from tests.helpers.refused import refused

PRETRAINED, SCRATCH, CONSTANT = "pretrained then finetuned", "from scratch", "constant baseline"


def of_50(*n_right: int) -> list[Score]:
    return [Score(n, 50) for n in n_right]


ASKED = {
    "dev": {PRETRAINED: of_50(39, 37, 40), SCRATCH: of_50(0, 0, 0), CONSTANT: of_50(2)},
    "test": {PRETRAINED: of_50(40, 35, 40), SCRATCH: of_50(0, 5, 0), CONSTANT: of_50(2)},
}
LOSSES: dict[str, Points] = {PRETRAINED: [(1.0, 3.0), (2.0, 1.5), (3.0, 1.1)]}
CURVES: dict[str, Points] = {
    PRETRAINED: [(1.0, 0.5), (2.0, 0.7)],
    SCRATCH: [(5.0, 0.0), (10.0, 0.02)],
    "stopped before its first epoch": [],
}


@pytest.fixture(scope="module")
def report() -> ComplexityReport:
    return estimate()


def plot_nothing(path: Path) -> None:
    with picture(path, (1, 1)):
        pass


def test_complexity_as_png_and_svg(report: ComplexityReport, tmp_path: Path) -> None:
    for name in ("a.png", "b.svg"):
        plot_complexity(report, tmp_path / name)
    png, svg = sorted(tmp_path.iterdir())
    assert [png.name, svg.name] == ["a.png", "b.svg"]
    assert check_png(png.read_bytes()) == (2400, 640)
    check_svg(svg.read_bytes())
    plot_nothing(tmp_path / "C.PNG")
    check_png((tmp_path / "C.PNG").read_bytes())


def test_what_complexity_says_of_short_texts_holds_of_the_latents_drawn(tmp_path: Path) -> None:
    for latents, same in (("first", True), ("spread", False)):
        spent = estimate(latents=latents)
        [figure] = drawn_by(lambda spent=spent: plot_complexity(spent, tmp_path / "a.svg"))  # type: ignore[misc]
        assert (spent.sweep[0].flops_ratio == 1.0) is same
        assert ("both cost the same" in figure.get_suptitle()) is same


@pytest.mark.parametrize(
    ("losses", "curves", "width"),
    [
        (LOSSES, CURVES, 1888),
        ({}, {}, 672),
        ({f"seed {i}": [(1.0, 2.0), (2.0, 1.0 + i / 99)] for i in range(7)}, CURVES, 1888),
        ({}, {SCRATCH: [(1.0, 0.0)]}, 1280),
    ],
)
def test_demo_has_a_panel_for_what_there_is(
    losses: Mapping[str, Points], curves: Mapping[str, Points], width: int, tmp_path: Path
) -> None:
    plot_learned(tmp_path / "demo.png", ASKED, losses, curves)
    assert check_png((tmp_path / "demo.png").read_bytes()) == (width, 544)


def test_demo_of_nothing_right(tmp_path: Path) -> None:
    plot_learned(tmp_path / "demo.svg", {"dev": {SCRATCH: of_50(0)}}, {}, {})
    check_svg((tmp_path / "demo.svg").read_bytes())


def test_one_seed_has_its_interval_and_several_have_their_range(tmp_path: Path) -> None:
    def lines(*n_right: int) -> tuple[list[float], str]:
        asked = {"dev": {PRETRAINED: of_50(*n_right)}}
        [figure] = drawn_by(lambda: plot_learned(tmp_path / "a.svg", asked, {}, {}))
        [line] = figure.axes[0].lines
        return np.asarray(line.get_xdata()).tolist(), figure.axes[0].get_xlabel()

    ends, says = lines(25)
    assert ends == pytest.approx([100 * end for end in Score(25, 50).interval_95])
    assert says == "% right: one seed, line: 95 % interval"
    ends, says = lines(25, 15)
    assert ends == [30.0, 50.0]
    assert "2 seeds, line from lowest to highest" in says


def test_the_same_picture_twice_is_the_same_file(tmp_path: Path) -> None:
    for name in ("a.svg", "b.svg"):
        plot_learned(tmp_path / name, ASKED, LOSSES, CURVES)
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()


def test_drawing_replaces_an_older_picture_and_makes_the_folder(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "a.svg"
    plot_nothing(path)
    path.write_text("older")
    plot_nothing(path)
    check_svg(path.read_bytes())
    assert list(path.parent.iterdir()) == [path]


def test_a_folder_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    message = refused(ConfigError, lambda: plot_nothing(tmp_path / "file" / "a.png"))
    assert "cannot write the picture: Not a dir" in message


def test_a_folder_in_the_files_place_is_refused_and_nothing_left(tmp_path: Path) -> None:
    (tmp_path / "a.png").mkdir()
    with pytest.raises(ConfigError, match="cannot write the picture"):
        plot_nothing(tmp_path / "a.png")
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]


def test_a_folder_without_permission_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: Path, mode: str) -> IO[bytes]:
        raise PermissionError(13, "Permission denied", str(self), mode)

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(ConfigError, match="Permission denied: name another file"):
        plot_nothing(tmp_path / "a.png")


def test_labels_move_apart_and_stay_in_the_panel() -> None:
    heights = [0.1, 0.2, 0.1]
    centres = _move_apart([0.95, 0.96, 0.99], heights)
    assert centres == pytest.approx([0.65, 0.8, 0.95])
    assert _move_apart([0.0, 0.5, 0.9], heights) == pytest.approx([0.05, 0.5, 0.9])


@pytest.mark.slow
def test_drawing_uses_no_pyplot_and_leaves_no_settings(tmp_path: Path) -> None:
    # Reading the setting "backend" would import pyplot to choose one.
    code = (
        "import sys; from pathlib import Path; from nanoknow.complexity.estimate import estimate\n"
        "from nanoknow.complexity.figure import plot_complexity\n"
        "from matplotlib import rcParams\n"
        "read = lambda: {key: rcParams[key] for key in rcParams if key != 'backend'}\n"
        "before = read(); plot_complexity(estimate(), Path(sys.argv[1]))\n"
        "sys.exit('matplotlib.pyplot' in sys.modules or before != read())"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "a.png")], check=True)
