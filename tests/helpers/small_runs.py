"""Runs of a few steps, to be disturbed."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from nanoknow.config.experiment import ExperimentConfig
from nanoknow.errors import NanoknowError
from nanoknow.runs.run import Run
from nanoknow.training.session import TrainingOptions
from nanoknow.training.start import start_run
from tests.helpers.silent import Silent

OPTIONS = TrainingOptions(device="cpu")
LIVES = "".join(f"{p}. Born in Rome, a poet.\n" for p in ("Ada", "Bo", "Cleo", "Dan", "Eve"))
PYTHON = [sys.executable, "-W", "error"]
ROOT = Path(__file__).parents[2]
ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}


def with_stage(config: ExperimentConfig, **changes: object) -> ExperimentConfig:
    stage = config.pretrain.model_copy(update=changes)
    return config.model_copy(update={"pretrain": stage})


def cut(config: ExperimentConfig, out: Path) -> Run:
    """Train a run to its first step."""
    start_run("pretrain", config, out, TrainingOptions(device="cpu", max_minutes=0), Silent())
    return Run.open(out)


def message_of(error: pytest.ExceptionInfo[NanoknowError]) -> str:
    message = str(error.value)
    assert "\n" not in message
    return message
