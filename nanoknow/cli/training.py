"""What the commands that train share."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nanoknow.cli import options as opt
from nanoknow.cli.terminal import Terminal
from nanoknow.config.loading import Override
from nanoknow.errors import ConfigError

if TYPE_CHECKING:
    from nanoknow.training.session import TrainingOptions, TrainingSummary


def _stage_flags(
    stage: str, epochs: int | None, batch_size: int | None, learning_rate: float | None
) -> dict[str, tuple[str, Any]]:
    return {
        "--epochs": (f"{stage}.epochs", epochs),
        "--batch-size": (f"{stage}.batch_size", batch_size),
        "--learning-rate": (f"{stage}.optimizer.learning_rate", learning_rate),
    }


def _resume(
    out: Path | None,
    stages: Sequence[str],
    config: str | None,
    overrides: Sequence[Override],
    options: TrainingOptions,
    terminal: Terminal,
    as_json: bool,
) -> None:
    """Continue a run by its own config: what else was asked for would be silently ignored."""
    from nanoknow.runs.run import Run
    from nanoknow.training.resume import resume_run

    if out is None:
        raise ConfigError("--resume: name the run to continue with --out DIR")
    asked = [override.label for override in overrides] + (["--config"] if config else [])
    if asked:
        raise ConfigError(
            f"--resume continues {out} by its own config: drop {', '.join(asked)}, or start a new "
            f"run"
        )
    run = Run.open(out)
    if run.record.stage not in stages:
        command = "pretrain" if run.record.stage == "pretrain" else "finetune"
        raise ConfigError(
            f"{out}: is a {run.record.stage} run: continue it with 'nanoknow {command} --resume "
            f"--out {out}'"
        )
    opt.show(terminal, resume_run(run, options, terminal), show_training, as_json)


def show_training(terminal: Terminal, summary: TrainingSummary) -> None:
    """Show how a training run ended."""
    from nanoknow.evaluation.scores import Score

    stopped = summary.epochs < summary.planned_epochs
    seconds = summary.seconds
    took = f"{seconds / 60:.1f} min" if seconds >= 60 else f"{seconds:.0f} s"
    rows = [
        ("run", summary.run),
        ("model", f"{summary.variant}, {summary.n_parameters:,} parameters"),
        (
            "epochs",
            f"{summary.epochs} of {summary.planned_epochs}"
            + (" (stopped early; --resume continues)" if stopped else ""),
        ),
        ("steps", f"{summary.step:,}"),
        ("loss, last epoch", "-" if summary.loss is None else f"{summary.loss:.3f}"),
        ("time", f"{took} on {summary.device}, {summary.precision}"),
    ]
    if summary.accuracy:
        score = Score(summary.accuracy["n_right"], summary.accuracy["n"])
        rows.append(("accuracy", str(score)))
    terminal.pairs(rows)
