"""``nanoknow pretrain``: span corruption on a corpus, or language modelling on a text."""

from __future__ import annotations

from pathlib import Path

from nanoknow.config import ExperimentConfig
from nanoknow.recipes.sitting import TrainingOptions, TrainingSummary
from nanoknow.recipes.training import start_run
from nanoknow.reporter import Reporter


def pretrain(
    config: ExperimentConfig, out: Path | None, options: TrainingOptions, reporter: Reporter
) -> TrainingSummary:
    """Train a model on a text from fresh weights, in a new run folder."""
    return start_run(config, "pretrain", None, out, options, reporter)
