"""A run's folder: held by one process, and whole when it vanishes or its disk fills up."""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
from pathlib import Path

import pytest

from nanoknow.config.experiment import ExperimentConfig
from nanoknow.errors import CheckpointError
from nanoknow.runs.lock import RunLock
from nanoknow.runs.run import Run
from nanoknow.system.device import choose_device
from nanoknow.training.resume import resume_run
from nanoknow.training.start import start_run
from tests.helpers.faults import AtStep, largest_file
from tests.helpers.silent import Silent
from tests.helpers.small_runs import ENVIRONMENT, OPTIONS, PYTHON, cut, message_of, with_stage


def test_a_second_process_on_a_run_stops_at_once_and_names_the_first(
    config: ExperimentConfig, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    told: list[str] = []

    def second() -> None:
        with pytest.raises(CheckpointError) as caught:
            resume_run(Run.open(out), OPTIONS, Silent())
        told.append(message_of(caught))
        with pytest.raises(CheckpointError) as caught:
            start_run("pretrain", config, out, OPTIONS, Silent())
        told.append(message_of(caught))

    start_run("pretrain", config, out, OPTIONS, AtStep(3, second))
    assert len(told) == 2
    for message in told:
        assert message.startswith(f"{out}: in use by process {os.getpid()} on ")
        assert "wait for it or stop it" in message
    assert [m["step"] for m in Run.open(out).metrics() if m["kind"] == "step"] == [*range(1, 13)]


def test_a_lock_is_gone_with_the_process_that_was_killed(tmp_path: Path) -> None:
    script = (
        "import sys, time\n"
        "from pathlib import Path\n"
        "from nanoknow.runs.lock import RunLock\n"
        "with RunLock(Path(sys.argv[1])):\n"
        "    print('held', flush=True)\n"
        "    time.sleep(600)\n"
    )
    command = [*PYTHON, "-c", script, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=ENVIRONMENT) as first:
        assert first.stdout is not None
        assert first.stdout.readline() == "held\n"
        with pytest.raises(CheckpointError) as caught, RunLock(tmp_path):
            pass
        assert f"in use by process {first.pid} on " in message_of(caught)
        first.kill()
    with RunLock(tmp_path):
        assert f"process {os.getpid()} on " in (tmp_path / "lock").read_text()


def test_a_run_folder_that_vanishes_is_one_line_and_does_not_come_back(
    config: ExperimentConfig, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    with pytest.raises(CheckpointError) as caught:
        start_run("pretrain", config, out, OPTIONS, AtStep(3, lambda: shutil.rmtree(out)))
    assert "No such file or directory: the run has no checkpoint left" in message_of(caught)
    assert not out.exists()
    quiet = with_stage(config, log_every=1000, checkpoint_minutes=1e-9)
    with pytest.raises(CheckpointError, match="not saved: No such file or directory"):
        start_run("pretrain", quiet, out, OPTIONS, AtStep(4, lambda: shutil.rmtree(out)))
    assert not out.exists()


def test_a_checkpoint_folder_that_vanishes_is_made_again(
    config: ExperimentConfig, tmp_path: Path
) -> None:
    folder = tmp_path / "run" / "checkpoints"
    start_run("pretrain", config, folder.parent, OPTIONS, AtStep(3, lambda: shutil.rmtree(folder)))
    assert [path.name for path in folder.iterdir()] == ["step-00000012"]
    Run.open(folder.parent).latest().load_model(choose_device("cpu", "float32"))


@pytest.mark.parametrize("every", [1, 1000])
def test_a_disk_that_fills_up_is_one_line_and_the_earlier_checkpoint_resumes(
    every: int, config: ExperimentConfig, tmp_path: Path
) -> None:
    """Metrics fail where every step is logged, the next checkpoint where none is."""
    whole = cut(config, tmp_path / "whole")
    resume_run(whole, OPTIONS, Silent())
    config = with_stage(config, log_every=every, checkpoint_minutes=1000.0 if every == 1 else 1e-9)
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    fill = AtStep(4, lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (200, hard)))
    with largest_file(1 << 30), pytest.raises(CheckpointError) as caught:
        start_run("pretrain", config, tmp_path / "run", OPTIONS, fill)
    assert "File too large" in message_of(caught)
    run = Run.open(tmp_path / "run")
    resume_run(run, OPTIONS, Silent())
    ours, theirs = ((r.latest().path / "model.safetensors").read_bytes() for r in (run, whole))
    assert ours == theirs


def test_a_full_disk_is_found_before_the_first_step(
    config: ExperimentConfig, tmp_path: Path
) -> None:
    reporter = AtStep(1, lambda: pytest.fail("a step was made"))
    with largest_file(3000), pytest.raises(CheckpointError, match="not saved: File too large"):
        start_run("pretrain", config, tmp_path / "run", OPTIONS, reporter)


def test_a_folder_that_cannot_be_made_is_found_before_the_first_step(
    config: ExperimentConfig, tmp_path: Path
) -> None:
    with pytest.raises(CheckpointError) as caught:
        start_run("pretrain", config, tmp_path / "lives.txt" / "run", OPTIONS, Silent())
    assert "name a folder that can be written with --out" in message_of(caught)
