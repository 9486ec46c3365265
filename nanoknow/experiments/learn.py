"""``nanoknow learn`` and ``demo``: the whole experiment on some texts, to a table and a picture."""

import itertools
import shlex
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from nanoknow.config.experiment import DataConfig, ExperimentConfig
from nanoknow.data.questions import QuestionSet
from nanoknow.data.sources import Texts
from nanoknow.evaluation.answering_run import AnsweringRun
from nanoknow.evaluation.answers import score_answers
from nanoknow.evaluation.baseline import BaselineResult, baseline, constant_baseline
from nanoknow.evaluation.evaluate import evaluate_on
from nanoknow.evaluation.scores import Score
from nanoknow.experiments.learn_figure import plot_learned
from nanoknow.experiments.pipeline import several_runs
from nanoknow.experiments.side_by_side import Chain, train_side_by_side
from nanoknow.experiments.table import TableRow, save_report, table_row
from nanoknow.runs.folders import new_folder
from nanoknow.runs.lock import lock_run
from nanoknow.runs.run import Run
from nanoknow.system.reporter import Reporter

PRETRAINED, SCRATCH = "pretrained, then finetuned", "finetuned from scratch"
FOLDERS = {PRETRAINED: "finetune", SCRATCH: "scratch"}


@dataclass(frozen=True)
class LearnReport:
    """What an experiment found.

    Attributes:
        folder: of its runs, a folder for each seed.
        questions: the name of the evaluation questions.
        training_questions: how many of these are training questions too.
        is_world: whether all texts are the built-in world's.
        scores: by way of training, one for each seed, on the evaluation questions.
        constant: everybody answered with the most frequent training answer.
        test_scores, test_constant: the same on the world's test questions; empty and None where
            the corpus is not the world's.
        seconds: that this command took.
        picture: accuracies and learning curves.
        table: every run on the evaluation questions and on the world's test questions.
    """

    folder: str
    questions: str
    training_questions: int
    is_world: bool
    scores: dict[str, list[Score]]
    constant: BaselineResult
    test_scores: dict[str, list[Score]]
    test_constant: BaselineResult | None
    seconds: float
    picture: str
    table: list[TableRow]

    @property
    def label(self) -> str:
        """A short name of the evaluation questions."""
        return "dev" if self.is_world else Path(self.questions).name

    @property
    def asked(self) -> list[tuple[str, dict[str, list[Score]], BaselineResult]]:
        """Name, scores and constant of the evaluation questions, and of the test questions."""
        test = (("test", self.test_scores, self.test_constant),)
        both = ((self.label, self.scores, self.constant), *test)
        return [(name, scores, constant) for name, scores, constant in both if constant]


def learn(
    config: ExperimentConfig,
    seeds: int,
    out: Path | None,
    device: str,
    reporter: Reporter,
    name: str = "learn",
    processes: int = 1,
) -> LearnReport:
    """Pretrain, finetune with and without it, evaluate both, and compare with a constant.

    Args:
        config: its own seed is the first one.
        seeds: how many times to do it all, on the same texts.
        out: folder for the runs, where an interrupted experiment continues; None for a new one.
        device: ``auto``, ``cpu``, ``cuda`` or ``cuda:N``.
        reporter: is notified of what happens.
        name: of the picture and the report in the folder.
        processes: runs to train side by side.

    Raises:
        BusyError: another experiment is at work in the folder.
        ConfigError: a text is not named.
        DataError: a text cannot be read, or questions have no answers.
    """
    began = time.monotonic()
    texts = Texts.find(config.data)
    config = config.model_copy(update={"data": texts.config})
    texts.require_corpus()
    training = texts.require_questions()
    asked = texts.require_eval().require_answers("score the answers by", "data.eval")
    test, first = texts.test, config.seed
    folder = new_folder(out, name)
    table = []
    more = "" if out else f" --out {shlex.quote(str(folder))}"
    # Locked, no command takes one of its runs for the latest meanwhile.
    with (
        lock_run(folder),
        several_runs([(config, folder)], device, reporter, more, processes) as options,
    ):
        all_seeds = range(first, first + seeds)
        chains = [chain for seed in all_seeds for chain in _chains(config, folder, seed)]
        if processes > 1:
            train_side_by_side(chains, processes, options, reporter)
        for chain in chains:
            reporter.note(chain.name)
            chain.train(options, reporter)
        for seed, (way, run) in itertools.product(all_seeds, FOLDERS.items()):
            place = folder / f"seed-{seed}" / run
            opened = AnsweringRun.open(place, DataConfig(), device, reporter)
            for questions in [asked, test] if test else [asked]:
                score = score_answers(evaluate_on(opened, questions, reporter).answers)
                table.append(table_row(way, opened.run, opened.checkpoint, questions.name, score))
    constant = baseline(config.data, None)
    report = LearnReport(
        folder=str(folder),
        questions=asked.name,
        training_questions=sum(question.text in training.texts for question in asked.items),
        is_world=not any((config.data.corpus, config.data.questions, config.data.eval)),
        scores=_scores(table, asked),
        constant=constant,
        test_scores=_scores(table, test) if test else {},
        test_constant=constant_baseline(test, constant.answer or "") if test else None,
        seconds=round(time.monotonic() - began, 1),
        picture=str(folder / f"{name}.png"),
        table=table,
    )
    _plot(folder / f"seed-{first}", report)
    save_report(folder / f"{name}.json", report, table)
    return report


def _chains(config: ExperimentConfig, folder: Path, seed: int) -> tuple[Chain, Chain]:
    """Return a seed's three runs."""
    seeded, place = config.model_copy(update={"seed": seed}), folder / f"seed-{seed}"
    scratch, finetuning = ((seeded, place / FOLDERS[way]) for way in (SCRATCH, PRETRAINED))
    name, pretraining = f"seed {seed}, pretraining then finetuning", (seeded, place / "pretrain")
    return (
        Chain(f"seed {seed}, from scratch", None, (scratch,)),
        Chain(name, pretraining, (finetuning,)),
    )


def _scores(table: Sequence[TableRow], questions: QuestionSet) -> dict[str, list[Score]]:
    rows = [row for row in table if row.questions == questions.name]
    return {name: [row.score for row in rows if row.row == name] for name in FOLDERS}


def _plot(first: Path, report: LearnReport) -> None:
    """Draw the accuracies of all seeds and the curves of the first."""

    def curve(run: str, kind: str, key: str) -> list[tuple[float, float]]:
        metrics = Run.open(first / run).metrics()
        return [(float(m["epoch"]), float(m[key])) for m in metrics if m["kind"] == kind]

    bars: dict[str, dict[str, list[float]]] = {}
    for questions, scores, constant in report.asked:
        shown = {**scores, f"everybody: {constant.answer}": [constant.score]}
        bars[questions] = {name: [s.accuracy for s in each] for name, each in shown.items()}
    losses = {"pretraining": curve("pretrain", "epoch", "loss")}
    accuracies = {name: curve(run, "accuracy", "accuracy") for name, run in FOLDERS.items()}
    plot_learned(Path(report.picture), bars, losses, accuracies)
