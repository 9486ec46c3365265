"""``--tensorboard`` writes what metrics.jsonl holds, each point once, however often resumed."""

import json
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import Result

from nanoknow.training.loggers import FOLDER, TAGS
from tests.helpers.cli import run, succeed

TINY = [
    item
    for assignment in (
        "model.n_layers=1",
        "model.d_model=16",
        "model.n_heads=2",
        "data.world.people=20",
        "data.world.paraphrases=1",
        "pretrain.log_every=2",
        "finetune.batch_size=4",
    )
    for item in ("--set", assignment)
]
pytestmark = pytest.mark.usefixtures("here")


def train(command: str, out: str, *arguments: str) -> Result:
    return succeed(command, *TINY, "--batch-size", "4", *arguments, "--out", out, "--tensorboard")


@pytest.fixture
def events() -> Any:
    """What reads event files as the TensorBoard page does; skipped where it is not installed."""
    return pytest.importorskip(
        "tensorboard.backend.event_processing.event_file_loader",
        reason="the package tensorboard is not installed",
    )


def points(events: Any, folder: str) -> list[tuple[str, int, float]]:
    """Return every (tag, step, value) in a run's event files."""
    [file] = Path(folder, FOLDER).glob("events.out.tfevents.*")
    return [
        (value.tag, event.step, value.tensor.float_val[0])
        for event in events.EventFileLoader(str(file)).Load()
        for value in event.summary.value
    ]


def recorded(folder: str) -> list[tuple[str, int, float]]:
    lines = Path(folder, "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    metrics = [json.loads(line) for line in lines]
    return [
        (tag, m["step"], float(np.float32(m[key])))
        for m in metrics
        for (kind, key), tag in TAGS.items()
        if m["kind"] == kind
    ]


def test_event_files_hold_what_the_metrics_hold(events: Any) -> None:
    train("pretrain", "p", "--epochs", "2")
    assert sorted(points(events, "p")) == sorted(recorded("p"))
    train("finetune", "f", "--from", "p", "--epochs", "2")
    found = points(events, "f")
    assert {tag for tag, _, _ in found} == set(TAGS.values())
    assert len(found) == len(recorded("f"))


def test_a_resumed_run_has_each_point_once_and_those_made_without_the_flag(events: Any) -> None:
    asked = ("--epochs", "3", "--batch-size", "4", "--max-minutes", "0", "--out", "p")
    assert run("pretrain", *TINY, *asked).exit_code == 0
    assert not Path("p", FOLDER).exists()
    for minutes in ("0", "0", "9"):
        resumed = run(
            "pretrain", "--resume", "--out", "p", "--max-minutes", minutes, "--tensorboard"
        )
        assert resumed.exit_code == 0, resumed.output
    found = points(events, "p")
    assert len(set(found)) == len(found) == len(recorded("p"))
    assert {step for tag, step, _ in found if tag == "loss/epoch"} == {5, 10, 15}


def test_points_that_are_made_again_after_a_kill_are_not_doubled(events: Any) -> None:
    asked = ("--epochs", "2", "--batch-size", "4", "--max-minutes", "0")
    assert run("pretrain", *TINY, *asked, "--out", "p", "--tensorboard").exit_code == 0
    with Path("p", "metrics.jsonl").open("a", encoding="utf-8") as file:  # past the checkpoint
        values = {"seconds": 1.0, "loss": 9.0, "grad_norm": 9.0, "learning_rate": 9.0}
        file.write(json.dumps({"kind": "step", "step": 2, **values}) + "\n")
    resumed = run("pretrain", "--resume", "--out", "p", "--tensorboard")
    assert resumed.exit_code == 0, resumed.output
    found = points(events, "p")
    assert 9.0 not in {value for _, _, value in found}
    assert len(found) == len(recorded("p"))


def test_a_folder_that_cannot_be_written_is_one_line(events: Any) -> None:
    train("pretrain", "p", "--epochs", "1")
    for file in Path("p", FOLDER).iterdir():
        file.unlink()
    Path("p", FOLDER).rmdir()
    Path("p", FOLDER).write_text("", encoding="utf-8")
    result = run("pretrain", "--resume", "--out", "p", "--tensorboard")
    assert result.exit_code == 1
    assert f"p{os.sep}tensorboard: " in result.stderr.splitlines()[-1]
    assert "leave --tensorboard out" in result.stderr.splitlines()[-1]


def test_without_the_package_it_is_one_line_before_anything_is_made(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for module in ("tensorboard", "torch.utils.tensorboard"):
        monkeypatch.setitem(sys.modules, module, None)
    result = run("pretrain", *TINY, "--out", "p", "--tensorboard")
    assert result.exit_code == 1
    assert "install it with 'pip install tensorboard'" in result.stderr.splitlines()[-1]
    assert not Path("p").exists()
