"""``nanoknow plot`` draws what runs recorded, each kind in panels of its own."""

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest

from nanoknow.config.experiment import ExperimentConfig, StageName
from nanoknow.runs.folders import new_folder
from nanoknow.runs.records import RunRecord
from nanoknow.runs.run import Run
from nanoknow.training.curves import Panel, read_curves
from nanoknow.training.curves_figure import plot_panels
from tests.helpers.cli import run
from tests.helpers.pictures import check_png, drawn_by
from tests.helpers.silent import Silent

TASKS: dict[StageName, str] = {
    "pretrain": "span_corruption",
    "finetune": "question_answering",
    "scratch": "question_answering",
}


def make_run(path: Path, stage: StageName, n_epochs: int, *, first: float = 4.0) -> Run:
    """Write the records of a run of ten steps an epoch."""
    record = RunRecord(
        stage=stage,
        task=TASKS[stage],
        variant="vanilla",
        n_parameters=1,
        seed=0,
        created=f"2026-01-01T00:00:{len(str(path)):02}",
        started_from=None,
        data={},
    )
    run = Run.create(new_folder(path, ""), record, ExperimentConfig())
    for step in range(1, 10 * n_epochs + 1):
        loss = first / step
        run.record_metrics("step", step=step, loss=loss, learning_rate=1e-3 / step)
        if step % 10 == 0:
            run.record_metrics("epoch", step=step, loss=2 * loss)
            if stage != "pretrain":
                run.record_metrics("accuracy", step=step, accuracy=step / 100)
    return run


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Three runs in a working directory, the last of them the newest."""
    monkeypatch.chdir(tmp_path)
    make_run(Path("runs/a/pretrain"), "pretrain", 4)
    make_run(Path("runs/a/finetune"), "finetune", 3)
    make_run(Path("runs/bb/finetune"), "finetune", 1)
    return ["runs/a/pretrain", "runs/a/finetune", "runs/bb/finetune"]


def test_the_series_are_what_was_recorded(runs: list[str]) -> None:
    pretrain, finetune, other = json.loads(run("plot", *runs, "--json").stdout)["runs"]
    assert [len(pretrain[key]) for key in ("loss", "epoch_loss", "learning_rate")] == [40, 4, 40]
    assert pretrain["accuracy"] == []
    assert finetune["accuracy"] == [[10, 0.1], [20, 0.2], [30, 0.3]]
    assert finetune["loss"][1] == [2, 2.0]
    assert finetune["epoch_loss"][0] == [10, 0.8]
    assert [r["name"] for r in (pretrain, finetune, other)] == [
        "a/pretrain",
        "a/finetune",
        "bb/finetune",
    ]


def test_each_kind_of_run_has_a_row_of_panels_and_each_curve_its_name(runs: list[str]) -> None:
    result = run("plot", *runs, "--out", "new/curves.svg")
    assert result.stdout == "Picture: new/curves.svg\n"
    tree = ElementTree.parse("new/curves.svg")
    ids = [element.get("id") or "" for element in tree.iter()]
    assert sum(name.startswith("axes_") for name in ids) == 5  # none of them empty
    panels = list(read_curves([Path(r) for r in runs], Silent()).panels())
    assert [[panel.title for panel in row] for row in panels] == [
        ["Pretraining: loss", "Pretraining: learning rate"],
        ["Finetuning: loss", "Finetuning: learning rate", "Finetuning: accuracy"],
    ]
    loss, _, accuracy = panels[1]
    assert len(loss.curves["a/finetune"]) == 30  # too few epochs: its steps
    assert loss.behind == {}
    assert accuracy.curves["bb/finetune"] == [(10, 10.0)]


def test_the_means_of_many_epochs_are_drawn_over_their_steps(runs: list[str]) -> None:
    make_run(Path("runs/long"), "finetune", 10)
    [[loss, *_]] = read_curves([Path("runs/long"), Path(runs[1])], Silent()).panels()
    assert [len(points) for points in loss.curves.values()] == [10, 30]
    assert [len(points) for points in loss.behind.values()] == [100]
    shown = run("plot", "runs/long", runs[1]).stdout
    assert "a  long: 0.08 at the end" in shown  # the mean, as the title says
    assert run("plot", "runs/long", "--out", "long.png").exit_code == 0
    check_png(Path("long.png").read_bytes())


def test_epochs_are_drawn_where_no_more_steps_were_recorded(runs: list[str]) -> None:
    make_run(Path("runs/short"), "finetune", 3)
    file = Path("runs/short/metrics.jsonl")
    lines = [line for line in file.read_text().splitlines(True) if '"step", "step": 1,' in line]
    lines += [line for line in file.read_text().splitlines(True) if '"kind": "epoch"' in line]
    file.write_text("".join(lines))
    [[loss, *_]] = read_curves([Path("runs/short")], Silent()).panels()
    assert [x for x, _ in loss.curves["short"]] == [10, 20, 30]
    assert [x for x, _ in loss.behind["short"]] == [1]


def test_runs_of_other_kinds_or_lengths_have_axes_that_suit_them(runs: list[str]) -> None:
    make_run(Path("runs/a/scratch"), "scratch", 3)
    make_run(Path("runs/long"), "finetune", 10)
    paths = [Path(run) for run in (*runs, "runs/a/scratch")]
    rows = list(read_curves(paths, Silent()).panels())
    assert [row[0].title for row in rows] == [
        "Pretraining: loss",
        "Finetuning: loss",
        "From scratch: loss",
    ]
    assert {panel.x_label for row in rows for panel in row} == {"step"}
    [[loss, rate, accuracy]] = read_curves([Path("runs/long"), Path(runs[1])], Silent()).panels()
    for panel in (loss, rate, accuracy):
        assert panel.x_label == "% of the steps of each run"
        assert {points[-1][0] for points in panel.curves.values()} == {100.0}
    assert loss.behind["long"][0] == (1.0, 4.0)
    assert "% of the steps of each run" in run("plot", "runs/long", runs[1]).stdout


@pytest.mark.parametrize("value", [0.0, 3e-4])
def test_a_constant_is_drawn_on_an_axis_from_0(value: float, tmp_path: Path) -> None:
    panel = Panel("rate", "", {"a": [(1, value), (9, value)]})
    figures = drawn_by(lambda: plot_panels(tmp_path / "a.svg", [[panel]]))
    low, high = figures[0].axes[0].get_ylim()
    assert low == 0
    assert high == pytest.approx(1.05 * value or 1.0)


def test_shares_have_one_scale_whatever_they_are(tmp_path: Path) -> None:
    panels = [
        Panel(name, "% right", {name: [(1, 3.3), (9, y)]}) for name, y in (("a", 5), ("b", 95))
    ]
    figures = drawn_by(lambda: plot_panels(tmp_path / "a.svg", [panels]))
    assert [axes.get_ylim() for axes in figures[0].axes] == [(0, 105), (0, 105)]


def test_png_and_one_run(runs: list[str]) -> None:
    assert run("plot", runs[0], "--out", "a.png").exit_code == 0
    assert check_png(Path("a.png").read_bytes()) == (1408, 512)


@pytest.mark.slow
def test_without_a_file_charts_are_drawn_and_nothing_is_written(runs: list[str]) -> None:
    before = sorted(Path().rglob("*"))
    result = run("plot")
    resume = "nanoknow finetune --resume --out runs/bb/finetune"
    assert f"using runs/bb/finetune, half-made: '{resume}' continues it\n" in result.stderr
    assert "Finetuning: loss, nats a character" in result.stdout
    assert "Finetuning: accuracy, % right" in result.stdout
    assert "finetune: 10 at the end" in result.stdout
    assert max(map(len, result.stdout.splitlines())) <= 100
    assert sorted(Path().rglob("*")) == before
    both = run("plot", *runs[1:], "--out", "a.svg", "--terminal").stdout
    assert "b  bb/finetune: 0.4 at the end" in both
    assert both.endswith("Picture: a.svg\n")


def test_the_same_run_twice_is_one_curve(runs: list[str]) -> None:
    assert len(json.loads(run("plot", runs[0], runs[0], "--json").stdout)["runs"]) == 1


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('{"kind": "step", "step": 1, "learning_rate": 1}', "loss is None, not a finite number"),
        ('{"kind": "step", "step": 1, "loss": NaN}', "loss: must be a finite number (got nan)"),
        (
            '{"kind": "accuracy", "step": 1, "accuracy": "x"}',
            "accuracy: must be a number (got 'x')",
        ),
        ("{", "metrics.jsonl:31: must be keys with values (got None): correct the line,"),
    ],
)
def test_metrics_that_are_no_numbers_are_one_line(runs: list[str], line: str, said: str) -> None:
    lines = "".join(
        json.dumps({"kind": "step", "step": i, "loss": 1.0, "learning_rate": 1.0}) + "\n"
        for i in range(1, 31)
    )
    Path(runs[0], "metrics.jsonl").write_text(lines + line + "\n", encoding="utf-8")
    result = run("plot", runs[0])
    assert result.exit_code == 1
    assert said in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_a_share_is_of_the_last_step_of_any_curve(runs: list[str]) -> None:
    metrics = Path(runs[1], "metrics.jsonl")
    lines = metrics.read_text(encoding="utf-8").splitlines(True)
    cut = [line for line in lines if json.loads(line)["step"] <= 25]  # stopped within an epoch
    metrics.write_text("".join(cut), encoding="utf-8")
    first = Path(runs[2], "metrics.jsonl")
    first.write_text(first.read_text(encoding="utf-8").splitlines(True)[0], encoding="utf-8")
    [[loss, _, accuracy]] = read_curves([Path(run) for run in runs[1:]], Silent()).panels()
    assert loss.curves["a/finetune"][-1][0] == 100.0
    assert accuracy.curves["a/finetune"][-1][0] == 80.0
    assert loss.curves["bb/finetune"] == [(100.0, 4.0)]


def test_a_run_whose_metrics_say_step_0_alone_is_drawn_beside_a_longer_one(runs: list[str]) -> None:
    line = {"kind": "step", "step": 0, "loss": 1.0, "learning_rate": 1.0}
    Path(runs[2], "metrics.jsonl").write_text(json.dumps(line) + "\n", encoding="utf-8")
    result = run("plot", *runs[1:])
    assert result.exit_code == 0, result.output
    assert "% of the steps of each run" in result.stdout


def test_a_run_without_steps_and_a_folder_without_runs_are_refused(runs: list[str]) -> None:
    Path(runs[0], "metrics.jsonl").unlink()
    assert "pretrain/metrics.jsonl: holds no step to draw" in run("plot", runs[0]).stderr
    assert "nowhere: not a run folder" in run("plot", "nowhere").stderr
    assert "name a file that ends in .png or .svg" in run("plot", runs[1], "--out", "a.pdf").stderr
    Path("runs").rename("elsewhere")
    assert "runs/: holds no run: name one" in run("plot").stderr
