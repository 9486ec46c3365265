"""The order of runs, and folders of their own for those that start together."""

import json
import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from nanoknow.errors import CheckpointError, Interrupted
from nanoknow.runs.finding import newest_run, next_number
from nanoknow.runs.folders import new_folder
from nanoknow.runs.run import Run
from tests.helpers.faults import AtStep
from tests.helpers.refused import refused
from tests.helpers.small_runs import ONE_STEP, SmallRun

FUTURE = "2999-01-01T00:00:00+00:00"


@pytest.fixture
def made(here: Path, whole: SmallRun) -> Run:
    """A whole run, outside of the runs folder."""
    return whole.run


def copy(run: Run, name: str, **record: object) -> Path:
    """Copy a run into the runs folder, with another record."""
    path = Path(shutil.copytree(run.path, Path("runs", name)))
    whole = json.loads((path / "run.json").read_text(encoding="utf-8"))
    (path / "run.json").write_text(json.dumps({**whole, **record}), encoding="utf-8")
    return path


def test_the_number_decides_whatever_the_clocks_said(made: Run) -> None:
    copy(made, "first", number=1, created=FUTURE)
    last = copy(made, "last", number=3, created="1970-01-01T00:00:00")
    copy(made, "second", number=2, created="2026-01-01T00:00:00+00:00")
    assert newest_run().path == last
    assert next_number() == 4


def test_among_runs_without_a_number_one_from_the_future_does_not_win(made: Run) -> None:
    old = copy(made, "old", number=0, created="2025-01-01T00:00:00.5+00:00")
    copy(made, "older", number=0, created="2024-01-01")
    copy(made, "ahead", number=0, created=FUTURE)
    assert newest_run().path == old
    numbered = copy(made, "numbered", number=1, created="2020-01-01")
    assert newest_run().path == numbered


@pytest.mark.parametrize("created", ["zzz", "", "yesterday", "9999-99-99", "2026-13-01T00:00:00"])
def test_a_run_that_was_made_at_no_date_is_passed_over(made: Run, created: str) -> None:
    copy(made, "odd", number=9, created=created)
    fine = copy(made, "fine", number=1)
    assert newest_run().path == fine


def test_runs_are_found_by_symbolic_links_and_cycles_end(made: Run) -> None:
    Path("runs/deep").mkdir(parents=True)
    Path("runs/deep/loop").symlink_to(Path("runs").absolute())
    Path("runs/deep/run").symlink_to(made.path.absolute())
    (made.path / "inner").symlink_to(Path("runs").absolute())
    assert newest_run().path == Path("runs/deep/run")
    assert next_number() == made.record.number + 1


def stopped(folder: Path, how: str) -> Run:
    """Train a run until it ends as planned, or does not."""
    small = SmallRun(folder)

    def fail() -> None:
        raise OSError(how)

    if how == "all epochs":
        small.start()
    elif how == "max minutes":
        small.cut()
    elif how == "a signal":
        refused(Interrupted, small.start, AtStep(3, lambda: os.kill(os.getpid(), 15)))
    elif how == "a failure":
        with pytest.raises(OSError, match=how):
            small.start(AtStep(3, fail))
    else:  # a resumed session that fails
        small.cut()
        with pytest.raises(OSError, match=how):
            small.resume(AtStep(3, fail))
    return small.run


ENDS = {
    "all epochs": False,
    "max minutes": False,
    "a signal": True,
    "a failure": True,
    "a later failure": True,
}


@pytest.mark.parametrize("how", ENDS)
def test_a_run_is_half_made_where_its_last_session_did_not_end_as_planned(
    tmp_path: Path, how: str
) -> None:
    run = stopped(tmp_path / "stopped", how)
    assert run.is_half_made == ENDS[how]
    whole = [m for m in run.metrics() if m["kind"] == "end"]
    assert len(whole) == (how in ("all epochs", "max minutes", "a later failure"))


def test_a_run_under_way_is_half_made(tmp_path: Path) -> None:
    small = SmallRun(tmp_path)
    seen: list[bool] = []
    small.start(AtStep(3, lambda: seen.append(small.run.is_half_made)))
    assert seen == [True]
    assert not small.run.is_half_made
    small.resume(options=ONE_STEP)
    assert not small.run.is_half_made


def test_a_run_whose_checkpoints_are_gone_is_taken_last(made: Run) -> None:
    fine = copy(made, "fine", number=1)
    shutil.rmtree(copy(made, "empty", number=2) / "checkpoints")
    assert newest_run().path == fine


def test_a_run_that_cannot_be_read_stands_in_the_way_of_no_better_one(made: Run) -> None:
    fine = copy(made, "fine", number=1)
    shutil.rmtree(odd := copy(made, "odd", number=2) / "checkpoints")
    odd.symlink_to(odd)
    assert newest_run().path == fine


def test_a_runs_folder_that_cannot_be_read_or_made_is_named(here: Path) -> None:
    for target in ("nowhere", "runs"):
        Path("runs").symlink_to(target)
        assert "runs: File exists: " in refused(CheckpointError, new_folder, None, "pretrain")
        said = refused(CheckpointError, newest_run)
        assert ("runs: Too many levels of symbolic links" in said) == (target == "runs")
        Path("runs").unlink()
    Path("runs").write_text("")
    assert "runs: Not a directory: make it a folder" in refused(CheckpointError, newest_run)


def test_a_run_of_before_counts_by_its_epochs(made: Run) -> None:
    lines = made.metrics_file.read_text(encoding="utf-8").splitlines(keepends=True)
    made.metrics_file.write_text("".join(x for x in lines if '"end"' not in x), encoding="utf-8")
    assert not made.is_half_made


def test_starts_of_the_same_second_get_folders_of_their_own(here: Path) -> None:
    with ThreadPoolExecutor(16) as pool:
        folders = list(pool.map(lambda _: new_folder(None, "pretrain-vanilla"), range(64)))
    assert len(set(folders)) == 64
    assert {*Path("runs").iterdir()} == {*folders}
