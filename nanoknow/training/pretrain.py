"""``nanoknow pretrain``: span corruption on a corpus, or language modelling on a text."""

from __future__ import annotations

from pathlib import Path

from nanoknow.config.experiment import ExperimentConfig
from nanoknow.system.reporter import Reporter
from nanoknow.training.session import TrainingOptions, TrainingSummary
from nanoknow.training.start import start_run


def pretrain(
    config: ExperimentConfig, out: Path | None, options: TrainingOptions, reporter: Reporter
) -> TrainingSummary:
    """Train a model on a text from fresh weights, in a new run folder."""
    return start_run(config, "pretrain", None, out, options, reporter)
