"""What a run does when the world fails it: each fault is made to happen."""

from __future__ import annotations

import hashlib
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy
import pytest
import torch

import nanoknow
from nanoknow.config.experiment import ExperimentConfig
from nanoknow.config.loading import dump_config
from nanoknow.errors import CheckpointError, ConfigError, DataError, NanoknowError, NonFiniteError
from nanoknow.runs.checkpoint import list_checkpoints
from nanoknow.runs.lock import RunLock
from nanoknow.runs.run import Run
from nanoknow.system.device import choose_device
from nanoknow.training.pretrain import pretrain
from nanoknow.training.resume import resume_run
from nanoknow.training.session import TrainingOptions
from tests.helpers.faults import AtStep, largest_file
from tests.helpers.silent import Silent

OPTIONS = TrainingOptions(device="cpu")
LIVES = "".join(f"{p}. Born in Rome, a poet.\n" for p in ("Ada", "Bo", "Cleo", "Dan", "Eve"))
PYTHON = [sys.executable, "-W", "error"]
ROOT = Path(__file__).parents[2]
ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}


@pytest.fixture
def config(tmp_path: Path) -> ExperimentConfig:
    corpus = tmp_path / "lives.txt"
    corpus.write_text(LIVES, encoding="utf-8")
    return ExperimentConfig.model_validate(
        {
            "seed": 5,
            "precision": "float32",
            "data": {"corpus": corpus},
            "model": {
                "variant": "vanilla",
                "n_layers": 2,
                "n_heads": 2,
                "d_model": 16,
                "block_size": 32,
            },
            "pretrain": {"epochs": 4, "batch_size": 2, "log_every": 1},
        }
    )


def with_stage(config: ExperimentConfig, **changes: object) -> ExperimentConfig:
    stage = config.pretrain.model_copy(update=changes)
    return config.model_copy(update={"pretrain": stage})


def cut(config: ExperimentConfig, out: Path) -> Run:
    """Train a run to its first step."""
    pretrain(config, out, TrainingOptions(device="cpu", max_minutes=0), Silent())
    return Run.open(out)


def message_of(error: pytest.ExceptionInfo[NanoknowError]) -> str:
    message = str(error.value)
    assert "\n" not in message
    return message


# --- killed


@pytest.mark.kill
def test_runs_that_are_killed_and_resumed_end_as_those_never_interrupted() -> None:
    command = [*PYTHON, "-m", "tests.tools.kill", "--kills", "8", "--seed", "1"]
    result = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    assert result.returncode == 0, result.stderr
    assert "every run ended as the uninterrupted one, byte for byte" in result.stdout


def test_what_a_kill_left_half_written_is_swept_up(
    config: ExperimentConfig, tmp_path: Path
) -> None:
    run = cut(config, tmp_path / "run")
    (run.checkpoints / ".step-00000099.partial").mkdir()
    (run.checkpoints / ".step-00000099.partial" / "model.safetensors").write_bytes(b"half")
    (run.path / ".metrics.jsonl.123.tmp").write_bytes(b"half")
    with run.metrics_file.open("a") as file:
        file.write('{"kind": "st')
    resume_run(run, OPTIONS, Silent())
    assert sorted(path.name for path in run.path.iterdir()) == [
        "checkpoints", "config.yaml", "lock", "metrics.jsonl", "run.json",
    ]  # fmt: skip
    assert [path.name for path in run.checkpoints.iterdir()] == [
        path.name for path in list_checkpoints(run.checkpoints)
    ]
    assert [m["step"] for m in run.metrics() if m["kind"] == "step"] == [*range(1, 13)]


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_ends_the_command_at_the_step_with_its_code(
    number: int, code: int, config: ExperimentConfig, tmp_path: Path
) -> None:
    (tmp_path / "config.yaml").write_text(dump_config(with_stage(config, epochs=1_000_000)))
    command = [*PYTHON, "-m", "nanoknow", "pretrain", "--config", "config.yaml", "--out", "run"]
    with subprocess.Popen(
        command, stderr=subprocess.PIPE, text=True, cwd=tmp_path, env=ENVIRONMENT
    ) as process:
        metrics = tmp_path / "run" / "metrics.jsonl"
        while process.poll() is None and not (metrics.exists() and "step" in metrics.read_text()):
            time.sleep(0.05)
        process.send_signal(number)
        _, told = process.communicate(timeout=60)
    assert process.returncode == code, told
    step = Run.open(tmp_path / "run").latest().record.progress["step"]
    assert told.splitlines()[-1].startswith(f"stopped at step {step} and saved: continue with ")
    assert step > 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_second_signal_ends_the_process_at_once(number: int) -> None:
    script = (
        "import signal\n"
        "from nanoknow.system.signals import StopSignals\n"
        "with StopSignals() as signals:\n"
        f"    signal.raise_signal({number})\n"
        f"    assert signals.received == {number}\n"
        f"    signal.raise_signal({number})\n"
        "print('still here')\n"
    )
    command = [*PYTHON, "-c", script]
    result = subprocess.run(command, capture_output=True, text=True, env=ENVIRONMENT, check=False)
    assert (result.returncode, result.stdout) == (-number, "")


