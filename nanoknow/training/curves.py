"""``nanoknow plot``: how runs went, as their metrics have it."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self

from nanoknow.errors import CheckpointError
from nanoknow.figures.canvas import Points, shortest_ends
from nanoknow.runs.finding import half_made, newest_run, scratch_beside
from nanoknow.runs.run import Run
from nanoknow.system.reporter import Reporter

SCRATCH = "scratch"
KINDS = {
    "span_corruption": "Pretraining",
    "language_modeling": "Language modelling",
    "document_modeling": "Language modelling of documents",
    "question_answering": "Finetuning",
    SCRATCH: "From scratch",
}
"""What runs of each task are called; they get panels of their own, in this order."""
ALIKE = 3
"""Times that the steps of one run on an axis may be those of another; else it has shares."""
ENOUGH = 10
"""Epochs whose means make a curve; fewer would hide how the loss fell within them."""


@dataclass(frozen=True)
class RunCurves:
    """What a run recorded, each a list of (step, value).

    Attributes:
        run: its folder.
        name: as much of that as differs from the others.
        task: its kind.
        stage: the part of the config that it trained by.
        loss: in nats a character, of single steps.
        epoch_loss: the same, means of the batches of an epoch.
        learning_rate: of single steps.
        accuracy: on the evaluation questions, from 0 to 1.
    """

    run: str
    name: str
    task: str
    stage: str
    loss: Points
    epoch_loss: Points
    learning_rate: Points
    accuracy: Points

    @property
    def kind(self) -> str:
        """A key of ``KINDS``."""
        return SCRATCH if self.stage == SCRATCH else self.task

    @property
    def last_step(self) -> float:
        """The last one of which anything was recorded."""
        ends = (points[-1][0] for points in (self.loss, self.epoch_loss, self.accuracy) if points)
        return max(ends)

    def with_points(self, change: Callable[[Points], Points]) -> Self:
        """Return it with the points of every curve changed."""
        return replace(
            self,
            loss=change(self.loss),
            epoch_loss=change(self.epoch_loss),
            learning_rate=change(self.learning_rate),
            accuracy=change(self.accuracy),
        )

    @property
    def percentages(self) -> Points:
        """The accuracies in %."""
        return [(step, 100 * share) for step, share in self.accuracy]


@dataclass(frozen=True)
class Panel:
    """Curves over the steps of training.

    Attributes:
        title: what they show.
        unit: of what they show; empty for a plain number.
        curves: by name, (step, value).
        behind: the same before it was averaged, drawn thin; none for none.
        x_label: what x is.
    """

    title: str
    unit: str
    curves: Mapping[str, Points]
    behind: Mapping[str, Points] = field(default_factory=dict)
    x_label: str = "step"


@dataclass(frozen=True)
class RunsCurves:
    """The curves of some runs, in the order they were named."""

    runs: list[RunCurves]

    def panels(self) -> Iterator[list[Panel]]:
        """Yield the panels of each kind of run: loss, learning rate, and accuracy where measured.

        Where there are enough of them, the means of epochs are drawn over single steps.
        """
        for key, kind in KINDS.items():
            runs = [run for run in self.runs if run.kind == key]
            if not runs:
                continue
            runs, x_label = _on_one_axis(runs)
            averaged = [run for run in runs if len(run.epoch_loss) >= ENOUGH]
            losses = {r.name: r.epoch_loss if r in averaged else r.loss for r in runs}
            means = ", mean of an epoch's batches" if averaged else ""
            singles = {run.name: run.loss for run in averaged}
            rates = {run.name: run.learning_rate for run in runs}
            shares = {run.name: run.percentages for run in runs if run.accuracy}
            panels = [
                Panel(f"{kind}: loss{means}", "nats a character", losses, singles, x_label),
                Panel(f"{kind}: learning rate", "", rates, x_label=x_label),
                Panel(f"{kind}: accuracy", "% right", shares, x_label=x_label),
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
    names = shortest_ends([run.path for run in runs])
    return RunsCurves([_read(run, name) for run, name in zip(runs, names, strict=True)])


def accuracies_beside_scratch(run_path: Path) -> dict[str, Points]:
    """Return a run's accuracies, in % by step, and those of the run ``scratch_beside`` it.

    None where none were measured.
    """
    found: dict[str, Points] = {}
    with suppress(CheckpointError):
        own = Run.open(run_path)
        found["this model"] = _read(own, "").percentages
        if other := scratch_beside(own):
            found["from scratch, without pretraining"] = _read(other, "").percentages
    return {name: points for name, points in found.items() if points and found["this model"]}


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
    return RunCurves(str(run.path), name, run.record.task, run.record.stage, **curves)


def _on_one_axis(runs: list[RunCurves]) -> tuple[list[RunCurves], str]:
    """Return runs with what to call x: the step, or how far they are if some are much longer."""
    lengths = [run.last_step for run in runs]
    if max(lengths) <= ALIKE * min(lengths):
        return runs, "step"

    def share(run: RunCurves) -> RunCurves:
        def scaled(points: Points) -> Points:
            return [(100 * step / run.last_step, y) for step, y in points]

        return run.with_points(scaled)

    return [share(run) for run in runs], "% of the steps of each run"


def _point(run: Run, values: dict[str, Any], key: str) -> tuple[int, float]:
    step, value = values.get("step"), values.get(key)
    if isinstance(step, int) and isinstance(value, int | float) and math.isfinite(value):
        return step, float(value)
    raise CheckpointError(
        f"{run.metrics_file}: step {step}: {key} is {value!r}, not a finite number: correct it"
    )
