"""Learn to answer questions, after pretraining."""

from collections.abc import Sequence
from pathlib import Path

from nanoknow.config.experiment import ExperimentConfig
from nanoknow.config.loading import Override, load_config, resolve_config
from nanoknow.config.older_keys import REMOVED
from nanoknow.data.sources import Texts
from nanoknow.errors import ConfigError
from nanoknow.runs.checkpoint import Checkpoint
from nanoknow.runs.finding import describe_run, latest_run, open_checkpoint
from nanoknow.runs.run import Run
from nanoknow.system.reporter import Reporter
from nanoknow.training.session import TrainingOptions, TrainingSummary
from nanoknow.training.start import start_run

PRETRAIN = "span_corruption"
NO_TEXT = {"name": "no text", "sha256": "none"}


def choose_start(
    start: str | None, config_name: str | None, overrides: Sequence[Override], reporter: Reporter
) -> tuple[ExperimentConfig, Checkpoint]:
    """Find what to start from, and resolve the config to finetune it by.

    Args:
        start: a run or checkpoint folder; None for the latest run whose vocabulary holds the
            questions.
        config_name: a shipped config or a file; None for that of the run that it starts from.
        overrides: flags, which may not contradict the model of the run that it starts from.
        reporter: is notified of what happens.

    Raises:
        CheckpointError: there is no run to start from.
        ConfigError: flags ask for another model.
        NanoknowError: see ``after_pretraining``.
    """
    if start:
        run, source = open_checkpoint(Path(start))
    else:
        questions = Texts.find(load_config(config_name, overrides).data, ("questions",)).questions
        characters = questions.characters(answers=True) if questions else ""
        maker = "nanoknow pretrain --corpus FILE" if characters else "nanoknow pretrain"
        run, source = latest_run(PRETRAIN, characters, maker, whole=True)
    for override in overrides:
        section, _, key = override.key.partition(".")
        own = getattr(source.record.model, key, None)
        if section == "model" and own != override.value and (section, key) not in REMOVED:
            raise ConfigError(
                f"{override.label} {override.value}: {run.path} has {key} {own}, and its model "
                f"is kept: name another run with --from, or --from scratch"
            )
    reporter.note(f"starting from {describe_run(run, source)}")
    config = resolve_config(config_name, overrides, reporter, base=run.config)
    return after_pretraining(run, source, config), source


def finetune_from(
    run: Run,
    source: Checkpoint,
    config: ExperimentConfig,
    out: Path | None,
    options: TrainingOptions,
    reporter: Reporter,
) -> TrainingSummary:
    """Train a checkpoint of a pretrained run on question and answer pairs."""
    config = after_pretraining(run, source, config)
    return start_run("finetune", config, out, options, reporter, source)


def after_pretraining(run: Run, source: Checkpoint, config: ExperimentConfig) -> ExperimentConfig:
    """Return the config to finetune a checkpoint of a pretrained run by.

    A config that names no corpus gets the one that the run was pretrained on.

    Raises:
        ConfigError: the run has no marks to ask with, or the config names a text that it has not
            read, or that has changed since.
        DataError: the text cannot be read.
    """
    if source.record.task.kind == "language_modeling":
        raise ConfigError(
            f"{source.path}: of a language_modeling run, without marks to ask with: "
            f"start from a {PRETRAIN} run"
        )
    recorded, own = source.record.data.get("corpus", NO_TEXT), run.config.data
    data = config.data.model_copy(update={"documents": own.documents})
    named = Texts.find(data, ("corpus",)).corpus
    if named is None:
        data = data.model_copy(update={"corpus": own.corpus, "world": own.world})
    elif named.sha256 != recorded["sha256"]:
        raise ConfigError(
            f"{named.name}: {run.path} was pretrained on {recorded['name']}, SHA-256 "
            f"{recorded['sha256'][:12]}, and knows that one: name it with --corpus, another run "
            f"with --from, or --from scratch"
        )
    return config.model_copy(update={"data": data})
