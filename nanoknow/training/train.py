"""``nanoknow pretrain`` and ``finetune``: a new run, or more of one."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final, Literal

from nanoknow.config.experiment import ExperimentConfig, StageName
from nanoknow.config.loading import Override, load_config, resolve_config
from nanoknow.config.older_keys import REMOVED
from nanoknow.data.sources import Texts
from nanoknow.errors import ConfigError
from nanoknow.runs.checkpoint import Checkpoint
from nanoknow.runs.finding import describe_run, latest_run, open_checkpoint
from nanoknow.runs.run import Run
from nanoknow.system.reporter import Reporter
from nanoknow.training.recipe import resolve_recipe
from nanoknow.training.resume import resume_run
from nanoknow.training.session import TrainingOptions, TrainingSummary
from nanoknow.training.start import start_run

SCRATCH: Final = "scratch"
PRETRAIN = "span_corruption"
NO_TEXT = {"name": "no text", "sha256": "none"}
Command = Literal["pretrain", "finetune"]


def train(
    command: Command,
    start: str | None,
    config_name: str | None,
    flags: Sequence[Override],
    out: Path | None,
    options: TrainingOptions,
    reporter: Reporter,
    *,
    resume: bool = False,
) -> TrainingSummary:
    """Train what a command plans, or with ``resume`` continue the run in ``out``.

    A run is continued by its own config, and what the flags may change of it.

    Raises:
        ConfigError: no run to continue is named, another command trains it, or a config or a run
            to start from is named.
        NanoknowError: see ``plan``, ``start_run`` and ``resume_run``.
    """
    if not resume:
        planned, config, source = plan(command, start, config_name, flags, reporter)
        return start_run(planned, config, out, options, reporter, source)
    if out is None:
        raise ConfigError("--resume: name the run to continue with --out DIR")
    run = Run.open(out)
    if asked := ["--from"] * bool(start) + ["--config"] * bool(config_name):
        advice = f"drop {', '.join(asked)}, or start a new run"
        raise ConfigError(f"--resume continues {out} by its own config: {advice}")
    stage = run.record.stage
    if not run.resume_command.startswith(f"nanoknow {command} "):
        raise ConfigError(f"{out}: is a {stage} run: continue it with '{run.resume_command}'")
    config = load_config(None, _of_stage(stage, flags), run.config)
    return resume_run(run, options, reporter, config)


def plan(
    command: Command,
    start: str | None,
    config_name: str | None,
    flags: Sequence[Override],
    reporter: Reporter,
) -> tuple[StageName, ExperimentConfig, Checkpoint | None]:
    """Return which stage a command trains, its config, and what it starts from.

    Args:
        command: its name.
        start: what to finetune, a run or checkpoint folder or ``scratch``; None for the latest run
            whose vocabulary holds the questions. None for ``pretrain``.
        config_name: a shipped config or a file; None for that of the run that it starts from, or
            see ``resolve_recipe``.
        flags: of a stage, see ``training_flags``, set the one that is trained; they may not
            contradict the model of the run that it starts from.
        reporter: is notified of what happens.

    Raises:
        CheckpointError: there is no run to start from.
        ConfigError: flags ask for another model.
        NanoknowError: see ``after_pretraining`` and ``resolve_recipe``.
    """
    stage: StageName = SCRATCH if start == SCRATCH else command
    overrides = _of_stage(stage, flags)
    if stage != "finetune":
        return stage, resolve_recipe(config_name, overrides, reporter), None
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
    return stage, after_pretraining(run, source, config), source


def after_pretraining(run: Run, source: Checkpoint, config: ExperimentConfig) -> ExperimentConfig:
    """Return the config to finetune a checkpoint of a pretrained run by.

    A config that names no corpus gets the one that the run was pretrained on. How it was pretrained
    is the run's: ``why`` pretrains others like it.

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
    recorded, own = source.record.data.get("corpus", NO_TEXT), run.config
    data = config.data.model_copy(update={"documents": own.data.documents})
    named = Texts.find(data, ("corpus",)).corpus
    if named is None:
        data = data.model_copy(update={"corpus": own.data.corpus, "world": own.data.world})
    elif named.sha256 != recorded["sha256"]:
        raise ConfigError(
            f"{named.name}: {run.path} was pretrained on {recorded['name']}, SHA-256 "
            f"{recorded['sha256'][:12]}, and knows that one: name it with --corpus, another run "
            f"with --from, or --from scratch"
        )
    return config.model_copy(update={"data": data, "pretrain": own.pretrain})


def _of_stage(stage: StageName, flags: Sequence[Override]) -> list[Override]:
    return [replace(flag, key=flag.key.replace("{stage}", stage)) for flag in flags]
