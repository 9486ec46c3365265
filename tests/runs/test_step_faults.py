"""Steps that cannot be made: memory, numbers, devices."""

import re

import pytest
import torch

from nanoknow.config.loading import dump_config
from nanoknow.errors import ConfigError, NonFiniteError
from nanoknow.system.device import choose_device
from nanoknow.training.session import TrainingOptions
from tests.helpers.refused import refused
from tests.helpers.silent import Silent
from tests.helpers.small_runs import LIVES, SmallRun, run_python


@pytest.mark.slow
def test_a_step_beyond_memory_names_the_batch_that_fits_and_changes_nothing(
    small: SmallRun,
) -> None:
    small.corpus.write_text(LIVES * 800, encoding="utf-8")
    small.change_stage(batch_size=4000)
    (small.folder / "config.yaml").write_text(dump_config(small.config))
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
    result = run_python("-c", script, cwd=small.folder)
    assert result.returncode == 1, result.stderr
    line = result.stderr.splitlines()[-1]
    assert line.startswith("error: step 1: out of memory with batch_size 4000 and block_size 32: ")
    fits = int(line.partition(": batch_size ")[2].split()[0])
    assert fits in {2000, 1000, 500, 250, 125, 62}
    assert (
        "fits: take it, or a smaller model, or free memory; pretrain and finetune continue" in line
    )
    assert small.run.latest().record.progress["step"] == 0


@pytest.mark.slow
def test_a_model_beyond_memory_is_one_line(small: SmallRun) -> None:
    (small.folder / "config.yaml").write_text(dump_config(small.config))
    command = ["pretrain", "--config", "config.yaml", "--set", "model.d_model=65536"]
    command += ["--set", "model.n_layers=8"]
    result = run_python("-m", "nanoknow", *command, "--out", "run", cwd=small.folder)
    assert result.returncode == 1
    line = result.stderr.splitlines()[-1]
    assert re.match(r"error: model: [\d,]+ parameters need [\d,.]+ GB of memory, and there", line)
    assert not small.path.exists()


def test_a_loss_that_is_not_finite_leaves_the_last_good_checkpoint(small: SmallRun) -> None:
    steep = small.config.pretrain.optimizer.model_copy(update={"learning_rate": 1e30})
    small.change_stage(epochs=50, optimizer=steep, checkpoint_minutes=1e-9)
    refusal = refused(NonFiniteError, small.start)
    failed = int(refusal.partition("step ")[2].split()[0].rstrip(":"))
    last = small.run.latest()
    assert last.record.progress["step"] == failed - 1
    weights = last.load_model(choose_device("cpu", "float32")).state_dict().values()
    assert all(weight.isfinite().all() for weight in weights)


def test_a_gpu_that_is_not_there_is_an_error_and_auto_says_what_it_took_and_why(
    small: SmallRun,
) -> None:
    reporter = Silent()
    refusal = refused(ConfigError, small.start, reporter, TrainingOptions(device="cuda:99"))
    assert "--device cuda:99: this machine has " in refusal
    assert not small.path.exists()
    small.start(reporter, TrainingOptions(device="auto"))
    why = "the first CUDA device" if torch.cuda.is_available() else "no CUDA device here"
    assert f"({why}; float32)" in reporter.notes[0]
