"""One process's share of a run's training: what it records, and when."""

from pathlib import Path
from statistics import mean
from typing import Any

import pytest

from nanoknow.config.experiment import ExperimentConfig
from nanoknow.runs.checkpoint import save_checkpoint
from nanoknow.runs.records import CheckpointRecord
from nanoknow.runs.run import START_END, Run
from nanoknow.training import session
from nanoknow.training.session import TrainingOptions
from nanoknow.training.start import start_run
from tests.helpers.silent import Silent
from tests.helpers.small_runs import SmallRun

SIZES = {"n_layers": 1, "n_heads": 1, "d_model": 8, "block_size": 32}
LIVES = "".join(f"{name}. Born in Riga, a poet.\n" for name in "ABCDEFGHIJK")


def records_of(folder: Path, log_every: int) -> dict[str, list[dict[str, Any]]]:
    """Train for three epochs of six steps; return what was recorded of each kind."""
    (folder / "lives.txt").write_text(LIVES, encoding="utf-8")
    config = ExperimentConfig.model_validate(
        {
            "precision": "float32",
            "data": {"corpus": folder / "lives.txt"},
            "model": {**SIZES, "variant": "vanilla"},
            "pretrain": {"epochs": 3, "batch_size": 2, "log_every": log_every},
        }
    )
    out = folder / f"every-{log_every}"
    start_run("pretrain", config, out, TrainingOptions(device="cpu"), Silent())
    kinds: dict[str, list[dict[str, Any]]] = {}
    for metrics in Run.open(out).metrics():
        if metrics["kind"] not in START_END:
            del metrics["seconds"]
        kinds.setdefault(metrics.pop("kind"), []).append(metrics)
    return kinds


def test_steps_are_recorded_at_the_first_and_every_so_many_and_epochs_at_their_end(
    tmp_path: Path,
) -> None:
    every, some = records_of(tmp_path, 1), records_of(tmp_path, 4)
    assert [m["step"] for m in every["step"]] == [*range(1, 19)]
    assert [m["step"] for m in some["step"]] == [1, 4, 8, 12, 16]
    assert [m["step"] for m in some["epoch"]] == [6, 12, 18]
    assert all(m in every["step"] for m in some["step"])
    assert some["epoch"] == every["epoch"]
    assert [*some["step"][0]] == ["step", "epoch", "loss", "grad_norm", "learning_rate"]
    assert [*some["epoch"][0]] == ["step", "epoch", "loss", "last_loss", "learning_rate"]
    assert [m["last_loss"] for m in every["epoch"]] == [
        every["step"][i]["loss"] for i in (5, 11, 17)
    ]
    assert [m["loss"] for m in every["epoch"]] == [
        pytest.approx(mean(m["loss"] for m in every["step"][i : i + 6])) for i in (0, 6, 12)
    ]


class Clock(Silent):
    """A clock that goes on by half a second a step, and keeps what each is shown with."""

    now = 0.0

    def monotonic(self) -> float:
        return self.now

    def update(self, done: int, words: str) -> None:
        del done
        self.note(words)
        self.now += 0.5


def test_minutes_are_those_of_a_session_and_between_checkpoints_seconds_those_of_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved: list[tuple[float, float]] = []

    def save(folder: Path, record: CheckpointRecord, *tensors: Any) -> Path:
        saved.append((record.progress["step"], record.seconds))
        return save_checkpoint(folder, record, *tensors)

    clock, small = Clock(), SmallRun(tmp_path)
    monkeypatch.setattr(session, "time", clock)
    monkeypatch.setattr(session, "save_checkpoint", save)
    small.change_stage(checkpoint_minutes=1.2 / 60)
    small.start(clock, TrainingOptions(device="cpu", max_minutes=3 / 60))
    assert saved == [(0, 0.0), (3, 1.5), (6, 3.0)]
    # After 2, 4, 5, 7, 9 and 10 examples; each step is shown before its half second.
    speeds = [words.split()[2:4] for words in clock.notes if words.startswith("loss ")]
    assert speeds[1:] == [[n, "ex/s"] for n in ("8", "5", "5", "4", "4")]
    small.resume(clock)
    assert saved[3:] == [(9, 4.5), (12, 6.0)]
