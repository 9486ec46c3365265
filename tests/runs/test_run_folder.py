"""A run's folder: held by one process, and whole when it vanishes or its disk fills up."""

import os
import resource
import shutil
import subprocess
from pathlib import Path

import pytest

from nanoknow.errors import CheckpointError
from nanoknow.runs.lock import lock_run
from nanoknow.system.device import choose_device
from tests.helpers.faults import AtStep, largest_file
from tests.helpers.refused import refused
from tests.helpers.small_runs import ENVIRONMENT, PYTHON, SmallRun, steps_of, weights_file


def test_a_second_process_on_a_run_stops_at_once_and_names_the_first(small: SmallRun) -> None:
    refusals: list[str] = []

    def second() -> None:
        refusals.extend(refused(CheckpointError, call) for call in (small.resume, small.start))

    run = small.start(AtStep(3, second))
    assert len(refusals) == 2
    for message in refusals:
        assert message.startswith(f"{small.path}: in use by process {os.getpid()} on ")
        assert "wait for it or stop it" in message
    assert steps_of(run) == [*range(1, 13)]


def test_a_lock_is_gone_with_the_process_that_was_killed(tmp_path: Path) -> None:
    script = (
        "import sys, time\n"
        "from pathlib import Path\n"
        "from nanoknow.runs.lock import lock_run\n"
        "with lock_run(Path(sys.argv[1])):\n"
        "    print('held', flush=True)\n"
        "    time.sleep(600)\n"
    )
    command = [*PYTHON, "-c", script, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=ENVIRONMENT) as first:
        assert first.stdout is not None
        assert first.stdout.readline() == "held\n"
        refusal = refused(CheckpointError, lock_run(tmp_path).__enter__)
        assert f"in use by process {first.pid} on " in refusal
        first.kill()
    with lock_run(tmp_path):
        assert f"process {os.getpid()} on " in (tmp_path / "lock.holder").read_text()


def test_a_run_folder_that_vanishes_is_one_line_and_does_not_come_back(small: SmallRun) -> None:
    refusal = refused(CheckpointError, small.start, AtStep(3, lambda: shutil.rmtree(small.path)))
    assert "No such file or directory: the run has no checkpoint left" in refusal
    assert not small.path.exists()
    small.change_stage(log_every=1000, checkpoint_minutes=1e-9)
    refusal = refused(CheckpointError, small.start, AtStep(4, lambda: shutil.rmtree(small.path)))
    assert "not saved: No such file or directory" in refusal
    assert not small.path.exists()


def test_a_checkpoint_folder_that_vanishes_is_made_again(small: SmallRun) -> None:
    folder = small.path / "checkpoints"
    run = small.start(AtStep(3, lambda: shutil.rmtree(folder)))
    assert [path.name for path in folder.iterdir()] == ["step-00000012"]
    run.latest().load_model(choose_device("cpu", "float32"))


@pytest.mark.parametrize(("every", "minutes"), [(1, 1000.0), (1000, 1e-9)], ids=["1", "1000"])
def test_a_disk_that_fills_up_is_one_line_and_the_earlier_checkpoint_resumes(
    every: int, minutes: float, small: SmallRun
) -> None:
    """Metrics fail where every step is logged, the next checkpoint where none is."""
    whole = SmallRun(small.folder / "whole")
    whole.cut()
    whole.resume()
    small.change_stage(log_every=every, checkpoint_minutes=minutes)
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    fill = AtStep(4, lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (200, hard)))
    with largest_file(1 << 30):
        assert "File too large" in refused(CheckpointError, small.start, fill)
    small.resume()
    assert weights_file(small.run) == weights_file(whole.run)


def test_a_full_disk_is_found_before_the_first_step(small: SmallRun) -> None:
    reporter = AtStep(1, lambda: pytest.fail("a step was made"))
    with largest_file(3000):
        refusal = refused(CheckpointError, small.start, reporter)
    assert "not saved: File too large" in refusal


def test_a_folder_that_cannot_be_made_is_found_before_the_first_step(small: SmallRun) -> None:
    small.path = small.corpus / "run"
    refusal = refused(CheckpointError, small.start)
    assert "name a folder that can be written with --out" in refusal
