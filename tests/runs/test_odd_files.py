"""A run folder of somebody else's, whose files are links, pipes, devices or without an end."""

import os
import secrets
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from nanoknow.config.experiment import DataConfig
from nanoknow.data.sources import found_again
from nanoknow.errors import CheckpointError, DataError, NanoknowError
from nanoknow.runs.finding import open_checkpoint
from nanoknow.runs.lock import is_locked, lock_run
from nanoknow.runs.run import Run
from nanoknow.system.device import choose_device
from nanoknow.system.files import read_regular
from nanoknow.training.resume import resume_run
from tests.helpers.refused import refused
from tests.helpers.silent import Silent
from tests.helpers.small_runs import OPTIONS, SmallRun, steps_of

pytestmark = pytest.mark.timeout(60)
CHECKPOINT = "checkpoints/step-00000001"
READ = (
    *("run.json", "config.yaml", "metrics.jsonl", f"{CHECKPOINT}/checkpoint.json"),
    *(f"{CHECKPOINT}/model.safetensors", f"{CHECKPOINT}/training.safetensors"),
)
WRITTEN = ("config.yaml", "metrics.jsonl", "lock", "lock.holder")
"""By resuming."""


@pytest.fixture(scope="module")
def cut(tmp_path_factory: pytest.TempPathFactory) -> SmallRun:
    run = SmallRun(tmp_path_factory.mktemp("odd") / "small")
    run.cut()
    return run


@pytest.fixture
def copied(cut: SmallRun, tmp_path: Path) -> Path:
    """A run of one step, which may be damaged."""
    return shutil.copytree(cut.path, tmp_path / "run")


def everything(path: Path) -> None:
    """Read all that there is of a run, and continue it."""
    run, checkpoint = open_checkpoint(path)
    list(run.metrics())
    assert run.config
    checkpoint.load_model(choose_device("cpu", "float32"))
    resume_run(run, OPTIONS, Silent())


def test_every_file_of_a_run_has_a_row(copied: Path) -> None:
    files = {str(p.relative_to(copied)) for p in copied.rglob("*") if p.is_file()}
    assert {name for name in files if "step-00000000" not in name} == {*READ, *WRITTEN}
    everything(copied)


def endless(path: Path) -> None:
    path.write_bytes(b"")
    os.truncate(path, 1 << 40)  # of zeros, which take no room on the disk


KINDS: dict[str, Callable[[Path], None]] = {
    "a pipe": os.mkfifo,
    "a device": lambda path: path.symlink_to("/dev/zero"),
    "a file of a terabyte": endless,
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", READ)
def test_a_file_that_has_no_end_is_refused_by_name(copied: Path, name: str, kind: str) -> None:
    (copied / name).unlink()
    KINDS[kind](copied / name)
    assert str(copied / name) in refused(NanoknowError, everything, copied)


@pytest.mark.parametrize("there", [True, False], ids=["that is there", "that is not there"])
@pytest.mark.parametrize("name", WRITTEN)
def test_no_file_is_written_by_a_link(copied: Path, tmp_path: Path, name: str, there: bool) -> None:
    target = tmp_path / "elsewhere"
    before = (copied / name).read_bytes()
    (copied / name).unlink()
    (copied / name).symlink_to(target)
    if there:
        target.write_bytes(before)
    with suppress(NanoknowError):  # config.yaml that is not there, or a lock by a link
        everything(copied)
        assert not (copied / name).is_symlink()
    assert target.exists() == there
    assert not there or target.read_bytes() == before


def test_a_lock_that_is_a_link_is_refused_and_its_target_kept(tmp_path: Path) -> None:
    (tmp_path / "victim").write_text("precious")
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "lock").symlink_to(tmp_path / "victim")
    assert "is a link" in refused(CheckpointError, lock_run(tmp_path / "run").__enter__)
    assert not is_locked(tmp_path / "run")
    assert (tmp_path / "victim").read_text() == "precious"


