"""Steps that cannot be made: memory, numbers, devices."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
import torch

from nanoknow.config.experiment import ExperimentConfig
from nanoknow.config.loading import dump_config
from nanoknow.errors import ConfigError, NonFiniteError
from nanoknow.runs.run import Run
from nanoknow.system.device import choose_device
from nanoknow.training.session import TrainingOptions
from nanoknow.training.start import start_run
from tests.helpers.silent import Silent
from tests.helpers.small_runs import ENVIRONMENT, LIVES, OPTIONS, PYTHON, message_of, with_stage


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
        "import nanoknow.training.start\n"
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


def test_a_loss_that_is_not_finite_leaves_the_last_good_checkpoint(
    config: ExperimentConfig, tmp_path: Path
) -> None:
    steep = config.pretrain.optimizer.model_copy(update={"learning_rate": 1e30})
    with pytest.raises(NonFiniteError) as caught:
        start_run(
            "pretrain",
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
        start_run("pretrain", config, tmp_path / "run", TrainingOptions(device="cuda:99"), Silent())
    assert "--device cuda:99: this machine has " in message_of(caught)
    assert not (tmp_path / "run").exists()
    reporter = Silent()
    start_run("pretrain", config, tmp_path / "run", TrainingOptions(device="auto"), reporter)
    why = "the first CUDA device" if torch.cuda.is_available() else "no CUDA device here"
    assert f"({why}; float32: asked for)" in reporter.notes[0]
