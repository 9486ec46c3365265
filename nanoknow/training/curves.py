"""``nanoknow plot``: the learning curves of runs, from their metrics."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar, Self

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
"""What the runs of each kind are called; each kind gets panels of its own, in this order."""
ALIKE = 3
"""Largest ratio of the longest run to the shortest for which x is steps; beyond it, x is in %."""
ENOUGH = 10
"""Fewest epochs whose means make a curve; below it, single steps do, if there are more of them."""


CURVES = {
    "loss": ("step", "loss"),
    "epoch_loss": ("epoch", "loss"),
    "learning_rate": ("step", "learning_rate"),
    "accuracy": ("accuracy", "accuracy"),
}
"""For each curve, the kind of metrics that hold it and the key of its value. Losses are in nats a
character, an epoch's the mean over its batches; accuracy is on the evaluation questions, 0 to 1."""


@dataclass(frozen=True)
class RunCurves:
    """What a run recorded.

    Attributes:
        run: its folder.
        name: the shortest end of that path that differs from the other runs'.
        task: the kind of task that it trained on.
        stage: the part of the config that it trained by.
        curves: each of ``CURVES``, a list of (step, value).
    """

    run: str
    name: str
    task: str
    stage: str
    curves: Mapping[str, Points]
    JSON: ClassVar = ("run", "name", "task", "stage", "*curves")

    @property
    def kind(self) -> str:
        """A key of ``KINDS``."""
        return SCRATCH if self.stage == SCRATCH else self.task

    @property
    def last_step(self) -> float:
        """The last step with a point on any curve."""
        return max(points[-1][0] for points in self.curves.values() if points)

    def with_points(self, change: Callable[[Points], Points]) -> Self:
        """Return a copy with ``change`` applied to the points of every curve."""
        return replace(self, curves={name: change(each) for name, each in self.curves.items()})

    @property
    def percentages(self) -> Points:
        """The accuracies in %."""
        return [(step, 100 * share) for step, share in self.curves["accuracy"]]


@dataclass(frozen=True)
class Panel:
    """Curves over the steps of training.

    Attributes:
        title: what they show.
        unit: of what they show; empty for a plain number.
        curves: by name, (step, value).
        behind: the single steps behind averaged curves, drawn thin.
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
            singles = {run.name: run.curves["loss"] for run in runs}
            by_epoch = {run.name: run.curves["epoch_loss"] for run in runs}
            averaged = {n: e for n, e in by_epoch.items() if len(e) >= min(ENOUGH, len(singles[n]))}
            means = ", mean of an epoch's batches" if averaged else ""
            losses, behind = singles | averaged, {name: singles[name] for name in averaged}
            rates = {run.name: run.curves["learning_rate"] for run in runs}
            shares = {run.name: run.percentages for run in runs if run.percentages}
            panels = [
                Panel(f"{kind}: loss{means}", "nats a character", losses, behind, x_label),
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
        CheckpointError: there is no such run, or its metrics have no step or a value that is no
            finite number.
    """
    runs = [Run.open(path) for path in dict.fromkeys(run_paths)]
    if not runs:
        runs = [newest_run()]
        reporter.note(f"using {runs[0].path}{half_made(runs[0])}")
    names = shortest_ends([run.path for run in runs])
    return RunsCurves([_read(run, name) for run, name in zip(runs, names, strict=True)])


def accuracies_beside_scratch(run_path: Path) -> dict[str, Points]:
    """Return a run's accuracies, in % by step, and those of the run ``scratch_beside`` it.

    A run without accuracies is left out; if it is ``run_path``, the other is left out as well.
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
        curve: [_point(run, each, key) for each in metrics if each["kind"] == kind]
        for curve, (kind, key) in CURVES.items()
    }
    if not curves["loss"]:
        raise CheckpointError(
            f"{run.metrics_file}: holds no step to draw: train the run, or leave it out"
        )
    return RunCurves(str(run.path), name, run.record.task, run.record.stage, curves)


def _on_one_axis(runs: list[RunCurves]) -> tuple[list[RunCurves], str]:
    """Return runs and the label of x: steps, or % of each run's if some run is much longer."""
    lengths = [run.last_step for run in runs]
    if max(lengths) <= ALIKE * min(lengths):
        return runs, "step"

    def share(run: RunCurves) -> RunCurves:
        end = max(1, run.last_step)  # metrics that somebody else wrote may end at step 0
        return run.with_points(lambda points: [(100 * x / end, y) for x, y in points])

    return [*map(share, runs)], "% of the steps of each run"


def _point(run: Run, values: dict[str, Any], key: str) -> tuple[int, float]:
    if {"step", key} <= values.keys():  # ``read_metrics`` has checked their types
        return values["step"], float(values[key])
    raise CheckpointError(
        f"{run.metrics_file}: step {values.get('step')}: {key} is {values.get(key)}, not a finite "
        f"number: correct it"
    )