# --- the folder


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
            pretrain(config, out, OPTIONS, Silent())
        told.append(message_of(caught))

    pretrain(config, out, OPTIONS, AtStep(3, second))
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
        pretrain(config, out, OPTIONS, AtStep(3, lambda: shutil.rmtree(out)))
    assert "No such file or directory: the run has no checkpoint left" in message_of(caught)
    assert not out.exists()
    quiet = with_stage(config, log_every=1000, checkpoint_minutes=1e-9)
    with pytest.raises(CheckpointError, match="not saved: No such file or directory"):
        pretrain(quiet, out, OPTIONS, AtStep(4, lambda: shutil.rmtree(out)))
    assert not out.exists()


def test_a_checkpoint_folder_that_vanishes_is_made_again(
    config: ExperimentConfig, tmp_path: Path
) -> None:
    folder = tmp_path / "run" / "checkpoints"
    pretrain(config, folder.parent, OPTIONS, AtStep(3, lambda: shutil.rmtree(folder)))
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
        pretrain(config, tmp_path / "run", OPTIONS, fill)
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
        pretrain(config, tmp_path / "run", OPTIONS, reporter)


def test_a_folder_that_cannot_be_made_is_found_before_the_first_step(
    config: ExperimentConfig, tmp_path: Path
) -> None:
    with pytest.raises(CheckpointError) as caught:
        pretrain(config, tmp_path / "lives.txt" / "run", OPTIONS, Silent())
    assert "name a folder that can be written with --out" in message_of(caught)


# --- memory


def test_a_step_beyond_memory_names_the_batch_that_fits_and_changes_nothing(
    config: ExperimentConfig, tmp_path: Path
) -> None:
    corpus = tmp_path / "many.txt"
    corpus.write_text(LIVES * 800, encoding="utf-8")
    config = with_stage(config, batch_size=4000)
    config = config.model_copy(update={"data": config.data.model_copy(update={"corpus": corpus})})
    (tmp_path / "config.yaml").write_text(dump_config(config))
    script = (
        "import resource, torch\n"
        "from pathlib import Path\n"
        "from nanoknow.cli.app import app\n"
        "import nanoknow.training.pretrain\n"
        "pages = int(Path('/proc/self/statm').read_text().split()[0])\n"
        "room = pages * resource.getpagesize() + (300 << 20)\n"
        "resource.setrlimit(resource.RLIMIT_AS, (room, resource.RLIM_INFINITY))\n"
        "app(['pretrain', '--config', 'config.yaml', '--device', 'cpu', '--out', 'run'])\n"
    )
    result = subprocess.run(
        [*PYTHON, "-c", script],
        capture_output=True, text=True, cwd=tmp_path, env=ENVIRONMENT, check=False,
    )  # fmt: skip
    assert result.returncode == 1, result.stderr
    line = result.stderr.splitlines()[-1]
    assert line.startswith("error: step 1: out of memory with batch_size 4000 and block_size 32: ")
    fits = int(line.partition(": batch_size ")[2].split()[0])
    assert fits in {2000, 1000, 500, 250, 125, 62}
    assert "start a new run with it" in line
    assert Run.open(tmp_path / "run").latest().record.progress["step"] == 0


def test_a_model_beyond_memory_is_one_line(config: ExperimentConfig, tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text(dump_config(config))
    command = ["pretrain", "--config", "config.yaml", "--set", "model.d_model=4000000"]
    result = subprocess.run(
        [*PYTHON, "-m", "nanoknow", *command, "--out", "run"],
        capture_output=True, text=True, cwd=tmp_path, env=ENVIRONMENT, check=False,
    )  # fmt: skip
    assert result.returncode == 1
    assert result.stderr.splitlines()[-1].startswith("error: out of memory: take a smaller model")
    assert not (tmp_path / "run").exists()


# --- numbers and devices


def test_a_loss_that_is_no_number_leaves_the_last_good_checkpoint(
    config: ExperimentConfig, tmp_path: Path
) -> None:
    steep = config.pretrain.optimizer.model_copy(update={"learning_rate": 1e30})
    with pytest.raises(NonFiniteError) as caught:
        pretrain(
            with_stage(config, epochs=50, optimizer=steep, checkpoint_minutes=1e-9),
            tmp_path / "run",
            OPTIONS,
            Silent(),
        )
    failed = int(message_of(caught).partition("step ")[2].partition(":")[0])
    last = Run.open(tmp_path / "run").latest()
    assert last.record.progress["step"] == failed - 1
    weights = last.load_model(choose_device("cpu", "float32")).state_dict().values()
    assert all(weight.isfinite().all() for weight in weights)


def test_a_gpu_that_is_not_there_is_an_error_and_auto_says_what_it_took_and_why(
    config: ExperimentConfig, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError) as caught:
        pretrain(config, tmp_path / "run", TrainingOptions(device="cuda:99"), Silent())
    assert "--device cuda:99: this machine has " in message_of(caught)
    assert not (tmp_path / "run").exists()
    reporter = Silent()
    pretrain(config, tmp_path / "run", TrainingOptions(device="auto"), reporter)
    why = "the first CUDA device" if torch.cuda.is_available() else "no CUDA device here"
    assert f"({why}; float32: asked for)" in reporter.notes[0]


# --- what no longer fits


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
        resume_run(run, OPTIONS, Silent())
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
    pretrain(config, tmp_path / "run", OPTIONS, Silent())
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


# --- the same again, and traceable


def test_two_runs_of_one_seed_record_the_same_times_aside(
    config: ExperimentConfig, tmp_path: Path
) -> None:
    lines = []
    for name, seed in (("a", 5), ("b", 5), ("c", 6)):
        seeded = config.model_copy(update={"seed": seed})
        pretrain(seeded, tmp_path / name, OPTIONS, Silent())
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
