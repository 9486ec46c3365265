"""Options and tables that the commands that train share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from typer import Option

from nanoknow.cli import options as opt
from nanoknow.cli.complexity import si
from nanoknow.cli.terminal import Terminal
from nanoknow.config.loading import dump_config
from nanoknow.config.sweep import MOST_SEEDS
from nanoknow.system.durations import in_words
from nanoknow.system.shares import NONE, percent

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from nanoknow.config.experiment import ExperimentConfig, StageName
    from nanoknow.runs.checkpoint import Checkpoint
    from nanoknow.training.expected_time import Expected
    from nanoknow.training.session import TrainingSummary

Processes = Annotated[
    int,
    Option(
        min=1, help="Runs to train side by side, each in one thread; with two cores, 2 is fastest."
    ),
]

Seeds = Annotated[
    int | None, Option(min=1, max=MOST_SEEDS, help="Number of seeds; the file's if not given.")
]
Repeats = Annotated[int, Option(min=1, max=MOST_SEEDS, help="Number of seeds to repeat it with.")]
Shard = Annotated[
    str | None,
    Option(
        metavar="I/N", help="Train only the I-th of N parts of the runs; without it, report on all."
    ),
]

Launcher = Annotated[
    str | None, Option(help="Train as cluster jobs.", **opt.one_of("slurm", "local"))
]


def stages_of(finetunes: bool) -> tuple[StageName, ...]:
    """Return the stages of a run: pretraining, then finetuning if it has that."""
    return ("pretrain", "finetune") if finetunes else ("pretrain",)


def show_plan(
    terminal: Terminal,
    stages: Sequence[StageName],
    config: ExperimentConfig,
    device: str,
    source: Checkpoint | None = None,
    times: int = 1,
) -> None:
    """Show a config and the expected cost of its stages, each run so many times; write nothing."""
    config, expected = _expect(terminal, stages, config, device, source)

    def show(terminal: Terminal, _: object) -> None:
        terminal.write(dump_config(config))
        _table(terminal, times, [(stage, *_costs(each)) for stage, each in expected.items()])

    terminal.show({"times": times, "config": config, "expected": expected}, show)


def show_plan_of_rows(
    terminal: Terminal,
    stages: Sequence[StageName],
    rows: Mapping[str, ExperimentConfig],
    device: str,
    times: int,
) -> None:
    """Show the expected cost of each row's stages, and the total time; write nothing.

    Every row is trained ``times`` times: once for each seed and each fold of its data.
    """
    from nanoknow.experiments.pipeline import what_pretraining_reads

    planned: dict[str, dict[str, Any]] = {}
    lines: list[tuple[str, ...]] = []
    shared: dict[str, str] = {}
    seconds = 0.0
    for name, config in rows.items():
        first = shared.setdefault(what_pretraining_reads(config), name)
        new = stages if first == name else stages[1:]
        if first != name:
            lines.append((name, f"{stages[0]} of {first}", "", "", "", ""))
        config, expected = _expect(terminal, new, config, device, None)
        planned[name] = {"config": config, "pretraining_of": first, "expected": expected}
        lines += [(name, stage, *_costs(each)) for stage, each in expected.items()]
        seconds += times * sum(each.seconds or 1 for each in expected.values())

    def show(terminal: Terminal, _: object) -> None:
        _table(terminal, times, lines)
        terminal.paragraph(f"All of it, one run after the other: {in_words(seconds)}.")

    found = {"times": times, "seconds": seconds, "rows": planned}
    terminal.show(found, show)


def _expect(
    terminal: Terminal,
    stages: Sequence[StageName],
    config: ExperimentConfig,
    device: str,
    source: Checkpoint | None,
) -> tuple[ExperimentConfig, dict[StageName, Expected]]:
    """Return the config as its first stage resolves it, and the expected cost of each stage."""
    from nanoknow.training.expected_time import expect
    from nanoknow.training.start import get_ready

    ready = {each: get_ready(each, config, device, terminal, source) for each in stages}
    return ready[stages[0]].config, {stage: expect(each) for stage, each in ready.items()}


def _costs(expected: Expected) -> tuple[str, ...]:
    sizes = f"{expected.n_parameters:,}", f"{expected.steps:,}", si(expected.flops)
    return *sizes, in_words(expected.seconds or 1)


def _table(terminal: Terminal, times: int, rows: Sequence[Sequence[str]]) -> None:
    title = f"{f'each {times} times; ' if times > 1 else ''}nothing is written now"
    names = ("",) * (len(rows[0]) - 4)
    columns = (*names, "parameters", "steps", "FLOPs, at most", "expected time")
    terminal.table(title, columns, rows, left=len(names))


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
        ("loss, last epoch (mean of batches)", NONE if loss is None else f"{loss:.3f}"),
        *([("loss, held-out text", f"{held:.3f}")] if (held := summary.held_out_loss) else []),
        ("time", f"{took} on {summary.device}, {summary.precision}"),
    ]
    if summary.accuracy:
        score = Score(summary.accuracy["n_right"], summary.accuracy["n"])
        rows.append(("accuracy", str(score)))
        shared = summary.accuracy.get("overlap", {"n": 0})  # release 0.2.0 recorded none
        if shared["n"]:
            rest = percent(shared["others"]["accuracy"]) if shared["others"] else "nothing to score"
            words = f"{rest}; {shared['n']} of {score.n} left out"
            rows.append(("without training questions", words))
    terminal.pairs(rows)