def test_names_of_checkpoints_under_way_cannot_be_laid_ready(
    cut: SmallRun, copied: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = copied.parent / "elsewhere"
    elsewhere.mkdir()
    names = ("00000012", f"00000012.{'0' * 16}")
    for name in names:
        (copied / "checkpoints" / f".step-{name}.partial").symlink_to(elsewhere)
    monkeypatch.setattr(secrets, "token_hex", lambda _: "0" * 16)
    refused(CheckpointError, everything, copied)
    monkeypatch.undo()
    everything(copied)
    assert list(elsewhere.iterdir()) == []


def test_folders_that_are_links_stay_what_they_are(cut: SmallRun, tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    shutil.copytree(cut.path, disk / "run")
    (tmp_path / "runs").symlink_to(disk)
    shutil.move(disk / "run" / "checkpoints", disk / "checkpoints")
    (disk / "run" / "checkpoints").symlink_to(disk / "checkpoints")
    everything(tmp_path / "runs" / "run")
    assert steps_of(Run.open(disk / "run")) == [*range(1, 13)]
    assert (disk / "run" / "checkpoints").is_symlink()


@pytest.mark.parametrize("kind", ["a pipe", "a device"])
def test_a_text_that_a_run_names_is_a_regular_file(
    cut: SmallRun, copied: Path, kind: str, tmp_path: Path
) -> None:
    odd = tmp_path / "odd.txt"
    KINDS[kind](odd)
    config = copied / "config.yaml"
    config.write_text(config.read_text().replace(str(cut.corpus), str(odd)))
    message = refused(DataError, everything, copied)
    assert message.startswith(f"{odd}: is empty, a pipe or a device, and a run's text is a regular")
    run = Run.open(copied)
    data = run.config.data.model_copy(update={"corpus": cut.corpus})  # a command names another
    resume_run(run, OPTIONS, Silent(), run.config.model_copy(update={"data": data}))


@pytest.mark.parametrize("role", ["corpus", "questions", "eval"])
def test_that_holds_for_texts_of_every_role_recorded_or_not(role: str, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "odd.txt")
    config = DataConfig.model_validate({role: tmp_path / "odd.txt"})
    for recorded in ({}, {role: {"name": "odd.txt", "sha256": "0"}}):
        found = getattr(found_again(config, recorded), role)
        assert not found.exists()
        assert found.parent == tmp_path / "odd.txt"


def test_a_name_that_no_file_can_have_is_no_reason_to_fail(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a").mkdir()
    monkeypatch.setenv("NANOKNOW_DATA", str(tmp_path))
    config = DataConfig(corpus=Path("/", 300 * "x"))
    assert found_again(config, {}) == config


def test_a_pipe_in_the_data_folder_is_passed_over_when_a_text_is_looked_for(
    copied: Path, cut: SmallRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NANOKNOW_DATA", str(tmp_path / "data"))
    for name in ("a", "b"):
        (tmp_path / "data" / name).mkdir(parents=True)
    os.mkfifo(tmp_path / "data" / "a" / "lives.txt")
    shutil.copy(cut.corpus, tmp_path / "data" / "b" / "lives.txt")
    config = copied / "config.yaml"
    config.write_text(config.read_text().replace(str(cut.corpus), "/nowhere/lives.txt"))
    assert Run.open(copied).config.data.corpus == tmp_path / "data" / "b" / "lives.txt"


@pytest.mark.skipif(not Path("/proc/self/status").is_file(), reason="Linux")
def test_a_file_of_the_system_that_has_no_size_is_no_text_of_a_run(tmp_path: Path) -> None:
    own = Path("/proc/self/status")  # as /proc/kmsg, which has no end
    assert found_again(DataConfig(corpus=own), {}).corpus != own
    (tmp_path / "metrics.jsonl").symlink_to(own)
    assert read_regular(tmp_path / "metrics.jsonl") == b""
