"""A run whose config, text or machine has changed, and what a run records of them."""

from __future__ import annotations

import hashlib
import json
import shutil
import sys
from pathlib import Path
from typing import Any

import numpy
import pytest
import torch

import nanoknow
from nanoknow.config.experiment import ExperimentConfig
from nanoknow.config.loading import dump_config
from nanoknow.errors import ConfigError, DataError
from nanoknow.runs.run import Run
from nanoknow.system.device import choose_device
from nanoknow.training.resume import resume_run
from nanoknow.training.session import TrainingOptions
from nanoknow.training.start import start_run
from tests.helpers.silent import Silent
from tests.helpers.small_runs import LIVES, OPTIONS, cut, message_of


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"model": {"block_size": 40}}, "model.block_size: 40 here, and 32 in step-00000001"),
        (
            {"model": {"variant": "perceiver", "bottleneck_dim": 8}},
            "model.variant: perceiver here, and vanilla in step-00000001",
        ),
        ({"seed": 6}, "seed: 6 here, and 5 in step-00000001"),
        (
            {"pretrain": {"task": {"min_truncation": 6}}},
            "pretrain.task.min_truncation: 6 here, and 4 in step-00000001",
        ),
    ],
)
def test_a_config_that_is_no_longer_the_weights_own_is_refused_with_both_sides(
    change: dict[str, Any], told: str, config: ExperimentConfig, tmp_path: Path
) -> None:
    run = cut(config, tmp_path / "run")
    before = run.metrics_file.read_bytes()
    file = run.path / "config.yaml"
    changed = run.config.model_dump()
    for section, values in change.items():
        if isinstance(values, dict):
            for key, value in values.items():
                old = changed[section].get(key)
                changed[section][key] = {**old, **value} if isinstance(old, dict) else value
        else:
            changed[section] = values
    file.write_text(dump_config(ExperimentConfig.model_validate(changed)))
    with pytest.raises(ConfigError) as caught:
        resume_run(Run.open(run.path), OPTIONS, Silent())
    assert message_of(caught).startswith(f"{file}: {told}, which was trained with it: put it back")
    assert run.metrics_file.read_bytes() == before


def test_a_text_that_has_changed_is_refused(config: ExperimentConfig, tmp_path: Path) -> None:
    run = cut(config, tmp_path / "run")
    (tmp_path / "lives.txt").write_text(LIVES + "Finn. Born in Oslo.\n", encoding="utf-8")
    with pytest.raises(DataError) as caught:
        resume_run(run, OPTIONS, Silent())
    now, then = (
        hashlib.sha256(text.encode()).hexdigest()[:12]
        for text in (LIVES + "Finn. Born in Oslo.\n", LIVES)
    )
    assert f"lives.txt: SHA-256 {now}… here, and {then}… when {run.path} " in message_of(caught)


def test_a_checkpoint_of_another_run_is_refused(config: ExperimentConfig, tmp_path: Path) -> None:
    """Its weights would fit, and its vocabulary would not."""
    run = cut(config, tmp_path / "run")
    (tmp_path / "other.txt").write_text(LIVES.replace("Ada", "Zoë"), encoding="utf-8")
    data = config.data.model_copy(update={"corpus": tmp_path / "other.txt"})
    other = cut(config.model_copy(update={"data": data}), tmp_path / "other")
    shutil.copytree(other.latest().path, run.checkpoints / "step-00000002")
    with pytest.raises(DataError, match=r"lives\.txt: SHA-256 .* here, and .* when "):
        resume_run(run, OPTIONS, Silent())


def test_more_epochs_may_be_asked_of_a_run_by_its_config(
    config: ExperimentConfig, tmp_path: Path
) -> None:
    start_run("pretrain", config, tmp_path / "run", OPTIONS, Silent())
    file = tmp_path / "run" / "config.yaml"
    file.write_text(file.read_text().replace("epochs: 4\n", "epochs: 5\n", 1))
    assert resume_run(Run.open(tmp_path / "run"), OPTIONS, Silent()).step == 15


def test_resuming_with_other_threads_or_versions_warns_in_a_line(
    config: ExperimentConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = cut(config, tmp_path / "run")
    reporter = Silent()
    resume_run(run, TrainingOptions(device="cpu", max_minutes=0), reporter)
    assert not [note for note in reporter.notes if note.startswith("warning: ")]
    monkeypatch.setattr("nanoknow.system.provenance.__version__", "99.0")
    monkeypatch.setattr("platform.python_version", lambda: "9.99")
    threads = torch.get_num_threads()
    torch.set_num_threads(threads + 1)
    try:
        resume_run(run, TrainingOptions(device="cpu", max_minutes=0), reporter)
    finally:
        torch.set_num_threads(threads)
    [warning] = [note for note in reporter.notes if note.startswith("warning: ")]
    assert f"nanoknow {nanoknow.__version__} then and 99.0 now, python " in warning
    assert " then and 9.99 now, device " in warning
    assert f"{threads} thread" in warning
    assert f"{threads + 1} threads now: the weights will not be bit-identical" in warning


def test_two_runs_of_one_seed_record_the_same_times_aside(
    config: ExperimentConfig, tmp_path: Path
) -> None:
    lines = []
    for name, seed in (("a", 5), ("b", 5), ("c", 6)):
        seeded = config.model_copy(update={"seed": seed})
        start_run("pretrain", seeded, tmp_path / name, OPTIONS, Silent())
        lines.append([{**m, "seconds": 0} for m in Run.open(tmp_path / name).metrics()])
    first, again, other = lines
    assert {m["kind"] for m in first} == {"start", "step", "epoch"}
    assert first == again
    assert first != other
    files = [Run.open(tmp_path / n).latest().path / "model.safetensors" for n in ("a", "b")]
    assert files[0].read_bytes() == files[1].read_bytes()


def test_a_run_records_versions_device_command_revision_and_data(
    config: ExperimentConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["/bin/nanoknow", "pretrain", "--out", "a run"])
    run = cut(config, tmp_path / "run")
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
    assert record["data"]["corpus"] == {"name": str(tmp_path / "lives.txt"), "sha256": digest}
