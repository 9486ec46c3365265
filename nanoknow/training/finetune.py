"""``nanoknow finetune``: learn to answer questions, after pretraining or from scratch."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from nanoknow.config.experiment import DataConfig, ExperimentConfig, StageName
from nanoknow.config.loading import Override
from nanoknow.data.sources import Texts
from nanoknow.errors import ConfigError
from nanoknow.runs.checkpoint import Checkpoint
from nanoknow.runs.finding import describe_run, latest_run, open_checkpoint
from nanoknow.runs.run import Run
from nanoknow.system.reporter import Reporter
from nanoknow.training.session import TrainingOptions, TrainingSummary
from nanoknow.training.start import start_run

PRETRAIN = "span_corruption"


def find_source(
    start: Path | None, data: DataConfig, overrides: Sequence[Override], reporter: Reporter
) -> tuple[Run, Checkpoint]:
    """Find the pretrained run to start from: the one named, or the latest that fits.

    Args:
        start: a run or checkpoint folder.
        data: named for this command; a latest run's vocabulary must hold its questions.
        overrides: flags, which may not contradict the run's own model.
        reporter: is told which run is taken.

    Raises:
        CheckpointError: there is none.
        ConfigError: the run has no marks to ask with, or flags ask for another model.
    """
    if start is None:
        questions = Texts.find(data, ("questions",)).questions
        characters = questions.characters(answers=True) if questions else ""
        maker = "nanoknow pretrain --corpus FILE" if characters else "nanoknow pretrain"
        run, checkpoint = latest_run(
            PRETRAIN, characters, maker, ": named, it would leave that out"
        )
    else:
        run, checkpoint = open_checkpoint(start)
    _require_marks(checkpoint)
    for override in overrides:
        section, _, key = override.key.partition(".")
        own = getattr(checkpoint.record.model, key, None)
        if section == "model" and own != override.value:
            raise ConfigError(
                f"{override.label} {override.value}: {run.path} has {key} {own}, and its model "
                f"goes with it: name another run with --from, or --from scratch"
            )
    reporter.note(f"starting from {describe_run(run, checkpoint)}")
    return run, checkpoint


def with_corpus_of(run: Run, source: Checkpoint, config: ExperimentConfig) -> ExperimentConfig:
    """Put the corpus that a run was pretrained on into a config, in place of any other.

    Raises:
        ConfigError: the config names another text, which this model has not read.
    """
    own = run.config.data
    asked = config.data.corpus
    if asked is not None and asked != own.corpus:
        recorded = source.record.data["corpus"]
        text = Texts.find(config.data, ("corpus",)).require_corpus()
        if text.sha256 == recorded["sha256"]:
            return config
        raise ConfigError(
            f"data.corpus {asked}: {run.path} was pretrained on {recorded['name']}, and goes by "
            f"it: leave the corpus out, name another run with --from, or --from scratch"
        )
    world = config.data.world if own.corpus else own.world
    if asked is None and own.corpus is None and config.data.world not in (None, own.world):
        raise ConfigError(
            f"data.world: {run.path} was pretrained on the {own.world}, and goes by it: leave the "
            f"world out, name another run with --from, or --from scratch"
        )
    data = config.data.model_copy(update={"corpus": own.corpus, "world": world})
    return config.model_copy(update={"data": data})


def _require_marks(source: Checkpoint) -> None:
    if source.record.task.kind == "language_modeling":
        raise ConfigError(
            f"{source.path}: of a language_modeling run, without marks to ask with: "
            f"start from a {PRETRAIN} run"
        )


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
    if source is not None:
        _require_marks(source)
    stage: StageName = "scratch" if source is None else "finetune"
    return start_run(config, stage, source, out, options, reporter)
