"""Checkpoints come back whole, or nothing is saved."""

import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from nanoknow.data.tokenizer import Tokenizer
from nanoknow.errors import CheckpointError
from nanoknow.runs.checkpoint import read_checkpoint, save_checkpoint
from nanoknow.runs.folders import list_checkpoints
from nanoknow.runs.run import Run
from tests.helpers.checkpoints import (
    CONFIGS,
    CPU,
    FILES,
    VOCABULARY,
    assert_same,
    both_models,
    make_model,
    make_record,
    make_training,
    read_file,
    save,
    sealed,
)
from tests.helpers.faults import largest_file
from tests.helpers.refused import refused


@both_models
def test_weights_training_state_and_record_come_back_as_they_were(
    variant: str, tmp_path: Path
) -> None:
    model = make_model(CONFIGS[variant], seed=5)
    record = make_record(12, CONFIGS[variant])
    path = save_checkpoint(tmp_path, record, model.state_dict(), make_training())
    assert path == tmp_path / "step-00000012"
    assert sorted(file.name for file in path.iterdir()) == sorted(FILES)
    found = read_checkpoint(path)
    loaded = found.load_model(CPU)
    assert_same(loaded.state_dict(), model.state_dict())
    assert_same(found.load_training_state(), make_training())
    assert not loaded.training
    assert loaded.config == CONFIGS[variant]
    assert found.record.tokenizer == Tokenizer(VOCABULARY)
    hashes = {name: hashlib.sha256((path / name).read_bytes()).hexdigest() for name in FILES[:2]}
    assert found.record == record.model_copy(update={"files": hashes})


def reseal(path: Path, change: dict[str, Any]) -> None:
    """Rewrite a record as another version might have written it, with a hash that holds."""
    file = path / "checkpoint.json"
    file.write_bytes(sealed(json.loads(file.read_bytes())["content"] | change))


def test_another_format_is_refused_by_the_version_that_reads_it(tmp_path: Path) -> None:
    path = save(tmp_path, 1)
    reseal(path, {"format": 3, "version": "9.8"})
    with pytest.raises(CheckpointError, match=r"format 3, .* reads 1 and 2: use nanoknow 9\.8$"):
        read_checkpoint(path)


def test_a_run_of_another_format_is_refused_whatever_else_it_records(tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text('{"format": 3, "more": 1}', encoding="utf-8")
    expected = "format 3, and this version reads 1 and 2: use nanoknow of the release that wrote it"
    assert refused(CheckpointError, lambda: Run.open(tmp_path)).endswith(expected)


def test_a_record_with_a_key_too_many_is_refused(tmp_path: Path) -> None:
    path = save(tmp_path, 1)
    reseal(path, {})
    assert read_checkpoint(path).record.progress["step"] == 1
    reseal(path, {"more": 1})
    with pytest.raises(
        CheckpointError, match=r"checkpoint\.json: more: unknown key.*: use nanoknow 0\.0\.1$"
    ):
        read_checkpoint(path)


def test_weights_of_another_model_are_refused_by_name(tmp_path: Path) -> None:
    weights = make_model(CONFIGS["perceiver"]).state_dict()
    path = save_checkpoint(tmp_path, make_record(1), weights, make_training())
    named = r"blocks\.1\.\S+ is missing here and .* in a vanilla "
    with pytest.raises(CheckpointError, match=named):
        read_checkpoint(path).load_model(CPU)


@pytest.mark.parametrize("steps", [(0, 1, 9, 10, 123_456_789), (9, 99_999_999, 100_000_000)])
def test_only_the_last_two_checkpoints_are_kept(steps: tuple[int, ...], tmp_path: Path) -> None:
    for step in steps:
        save(tmp_path, step)
    kept = [f"step-{step:08d}" for step in steps[-2:]]
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(kept)
    assert [path.name for path in list_checkpoints(tmp_path)] == kept


def test_a_step_that_is_saved_is_not_written_over(tmp_path: Path) -> None:
    save(tmp_path, 1)
    path = save(tmp_path, 2, seed=1)
    with pytest.raises(CheckpointError, match=r"step-00000002: not saved: Directory not empty"):
        save(tmp_path, 2, seed=2)
    assert_same(read_checkpoint(path).load_model(CPU).state_dict(), make_model(seed=1).state_dict())
    assert sorted(file.name for file in tmp_path.iterdir()) == ["step-00000001", "step-00000002"]


def test_a_half_written_checkpoint_is_ignored_and_overwritten(tmp_path: Path) -> None:
    path = save(tmp_path, 1)
    partial = tmp_path / ".step-00000002.partial"
    partial.mkdir()
    (partial / "model.safetensors").write_bytes(b"half")
    (partial / "junk").write_bytes(b"")
    assert list_checkpoints(tmp_path) == [path]
    second = save(tmp_path, 2)
    assert not partial.exists()
    assert sorted(file.name for file in second.iterdir()) == sorted(FILES)
    read_file(second, "model.safetensors")


def test_a_folder_without_checkpoints_lists_none(tmp_path: Path) -> None:
    assert list_checkpoints(tmp_path) == list_checkpoints(tmp_path / "absent") == []


@pytest.mark.parametrize("n_bytes", [0, 20_000])
def test_a_full_disk_leaves_what_was_there(n_bytes: int, tmp_path: Path) -> None:
    path = save(tmp_path, 1)
    with largest_file(n_bytes):
        assert "not saved: " in refused(CheckpointError, save, tmp_path, 2)
    assert list(tmp_path.iterdir()) == [path]
    for name in FILES:
        read_file(path, name)


def test_a_folder_that_cannot_be_made_is_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    refusal = refused(CheckpointError, save, tmp_path / "file" / "checkpoints", 1)
    assert "not saved: " in refusal


@pytest.fixture
def read_only(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "locked"
    folder.mkdir()
    folder.chmod(0o500)
    if os.access(folder, os.W_OK):
        pytest.skip("this user, root perhaps, cannot be denied")
    yield folder
    folder.chmod(0o700)


def test_a_read_only_folder_is_refused_in_one_line(read_only: Path) -> None:
    refusal = refused(CheckpointError, save, read_only, 1)
    assert "not saved: Permission denied" in refusal
    assert list(read_only.iterdir()) == []
