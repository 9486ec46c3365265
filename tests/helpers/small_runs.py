"""Runs of a few steps, to be disturbed."""

import os
import subprocess
import sys
from pathlib import Path

from nanoknow.config.experiment import ExperimentConfig
from nanoknow.runs.run import Run
from nanoknow.system.reporter import Reporter
from nanoknow.training.resume import resume_run
from nanoknow.training.session import TrainingOptions, TrainingSummary
from nanoknow.training.start import start_run
from tests.helpers.silent import Silent

OPTIONS = TrainingOptions(device="cpu")
ONE_STEP = TrainingOptions(device="cpu", max_minutes=0)
LIVES = "".join(f"{p}. Born in Rome, a poet.\n" for p in ("Ada", "Bo", "Cleo", "Dan", "Eve"))
SIZES = {"n_layers": 2, "n_heads": 2, "d_model": 16, "block_size": 32}
SCHEDULE = {"schedule": {"warmup_tokens": 64}}
PYTHON = [sys.executable, "-W", "error"]
ROOT = Path(__file__).parents[2]
ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}


class SmallRun:
    """A run of twelve steps, with its text and its config; it is in the folder ``run``."""

    def __init__(self, folder: Path, text: str = LIVES, seed: int = 5) -> None:
        folder.mkdir(exist_ok=True)
        self.folder, self.path, self.corpus = folder, folder / "run", folder / "lives.txt"
        self.corpus.write_text(text, encoding="utf-8")
        self.config = ExperimentConfig.model_validate(
            {
                "seed": seed,
                "precision": "float32",
                "data": {"corpus": self.corpus},
                "model": {"variant": "vanilla", **SIZES},
                "pretrain": {"epochs": 4, "batch_size": 2, "log_every": 1, **SCHEDULE},
            }
        )

    @property
    def run(self) -> Run:
        return Run.open(self.path)

    def change_stage(self, **changes: object) -> None:
        stage = self.config.pretrain.model_copy(update=changes)
        self.config = self.config.model_copy(update={"pretrain": stage})

    def start(self, reporter: Reporter | None = None, options: TrainingOptions = OPTIONS) -> Run:
        start_run("pretrain", self.config, self.path, options, reporter or Silent())
        return self.run

    def cut(self) -> Run:
        """Train to the first step."""
        return self.start(options=ONE_STEP)

    def resume(
        self, reporter: Reporter | None = None, options: TrainingOptions = OPTIONS
    ) -> TrainingSummary:
        return resume_run(self.run, options, reporter or Silent())


def weights_file(run: Run) -> bytes:
    return (run.latest().path / "model.safetensors").read_bytes()


def steps_of(run: Run) -> list[int]:
    return [metrics["step"] for metrics in run.metrics() if metrics["kind"] == "step"]


def run_python(*arguments: str, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    command = [*PYTHON, *arguments]
    return subprocess.run(
        command, capture_output=True, text=True, cwd=cwd, env=ENVIRONMENT, check=False
    )
