"""``nanoknow finetune``: learn to answer questions, after pretraining or from scratch."""

from __future__ import annotations

from pathlib import Path

from nanoknow.checkpoint import Checkpoint
from nanoknow.config import ExperimentConfig
from nanoknow.data.sources import Texts
from nanoknow.errors import ConfigError
from nanoknow.recipes.training import TrainingOptions, TrainingSummary, start_run
from nanoknow.reporter import Reporter
from nanoknow.runs import Run, Stage, latest_run, open_checkpoint

PRETRAIN = "span_corruption"


def find_source(start: Path | None, config: ExperimentConfig | None) -> tuple[Run, Checkpoint]:
    """Find the pretrained run to start from: the one named, or the latest that fits.

    Args:
        start: a run or checkpoint folder.
        config: names the questions that a latest run's vocabulary must hold; None when a run
            brings its own.

    Raises:
        CheckpointError: there is none.
        ConfigError: the one named was not pretrained by span corruption.
    """
    if start is None:
        questions = Texts.find(config.data).questions if config else None
        items = questions.items if questions else ()
        characters = "".join({c for q in items for c in q.text + (q.answer or "")})
        return latest_run(PRETRAIN, characters, "nanoknow pretrain")
    run, checkpoint = open_checkpoint(start)
    if checkpoint.record.task.kind == "language_modeling":
        raise ConfigError(
            f"--from {start}: is a language_modeling run: its vocabulary has no marks to ask with: "
            f"name a span_corruption run"
        )
    return run, checkpoint


def finetune(
    config: ExperimentConfig,
    source: Checkpoint | None,
    out: Path | None,
    options: TrainingOptions,
    reporter: Reporter,
) -> TrainingSummary:
    """Train on question and answer pairs, in a new run folder.

    Args:
        config: ``finetune`` of it holds with a source, ``scratch`` without.
        source: a pretrained checkpoint; its model and vocabulary go before the config's. None
            starts from fresh weights and the corpus's vocabulary.
        out: the run folder; None for a fresh one.
        options: device and time.
        reporter: is told what happens.

    Raises:
        DataError: the training questions have no answers.
    """
    stage: Stage = "scratch" if source is None else "finetune"
    return start_run(config, stage, source, out, options, reporter)
