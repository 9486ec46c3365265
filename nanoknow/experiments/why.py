"""``nanoknow why``: find the documents that taught an answer, by training without them."""

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from statistics import mean

import torch

from nanoknow.data.questions import Question, QuestionSet
from nanoknow.errors import ConfigError, DataError
from nanoknow.evaluation.answering_run import AnsweringRun
from nanoknow.evaluation.influence import answer_losses, influences
from nanoknow.evaluation.scores import interval_of_mean
from nanoknow.experiments.pipeline import Launch, train_in_turn
from nanoknow.experiments.side_by_side import several_runs
from nanoknow.experiments.without import CONTROL, WITHOUT, others_than, plan_without
from nanoknow.facts.evidence import Evidence, find_evidence
from nanoknow.facts.index import FactIndex
from nanoknow.runs.folders import runs_folder
from nanoknow.system.draws import pick
from nanoknow.system.reporter import Reporter

TAUGHT, KNOWN, UNCLEAR = "taught by them", "known without them", "cannot tell"
TWICE = 2.0
"""Documents that make an answer more than this many times as probable have taught it."""
FLOOR = 1e-3
"""Probabilities below it are raised to it before they are compared."""
OTHERS, SHOWN = 200, 80
"""Other documents whose gradients are compared too; characters of a document to show."""


@dataclass(frozen=True)
class Influence:
    """A document, and how much a training step on it would change the answer.

    Attributes:
        where: ``file:line``.
        text: its beginning.
        is_own: whether it is about the question's subject.
        cosine: between its gradient and the answer's, from -1 to 1.
    """

    where: str
    text: str
    is_own: bool
    cosine: float


@dataclass(frozen=True)
class Explained:
    """An answer, and what is known of its origin.

    Attributes:
        answer: the run's greedy answer.
        probability: that the run gives it.
        evidence: what the documents about the subject say.
        without: its probability in each run that was trained without these documents.
        others: its probability in each run that was trained without as many other documents.
        times: how many times as probable the documents make it: geometric mean over the runs.
        interval_95: the 95 % interval of ``times``.
        verdict: ``TAUGHT``, ``KNOWN`` or ``UNCLEAR``; None where nothing was trained.
    """

    question: str
    answer: str
    probability: float
    evidence: Evidence
    without: list[float]
    others: list[float]
    times: float | None = None
    interval_95: tuple[float, float] | None = None
    verdict: str | None = None

    def judged(self) -> "Explained":
        """Return a copy with a verdict, by the 95 % interval of the mean log ratio of the runs."""
        if not self.without:
            return self
        logs = [
            math.log(max(other, FLOOR) / max(own, FLOOR))
            for own, other in zip(self.without, self.others, strict=True)
        ]
        interval, bound = interval_of_mean(logs), math.log(TWICE)
        if interval is None:
            return replace(self, times=math.exp(logs[0]), verdict=UNCLEAR)
        low, high = interval
        is_known = high < bound and mean(self.without) > FLOOR  # else no run gives this answer
        verdict = TAUGHT if low > bound else KNOWN if is_known else UNCLEAR
        times, both = math.exp((low + high) / 2), (math.exp(low), math.exp(high))
        return replace(self, times=times, interval_95=both, verdict=verdict)


@dataclass(frozen=True)
class WhyReport:
    """Why a run gives its answers.

    Attributes:
        run: the run that was asked.
        documents: ``file:line`` of the documents about the subjects.
        explained: the answer to each question.
        influences: for a single question: of its own documents and of some others, the largest
            absolute cosine first; empty for several questions.
        folder: holds the runs that were trained without documents; None without any.
    """

    run: Path
    documents: list[str]
    explained: list[Explained]
    influences: list[Influence]
    folder: Path | None


def why(opened: AnsweringRun, asked: QuestionSet, launch: Launch, reporter: Reporter) -> WhyReport:
    """Explain a run's answers.

    Args:
        opened: a run that was pretrained on documents.
        asked: the questions; the documents about all of their subjects are left out together.
        launch: how to train runs without these documents, one for each of its seeds, and as many
            runs without as many other documents; by default in a folder of these questions.
        reporter: is notified of what happens.

    Raises:
        ConfigError: the run was not pretrained.
        DataError: no document is about a question's subject, or the texts have changed.
    """
    facts, run = opened.facts, opened.run
    if facts is None:
        raise DataError(f"{run.path}: its training text is not available, or has changed")
    if run.record.stage == "scratch":
        raise ConfigError(f"{run.path}: was trained on no documents: name a run that was")
    about = {question.text: facts.indices_about(question.text) for question in asked.items}
    if missing := [q.line for q in asked.items if not about[q.text]]:
        what = "no document of the training text is about its subject: ask about another"
        raise DataError(f"{asked.name}:{missing[0]}: {what}")
    own = sorted({document for found in about.values() for document in found})
    answers = opened.answer_questions(opened.task(asked))
    items = (Question(a.question, (a.answer,), 1) for a in answers)
    given = replace(asked, items=tuple(items))
    strongest = _influences(opened, facts, given, own) if len(answers) == 1 else []
    found: dict[str, dict[int, list[float]]] = {WITHOUT: {}, CONTROL: {}}
    folder = None
    if launch.seeds:
        folder = launch.out or _folder(run.path, asked)
        planned = plan_without(run, facts.corpus, own, launch.seeds, folder)
        with several_runs(planned, launch, folder, reporter) as options:
            for each, _ in train_in_turn(planned, options, reporter):
                trained = AnsweringRun.open(each.place, None, launch.device, reporter)
                found[each.row][each.config.seed] = _probabilities(trained, given)
    seeds = sorted(found[WITHOUT].keys() & found[CONTROL].keys())
    explained = [
        Explained(
            question=a.question,
            answer=a.answer,
            probability=a.confidence,
            evidence=find_evidence(facts, a.question, a.answer),
            without=[found[WITHOUT][seed][i] for seed in seeds],
            others=[found[CONTROL][seed][i] for seed in seeds],
        ).judged()
        for i, a in enumerate(answers)
    ]
    return WhyReport(run.path, [*map(facts.corpus.where, own)], explained, strongest, folder)


def _influences(
    opened: AnsweringRun, facts: FactIndex, given: QuestionSet, own: Sequence[int]
) -> list[Influence]:
    """Return the influences of a question's documents and some others, the strongest first."""
    corpus, seed = facts.corpus, opened.run.config.seed
    compared = [*own, *pick(others_than(corpus, own), OTHERS, Random(f"{seed} compared"))]
    found = influences(opened, opened.task(given), compared)
    return [
        Influence(corpus.where(i), corpus.documents[i][:SHOWN], i in own, found[i])
        for i in sorted(found, key=lambda i: -abs(found[i]))
    ]


def _probabilities(trained: AnsweringRun, given: QuestionSet) -> list[float]:
    """Return the probability that another run gives to each of the answers in ``given``."""
    with torch.no_grad():
        losses = answer_losses(trained, trained.task(given))
    unknown = [trained.tokenizer.unknown(q.answer or "") for q in given.items]
    return [
        0.0 if missing else math.exp(-float(loss))
        for loss, missing in zip(losses, unknown, strict=True)
    ]


def _folder(run: Path, asked: QuestionSet) -> Path:
    """Return the default folder for a run and some questions: the same one each time."""
    which = "\n".join([str(run.resolve()), *(question.text for question in asked.items)])
    return runs_folder() / f"why-{hashlib.sha256(which.encode()).hexdigest()[:8]}"
