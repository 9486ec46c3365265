"""``nanoknow demo``: the whole experiment on the built-in world, to a table and a picture."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from nanoknow.config.experiment import DataConfig, ExperimentConfig
from nanoknow.data.questions import QuestionSet
from nanoknow.data.sources import Texts
from nanoknow.errors import ConfigError
from nanoknow.evaluation.answering_run import AnsweringRun
from nanoknow.evaluation.answers import score_answers
from nanoknow.evaluation.baseline import BaselineResult, baseline, constant_baseline
from nanoknow.evaluation.evaluate import evaluate_on
from nanoknow.evaluation.scores import Score
from nanoknow.experiments.demo_figure import plot_demo
from nanoknow.experiments.pipeline import pretrain_and_finetune, train_or_resume
from nanoknow.experiments.table import TableRow, write_table
from nanoknow.runs.folders import runs_folder
from nanoknow.runs.run import Run
from nanoknow.system.files import write_atomically
from nanoknow.system.plain import plain
from nanoknow.system.reporter import Reporter
from nanoknow.training.session import TrainingOptions
from nanoknow.training.start import start_run

PRETRAINED, SCRATCH = "pretrained, then finetuned", "finetuned from scratch"
FOLDERS = {PRETRAINED: "finetune", SCRATCH: "scratch"}


@dataclass(frozen=True)
class DemoReport:
    """What the demo found.

    Attributes:
        folder: of its runs, a folder for each seed.
        scores: by way of training, one for each seed, on the dev questions.
        constant: everybody answered with the most frequent training answer.
        test_scores, test_constant: the same on the world's test questions; empty and None where
            the corpus is not the world's.
        seconds: that this command took.
        picture: accuracies and learning curves.
        table: every run on dev and on test.
    """

    folder: str
    scores: dict[str, list[Score]]
    constant: BaselineResult
    test_scores: dict[str, list[Score]]
    test_constant: BaselineResult | None
    seconds: float
    picture: str
    table: list[TableRow]


def demo(
    config: ExperimentConfig, seeds: int, out: Path | None, device: str, reporter: Reporter
) -> DemoReport:
    """Pretrain, finetune with and without it, evaluate both, and compare with a constant.

    Args:
        config: its own seed is the first one.
        seeds: how many times to do it all, on the same world.
        out: folder for the runs, where an interrupted demo continues; None for a new one.
        device: ``auto``, ``cpu``, ``cuda`` or ``cuda:N``.
        reporter: is notified of what happens.
    """
    began = time.monotonic()
    stamp = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
    folder = out or runs_folder() / f"{stamp}-demo"
    texts = Texts.find(config.data)
    config = config.model_copy(update={"data": texts.config})
    dev, test = texts.require_eval(), texts.test
    if not dev.answered:
        raise ConfigError(f"{dev.name}: the demo needs questions with answers")
    asked = [dev, test] if test else [dev]
    table = []
    for seed in range(config.seed, config.seed + seeds):
        place = folder / f"seed-{seed}"
        seeded = config.model_copy(update={"seed": seed})
        seconds = _train(seeded, place, TrainingOptions(device=device), reporter)
        for name, run in FOLDERS.items():
            opened = AnsweringRun.open(place / run, DataConfig(), device, reporter)
            for questions in asked:
                answers = evaluate_on(opened, questions, reporter).answers
                row = TableRow(
                    row=name,
                    seed=seed,
                    questions=questions.name,
                    score=score_answers(answers),
                    seconds=seconds[name],
                    device=f"{opened.device.name}, {opened.device.precision}",
                    run=str(place / run),
                )
                table.append(row)
    constant = baseline(config.data, None)
    report = DemoReport(
        folder=str(folder),
        scores=_scores(table, dev),
        constant=constant,
        test_scores=_scores(table, test) if test else {},
        test_constant=constant_baseline(test, constant.answer or "") if test else None,
        seconds=round(time.monotonic() - began, 1),
        picture=str(folder / "demo.png"),
        table=table,
    )
    _plot(folder / f"seed-{config.seed}", report)
    write_atomically(folder / "demo.json", json.dumps(plain(report), indent=1).encode())
    write_table(folder / "table.csv", table)
    return report


def _train(
    config: ExperimentConfig, folder: Path, options: TrainingOptions, reporter: Reporter
) -> Mapping[str, float]:
    """Train a seed's three runs, or continue them; return the seconds by way of training."""
    reporter.note(f"seed {config.seed}: finetuning on questions from scratch")
    start = partial(start_run, "scratch", config)
    scratch = train_or_resume(start, config, folder / "scratch", options, reporter)
    reporter.note(f"seed {config.seed}: pretraining on the biographies, then finetuning")
    stages = (config, folder / "pretrain"), (config, folder / "finetune")
    both = pretrain_and_finetune(*stages, options, reporter)
    seconds = {PRETRAINED: sum(each.seconds for each in both), SCRATCH: scratch.seconds}
    return {name: round(each, 3) for name, each in seconds.items()}


def _scores(table: Sequence[TableRow], questions: QuestionSet) -> dict[str, list[Score]]:
    rows = [row for row in table if row.questions == questions.name]
    return {name: [row.score for row in rows if row.row == name] for name in FOLDERS}


def _plot(first: Path, report: DemoReport) -> None:
    """Draw the accuracies of all seeds and the curves of the first."""
    constant = f"everybody: {report.constant.answer}"
    dev = {**report.scores, constant: [report.constant.score]}
    test = dict(report.test_scores)
    if report.test_constant:
        test[constant] = [report.test_constant.score]
    bars = {
        "dev": {name: [score.accuracy for score in each] for name, each in dev.items()},
        "test": {name: [score.accuracy for score in each] for name, each in test.items()},
    }
    curves = {
        name: [
            (float(m["epoch"]), float(m["accuracy"]))
            for m in Run.open(first / run).metrics()
            if m["kind"] == "accuracy"
        ]
        for name, run in FOLDERS.items()
    }
    losses = [
        (float(m["epoch"]), float(m["loss"]))
        for m in Run.open(first / "pretrain").metrics()
        if m["kind"] == "epoch"
    ]
    plot_demo(Path(report.picture), bars, {"pretraining": losses}, curves)
