"""What the commands that train share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nanoknow.cli.terminal import Terminal

if TYPE_CHECKING:
    from nanoknow.training.session import TrainingSummary


def training_flags(
    stage: str,
    model: str | None,
    bottleneck_dim: int | None,
    epochs: int | None,
    batch_size: int | None,
    learning_rate: float | None,
    seed: int | None,
) -> dict[str, tuple[str, Any]]:
    """Return the flags of a stage for ``options.overrides``, without those that name data."""
    return {
        "--model": ("model.variant", model),
        "--bottleneck-dim": ("model.bottleneck_dim", bottleneck_dim),
        "--epochs": (f"{stage}.epochs", epochs),
        "--batch-size": (f"{stage}.batch_size", batch_size),
        "--learning-rate": (f"{stage}.optimizer.learning_rate", learning_rate),
        "--seed": ("seed", seed),
    }


def show_training(terminal: Terminal, summary: TrainingSummary) -> None:
    """Show how a training run ended."""
    from nanoknow.evaluation.scores import Score

    stopped = summary.epochs < summary.planned_epochs
    seconds, loss = summary.seconds, summary.loss
    took = f"{seconds / 60:.1f} min" if seconds >= 60 else f"{seconds:.0f} s"
    rows = [
        ("run", summary.run),
        ("model", f"{summary.variant}, {summary.n_parameters:,} parameters"),
        (
            "epochs",
            f"{summary.epochs} of {summary.planned_epochs}"
            + (f" (continue with '{summary.resume}')" if stopped else ""),
        ),
        ("steps", f"{summary.step:,}"),
        ("loss, last epoch (mean of batches)", "-" if loss is None else f"{loss:.3f}"),
        ("time", f"{took} on {summary.device}, {summary.precision}"),
    ]
    if summary.accuracy:
        score = Score(summary.accuracy["n_right"], summary.accuracy["n"])
        rows.append(("accuracy", str(score)))
        shared = summary.accuracy.get("overlap", {"n": 0})  # release 0.2.0 recorded none
        if shared["n"]:
            share = (
                f"{shared['others']['accuracy']:.1%}" if shared["others"] else "nothing to score"
            )
            rows.append(
                ("without training questions", f"{share}; {shared['n']} of {score.n} left out")
            )
    terminal.pairs(rows)
