"""``nanoknow plot``: how runs went, as their metrics have it."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nanoknow.errors import CheckpointError
from nanoknow.figures.canvas import Points
from nanoknow.runs.finding import half_made, newest_run
from nanoknow.runs.run import Run
from nanoknow.system.reporter import Reporter
from nanoknow.training.curves_figure import Panel

KINDS = {
    "span_corruption": "Pretraining",
    "language_modeling": "Language modelling",
    "document_modeling": "Language modelling of documents",
    "question_answering": "Finetuning",
}
"""What runs of each task are called; they get panels of their own, in this order."""
ENOUGH = 10
"""Epochs whose means make a curve; fewer would hide how the loss fell within them."""


@dataclass(frozen=True)
class RunCurves:
    """What a run recorded, each a list of (step, value).

    Attributes:
        run: its folder.
        name: as much of that as differs from the others.
        task: its kind.
        loss: in nats a character, of single steps.
        epoch_loss: the same, means of the batches of an epoch.
        learning_rate: of single steps.
        accuracy: on the evaluation questions, from 0 to 1.
    """

    run: str
    name: str
    task: str
    loss: Points
    epoch_loss: Points
    learning_rate: Points
    accuracy: Points


@dataclass(frozen=True)
class RunsCurves:
    """The curves of some runs, in the order they were named."""

    runs: list[RunCurves]

    def panels(self) -> Iterator[list[Panel]]:
        """Yield the panels of each kind of run: loss, learning rate, and accuracy where measured.

        Where there are enough of them, the means of epochs are drawn over single steps.
        """
        for task, kind in KINDS.items():
            runs = [run for run in self.runs if run.task == task]
            if not runs:
                continue
            averaged = [run for run in runs if len(run.epoch_loss) >= ENOUGH]
            losses = {r.name: r.epoch_loss if r in averaged else r.loss for r in runs}
            means = ", mean of an epoch's batches" if averaged else ""
            singles = {run.name: run.loss for run in averaged}
            rates = {run.name: run.learning_rate for run in runs}
            shares = {r.name: [(x, 100 * y) for x, y in r.accuracy] for r in runs if r.accuracy}
            panels = [
                Panel(f"{kind}: loss{means}", "nats a character", losses, singles),
                Panel(f"{kind}: learning rate", "", rates),
                Panel(f"{kind}: accuracy", "% right", shares),
            ]
            yield [panel for panel in panels if panel.curves]


def read_curves(run_paths: Sequence[Path], reporter: Reporter) -> RunsCurves:
    """Read the curves of runs.

    Args:
        run_paths: run folders; none for the newest run.
        reporter: is notified of the run that is taken.

    Raises:
        CheckpointError: there is no such run, or its metrics lack a curve.
    """
    runs = [Run.open(path) for path in dict.fromkeys(run_paths)]
    if not runs:
        runs = [newest_run()]
        reporter.note(f"using {runs[0].path}{half_made(runs[0])}")
    return RunsCurves([_read(run, name) for run, name in zip(runs, _names(runs), strict=True)])


def _read(run: Run, name: str) -> RunCurves:
    metrics = list(run.metrics())
    curves = {
        curve: [_point(run, m, key) for m in metrics if m.get("kind") == kind]
        for curve, kind, key in (
            ("loss", "step", "loss"),
            ("epoch_loss", "epoch", "loss"),
            ("learning_rate", "step", "learning_rate"),
            ("accuracy", "accuracy", "accuracy"),
        )
    }
    if not curves["loss"]:
        raise CheckpointError(
            f"{run.metrics_file}: holds no step to draw: train the run, or leave it out"
        )
    return RunCurves(str(run.path), name, run.record.task, **curves)


def _point(run: Run, values: dict[str, Any], key: str) -> tuple[int, float]:
    step, value = values.get("step"), values.get(key)
    if isinstance(step, int) and isinstance(value, int | float) and math.isfinite(value):
        return step, float(value)
    raise CheckpointError(
        f"{run.metrics_file}: step {step}: {key} is {value!r}, not a finite number: correct it"
    )


def _names(runs: Sequence[Run]) -> list[str]:
    """Return the shortest ends of the runs' paths that differ, as many parts for each."""
    parts = [run.path.absolute().parts for run in runs]
    for n in range(1, max(map(len, parts))):
        names = ["/".join(part[-n:]) for part in parts]
        if len(set(names)) == len(names):
            return names
    return [str(run.path) for run in runs]
