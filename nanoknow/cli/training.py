"""What the commands that train share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from typer import Option

from nanoknow.cli import options as opt
from nanoknow.cli.complexity import si
from nanoknow.cli.terminal import Terminal
from nanoknow.config.loading import dump_config
from nanoknow.system.durations import in_words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nanoknow.config.experiment import ExperimentConfig, StageName
    from nanoknow.runs.checkpoint import Checkpoint
    from nanoknow.training.session import TrainingSummary

Processes = Annotated[
    int,
    Option(
        "--processes",
        min=1,
        help="Runs to train side by side, each by one thread; with two cores, 2 is fastest.",
    ),
]


def show_plan(
    terminal: Terminal,
    stages: Sequence[StageName],
    config: ExperimentConfig,
    device: str,
    as_json: bool,
    source: Checkpoint | None = None,
    seeds: int = 1,
) -> None:
    """Show a config and what its stages would take here, and write nothing."""
    from nanoknow.training.expected_time import expect
    from nanoknow.training.session import TrainingOptions
    from nanoknow.training.start import get_ready

    options = TrainingOptions(device)
    ready = {each: get_ready(each, config, options, terminal, source) for each in stages}
    config = ready[stages[0]].config
    expected = {stage: expect(each) for stage, each in ready.items()}

    def show(terminal: Terminal, _: object) -> None:
        rows = [
            (stage, f"{e.n_parameters:,}", f"{e.steps:,}", si(e.flops), in_words(e.seconds or 1))
            for stage, e in expected.items()
        ]
        terminal.write(dump_config(config))
        title = f"{f'{seeds} times: ' if seeds > 1 else ''}nothing is written now"
        columns = ("", "parameters", "steps", "FLOPs, at most", "expected time")
        terminal.table(title, columns, rows)

    opt.show(terminal, {"config": config, "seeds": seeds, "expected": expected}, show, as_json)


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
