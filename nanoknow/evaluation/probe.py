"""Asking a run what tells knowing from guessing: training questions, other words, strangers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from nanoknow.data.questions import Question, QuestionSet
from nanoknow.errors import DataError
from nanoknow.evaluation.answering_run import AnsweringRun
from nanoknow.evaluation.answers import Answer
from nanoknow.evaluation.probes import Probe, ProbeMaker
from nanoknow.evaluation.probing import (
    InventedPeople,
    ProbeResult,
    fitting,
    judge_invented,
    judge_probe,
)
from nanoknow.system.draws import pick
from nanoknow.system.reporter import Reporter
from nanoknow.system.seeds import derive_seed

MOST = 500
"""Training questions and people that are asked about; of more, so many are drawn."""


@dataclass(frozen=True)
class Probed:
    """What the probes gave.

    Attributes:
        recalled: answers to training questions; empty where these are not at hand.
        rewordings, misspelt, invented: empty and None where nobody is named in the questions.
        people: the name in each training and evaluation question, where it is known.
    """

    recalled: list[Answer]
    rewordings: list[ProbeResult]
    misspelt: ProbeResult | None
    invented: InventedPeople | None
    people: dict[str, str]


def probe(
    opened: AnsweringRun,
    questions: QuestionSet,
    answers: Sequence[Answer],
    threshold: float | None,
    seed: int,
    reporter: Reporter,
) -> Probed:
    """Ask a run its training questions again, and every probe of some questions.

    Args:
        opened: is asked; everything is decoded together.
        questions: evaluation questions.
        answers: the run's answers to them.
        threshold: the confidence from which on these reach the target accuracy.
        seed: of all draws.
        reporter: is notified what cannot be asked.
    """
    facts, maker = opened.facts, None
    if facts is not None:
        try:
            drawn = Random(derive_seed(seed, "people"))
            maker = ProbeMaker.of(questions, facts.corpus, MOST, drawn)
        except DataError as error:
            reporter.note(f"no probes: {error}")
    training = opened.training.items if opened.training else ()
    sample = pick(training, MOST, Random(derive_seed(seed, "recall")))
    rewordings: list[Probe] = []
    others: list[Probe] = []
    if maker is not None:
        rewordings = maker.rewordings()
        n = min(MOST, len(questions.items))
        others = [
            maker.misspelt(Random(derive_seed(seed, "misspelt"))),
            maker.invented(n, Random(derive_seed(seed, "invented"))),
        ]
    again = Probe("training questions", tuple(sample))
    probes = [
        fitting(made, opened.tokenizer, opened.model.config.block_size)
        for made in (again, *rewordings, *others)
    ]
    recalled, *found = _ask_together(opened, [made.questions for made in probes])
    pairs = list(zip(probes[1:], found, strict=True))
    judged = [judge_probe(made, said, answers) for made, said in pairs if made.sources]
    strangers = found[-1] if maker is not None else []
    return Probed(
        recalled=recalled,
        rewordings=judged[: len(rewordings)],
        misspelt=next(iter(judged[len(rewordings) :]), None),
        invented=(
            judge_invented(strangers, answers, facts, threshold) if strangers and facts else None
        ),
        people=_people(maker, [*training, *questions.items]) if maker else {},
    )


def _ask_together(opened: AnsweringRun, parts: Sequence[Sequence[Question]]) -> list[list[Answer]]:
    items = tuple(question for part in parts for question in part)
    answers = iter(opened.answer_questions(QuestionSet("probes", items, "")) if items else ())
    return [[next(answers) for _ in part] for part in parts]


def _people(maker: ProbeMaker, questions: Sequence[Question]) -> dict[str, str]:
    named = ((q.text, maker.template.name_in(q.text)) for q in questions)
    return {text: name for text, name in named if name}
