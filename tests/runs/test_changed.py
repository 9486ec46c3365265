"""A run whose config, text or machine has changed, and what a run records of them."""

import hashlib
import json
import shutil
import sys
from pathlib import Path

import numpy
import pytest
import torch

import nanoknow
from nanoknow.config.experiment import ExperimentConfig
from nanoknow.errors import DataError
from nanoknow.system.device import choose_device
from tests.helpers.cli import json_of, refuse, run
from tests.helpers.refused import refused
from tests.helpers.silent import Silent
from tests.helpers.small_runs import LIVES, ONE_STEP, SmallRun, weights_file


def test_a_text_that_has_changed_is_refused(small: SmallRun) -> None:
    small.cut()
    changed = LIVES + "Finn. Born in Oslo.\n"
    small.corpus.write_text(changed, encoding="utf-8")
    now, then = (hashlib.sha256(text.encode()).hexdigest()[:12] for text in (changed, LIVES))
    refusal = f"lives.txt: SHA-256 {now} here, and {then} when {small.path} "
    assert refusal in refused(DataError, small.resume)


def test_resuming_with_other_threads_or_versions_warns_in_a_line(
    small: SmallRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small.cut()
    reporter = Silent()
    small.resume(reporter, ONE_STEP)
    assert not [note for note in reporter.notes if note.startswith("warning: ")]
    monkeypatch.setattr("nanoknow.system.provenance.__version__", "99.0")
    monkeypatch.setattr("platform.python_version", lambda: "9.99")
    before = torch.__version__
    monkeypatch.setattr(torch, "__version__", "0.1")
    (tmp_path / "cpu").write_text("model name\t: another\n", encoding="utf-8")
    monkeypatch.setattr("nanoknow.system.device.CPU_INFO", tmp_path / "cpu")
    threads = torch.get_num_threads()
    torch.set_num_threads(threads + 1)
    try:
        small.resume(reporter, ONE_STEP)
    finally:
        torch.set_num_threads(threads)
    [warning] = [note for note in reporter.notes if note.startswith("warning: ")]
    versions = f"nanoknow {nanoknow.__version__} then and 99.0 now, torch {before} then and 0.1 now"
    assert f"{versions}, device " in warning
    assert f"{threads} thread" in warning
    assert f" then and another, {threads + 1} threads now, python " in warning
    assert " then and 9.99 now: the weights may not be bit-identical" in warning


@pytest.mark.parametrize("precision", ["auto", "float32", "bfloat16"])
def test_two_runs_of_one_seed_record_the_same_times_aside(tmp_path: Path, precision: str) -> None:
    assert ExperimentConfig().precision == "auto"
    runs = []
    for name, seed in [("a", 5), ("b", 5), ("c", 6)]:
        small = SmallRun(tmp_path / name, seed=seed)
        small.config = small.config.model_copy(update={"precision": precision})
        small.change_stage(epochs=2)
        runs.append(small.start())
    first, again, other = ([{**m, "seconds": 0} for m in run.metrics()] for run in runs)
    assert {m["kind"] for m in first} == {"start", "step", "epoch", "end"}
    assert first == again
    assert first != other
    assert weights_file(runs[0]) == weights_file(runs[1])
    assert small.resume().step == 6  # by what ``auto`` was


def test_a_run_records_versions_device_command_revision_and_data(
    small: SmallRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["/bin/nanoknow", "pretrain", "--out", "a run"])
    run = small.cut()
    [start] = [m for m in run.metrics() if m["kind"] == "start"]
    expected = {
        "nanoknow": nanoknow.__version__,
        "python": ".".join(map(str, sys.version_info[:3])),
        "torch": torch.__version__,
        "numpy": numpy.__version__,
        "device": choose_device("cpu", "float32").name,
        "precision": "float32",
        "command": "nanoknow pretrain --out 'a run'",
        "step": 0,
    }
    assert {key: start[key] for key in expected} == expected
    assert start["revision"]
    assert start["platform"]
    record = json.loads((run.path / "run.json").read_text(encoding="utf-8"))
    digest = hashlib.sha256(LIVES.encode()).hexdigest()
    assert record["data"]["corpus"] == {"name": str(small.corpus), "sha256": digest}


def test_a_text_that_has_moved_is_found_again_by_name_and_hash(
    small: SmallRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small.cut()
    data = tmp_path / "data" / "deep" / "er"
    data.mkdir(parents=True)
    monkeypatch.setenv("NANOKNOW_DATA", str(tmp_path / "data"))
    small.corpus.rename(tmp_path / "elsewhere.txt")
    advice = "no such file: check the name, or say where it is with --corpus"
    assert advice in run("pretrain", "--resume", "--out", small.path).stderr
    (data.parent / "lives.txt").write_text("Another text.\n")  # of the same name
    assert advice in run("pretrain", "--resume", "--out", small.path).stderr
    shutil.copy(tmp_path / "elsewhere.txt", data / "lives.txt")
    assert small.resume(options=ONE_STEP).step == 2
    assert small.run.config.data.corpus == data / "lives.txt"
    given = ("pretrain", "--resume", "--out", small.path, "--corpus", tmp_path / "elsewhere.txt")
    assert json_of(*given)["step"] == 12
    assert small.run.config.data.corpus == tmp_path / "elsewhere.txt"
    (tmp_path / "elsewhere.txt").write_text("Ada.\n")
    assert "put the old corpus back" in refuse(*given)


def test_changed_code_of_the_same_version_is_warned_of(
    small: SmallRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    small.cut()
    [start] = [m for m in small.run.metrics() if m["kind"] == "start"]
    for key in ("revision", "code"):
        text = small.run.metrics_file.read_text("utf-8")
        small.run.metrics_file.write_text(text.replace(start[key], "another"))
        reporter = Silent()
        small.resume(reporter, ONE_STEP)
        [warning] = [note for note in reporter.notes if note.startswith("warning: ")]
        assert f"{key} another then and {start[key]} now" in warning
