"""``nanoknow learn`` and ``demo``: the whole experiment, which ends in a table and a picture."""

import shlex
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from random import Random

from nanoknow.config.experiment import DataConfig, ExperimentConfig
from nanoknow.data.questions import QuestionSet
from nanoknow.data.sources import Texts
from nanoknow.errors import DataError
from nanoknow.evaluation.answering_run import AnsweringRun
from nanoknow.evaluation.answers import score_answers
from nanoknow.evaluation.ask import Reply, ask
from nanoknow.evaluation.baseline import BaselineResult, constant_baseline
from nanoknow.evaluation.evaluate import evaluate_on
from nanoknow.evaluation.probe_questions import ProbeMaker
from nanoknow.evaluation.scores import Score
from nanoknow.experiments.learn_figure import plot_learned
from nanoknow.experiments.pipeline import Launch, PlannedRun, seeds_from
from nanoknow.experiments.side_by_side import several_runs
from nanoknow.experiments.table import TableRow, require_report, save_report, table_row
from nanoknow.facts.index import most_frequent_answer
from nanoknow.runs.folders import new_folder
from nanoknow.runs.lock import lock_run
from nanoknow.runs.run import Run
from nanoknow.system.plain import Result
from nanoknow.system.reporter import Reporter

PRETRAINED, SCRATCH = "pretrained, then finetuned", "finetuned from scratch"
FOLDERS = {PRETRAINED: "finetune", SCRATCH: "scratch"}


@dataclass(frozen=True, repr=False)
class LearnReport(Result):
    """The results of an experiment.

    Attributes:
        folder: holds the runs, in a folder for each seed.
        questions: the name of the evaluation questions.
        training_questions: how many of these are training questions too.
        is_world: whether all texts are the built-in world's.
        scores: on the evaluation questions, by way of training, one score for each seed.
        constant: the baseline that gives the most frequent training answer to every question.
        test_scores, test_constant: the same on the world's test questions; empty and None where
            there are none.
        seconds: how long this command took.
        picture: the file with accuracies and learning curves.
        table: every run on the evaluation questions and on the world's test questions.
        run: the pretrained and finetuned run of the first seed.
        replies: its answers to two evaluation questions, and to one about an invented subject
            where one can be made.
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
    run: str
    replies: list[Reply]

    @property
    def label(self) -> str:
        """A short name of the evaluation questions."""
        return "dev" if self.is_world else Path(self.questions).name

    @property
    def asked(self) -> dict[str, dict[str, list[Score]]]:
        """By short names of the questions, the scores of each way of training and the constant."""
        by_way = {self.label: {**self.scores, self.constant.name: [self.constant.score]}}
        if self.test_constant is not None:
            by_way["test"] = {**self.test_scores, self.constant.name: [self.test_constant.score]}
        return by_way


def learn(
    config: ExperimentConfig, launch: Launch, reporter: Reporter, name: str = "learn"
) -> LearnReport:
    """Finetune with and without pretraining, evaluate both, and compare with a constant answer.

    Args:
        config: its seed is the first one.
        launch: how to train the runs; by default with one seed, in a new folder.
        reporter: is notified of what happens.
        name: names the picture and the report in the folder.

    Raises:
        BusyError: another experiment uses the folder.
        ConfigError: a text is not named.
        DataError: a text cannot be read, or questions have no answers.
    """
    began = time.monotonic()
    texts = Texts.find(config.data)
    config = config.model_copy(update={"data": texts.config})
    texts.require_corpus()
    training = texts.require_questions().require_answers("learn", "--questions")
    asked = texts.require_eval().require_answers("score the answers by")
    test, seeds = texts.test, seeds_from(config.seed, launch.seeds or 1)
    folder = new_folder(launch.out, name)
    runs = [run for seed in seeds for run in _runs_of(config, folder, seed)]
    shown = next(run for run in runs if run.row == PRETRAINED)
    require_report(runs, folder / f"{name}.json", folder / f"{name}.png")
    table = []
    more = "" if launch.out else f" --out {shlex.quote(str(folder))}"
    # While the folder is locked, no other command takes one of its runs for the latest.
    with lock_run(folder), several_runs(runs, launch, folder, reporter, more) as options:
        for run in runs:
            first = run.train(options, reporter).seconds
            opened = AnsweringRun.open(run.place, DataConfig(), launch.device, reporter)
            if run is shown:
                replies = [ask(opened, text, 3, 0.0) for text in _examples(opened, asked)]
            for questions in [asked, test] if test else [asked]:
                score = score_answers(evaluate_on(opened, questions, reporter).answers)
                own = run.row, opened.run, opened.checkpoint
                table.append(table_row(*own, questions.name, score, first))
    said = most_frequent_answer(training.items)
    report = LearnReport(
        folder=str(folder),
        questions=asked.name,
        training_questions=sum(question.text in training.texts for question in asked.items),
        is_world=not any((config.data.corpus, config.data.questions, config.data.eval)),
        scores=_scores(table, asked),
        constant=constant_baseline(asked, said),
        test_scores=_scores(table, test) if test else {},
        test_constant=constant_baseline(test, said) if test else None,
        seconds=round(time.monotonic() - began, 1),
        picture=str(folder / f"{name}.png"),
        table=table,
        run=str(shown.place),
        replies=replies,
    )
    _plot(folder / f"seed-{config.seed}", report)
    save_report(folder / f"{name}.json", report, table)
    return report


def _runs_of(config: ExperimentConfig, folder: Path, seed: int) -> list[PlannedRun]:
    """Return a seed's two runs; the pretrained one is trained last, and so becomes the latest."""
    seeded, place = config.model_copy(update={"seed": seed}), folder / f"seed-{seed}"
    sources = {SCRATCH: None, PRETRAINED: (seeded, place / "pretrain")}
    return [PlannedRun(way, seeded, place / FOLDERS[way], start) for way, start in sources.items()]


def _examples(opened: AnsweringRun, asked: QuestionSet) -> list[str]:
    """Return two questions, and one about an invented subject where one can be made."""
    questions = list(opened.fitting(asked).items[:2])
    with suppress(DataError):
        maker = ProbeMaker.of(asked, opened.texts.require_corpus(), 1, Random(0))
        questions += maker.invented(1, Random(0)).items
    return [question.text for question in questions]


def _scores(table: Sequence[TableRow], questions: QuestionSet) -> dict[str, list[Score]]:
    rows = [row for row in table if row.questions == questions.name]
    return {name: [row.score for row in rows if row.row == name] for name in FOLDERS}


def _plot(first: Path, report: LearnReport) -> None:
    """Draw the accuracies of all seeds and the curves of the first."""

    def curve(run: str, kind: str, key: str) -> list[tuple[float, float]]:
        metrics = Run.open(first / run).metrics()
        found = [m for m in metrics if m["kind"] == kind and {"epoch", key} <= m.keys()]
        return [(float(m["epoch"]), float(m[key])) for m in found]

    losses = {"pretraining": curve("pretrain", "epoch", "loss")}
    accuracies = {name: curve(run, "accuracy", "accuracy") for name, run in FOLDERS.items()}
    plot_learned(Path(report.picture), report.asked, losses, accuracies)
