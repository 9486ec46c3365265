"""What the commands that train share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from typer import Option

from nanoknow.cli.terminal import Terminal
from nanoknow.config.loading import Override

if TYPE_CHECKING:
    from nanoknow.training.session import TrainingSummary

Processes = Annotated[
    int,
    Option(
        "--processes",
        min=1,
        help="Runs to train side by side, each by one thread; with two cores, 2 is fastest.",
    ),
]

FLAGS = {
    "--model": "model.variant",
    "--bottleneck-dim": "model.bottleneck_dim",
    "--epochs": "{stage}.epochs",
    "--batch-size": "{stage}.batch_size",
    "--learning-rate": "{stage}.optimizer.learning_rate",
    "--seed": "seed",
}
"""Those of both commands, with the keys that they set."""


def training_flags(stage: str, *values: str | float | None) -> list[Override]:
    """Return the values of ``FLAGS``, in their order, for ``options.overrides``."""
    given = zip(FLAGS.items(), values, strict=True)
    return [Override(key.format(stage=stage), value, flag) for (flag, key), value in given]


def show_training(terminal: Terminal, summary: TrainingSummary) -> None:
    """Show how a training run ended."""
    from nanoknow.evaluation.scores import Score

    stopped = summary.epochs < summary.planned_epochs
    more = f" (continue with '{summary.resume}')" if stopped else ""
    seconds, loss = summary.seconds, summary.loss
    took = f"{seconds / 60:.1f} min" if seconds >= 60 else f"{seconds:.0f} s"
    rows = [
        ("run", summary.run),
        ("model", f"{summary.variant}, {summary.n_parameters:,} parameters"),
        ("epochs", f"{summary.epochs} of {summary.planned_epochs}{more}"),
        ("steps", f"{summary.step:,}"),
        ("loss, last epoch (mean of batches)", "-" if loss is None else f"{loss:.3f}"),
        ("time", f"{took} on {summary.device}, {summary.precision}"),
    ]
    if summary.accuracy:
        score = Score(summary.accuracy["n_right"], summary.accuracy["n"])
        rows.append(("accuracy", str(score)))
        shared = summary.accuracy.get("overlap", {"n": 0})  # release 0.2.0 recorded none
        if shared["n"]:
            rest = f"{shared['others']['accuracy']:.1%}" if shared["others"] else "nothing to score"
            words = f"{rest}; {shared['n']} of {score.n} left out"
            rows.append(("without training questions", words))
    terminal.pairs(rows)
