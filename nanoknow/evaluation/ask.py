"""``nanoknow ask``: one question, its most probable answers, and the evidence for them."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from nanoknow.data.questions import clean
from nanoknow.data.tokenizer import describe
from nanoknow.errors import DataError
from nanoknow.evaluation.answering_run import AnsweringRun
from nanoknow.facts.evidence import Evidence, find_evidence
from nanoknow.generation.beam import search_beams
from nanoknow.system.plain import Result
from nanoknow.tasks.question_answering import answer_text

MADE_UP, GUESS = "probably made up", "perhaps a guess"
"""How a doubt begins: with evidence against the answer, or only a low probability."""
EVEN = 0.5
"""Below this probability of an answer, all others together are more probable."""


@dataclass(frozen=True)
class RankedAnswer:
    """An answer with the probability that the model gives to it, its stop included.

    Attributes:
        is_whole: False where the limit cut it off: its probability is then that of all answers
            that begin so.
    """

    answer: str
    log_probability: float
    is_whole: bool
    JSON: ClassVar[tuple[str, ...]] = ("answer", "probability", "log_probability", "is_whole")

    @property
    def probability(self) -> float:
        """From 0 to 1."""
        return math.exp(self.log_probability)


@dataclass(frozen=True)
class AskedInTraining:
    """A training question in the same words: its ``file:line`` and its answer."""

    where: str
    answer: str | None


@dataclass(frozen=True, repr=False)
class Reply(Result):
    """What a model answers to a question.

    Attributes:
        answers: the most probable first.
        is_exact: whether no answer that the search missed can be more probable than these.
        abstained: whether the first is too improbable to be given.
        evidence: what the training text says; None where it is not available.
        asked_in_training: the same question in training; None where it was not asked.
        doubt: why the answer may be wrong; None without a reason.
        notes: what was left out, and what is unusual.
    """

    question: str
    answers: list[RankedAnswer]
    is_exact: bool
    abstained: bool
    evidence: Evidence | None
    asked_in_training: AskedInTraining | None
    doubt: str | None
    notes: list[str]
    JSON: ClassVar[tuple[str, ...]] = (
        "question", "answer", "probability", "abstained", "answers", "is_exact", "evidence",
        "asked_in_training", "doubt", "notes",
    )  # fmt: skip

    @property
    def answer(self) -> str | None:
        """The most probable answer; None where the model abstained."""
        return None if self.abstained else self.answers[0].answer

    @property
    def probability(self) -> float:
        """Of the most probable answer, from 0 to 1, even if the model abstained."""
        return self.answers[0].probability


def ask(opened: AnsweringRun, question: str, n_best: int, abstain_below: float) -> Reply:
    """Answer one question, in any wording.

    Args:
        opened: a finetuned run.
        question: characters that the vocabulary does not hold are left out.
        n_best: how many answers to return.
        abstain_below: the least probability with which an answer is given.

    Raises:
        DataError: it is empty, longer than the block, or carries an answer after a tab.
    """
    question = clean(question)
    if not question:
        raise DataError("an empty question: ask something")
    if "\t" in question:
        advice = "ask it without its answer, or name its file to 'nanoknow evaluate --eval FILE'"
        raise DataError(f"a question with a tab in it: {advice}")
    prompt = opened.prompt(question)
    stop, limit = opened.tokenizer.mask_id, opened.max_answer_length
    beam = search_beams(opened.model, prompt, stop, limit, n_best)
    found = [(answer_text(opened.tokenizer, each.ids), each) for each in beam.answers]
    answers = [RankedAnswer(text, d.log_probability, d.ids[-1] == stop) for text, d in found]
    best = answers[0]
    evidence = find_evidence(opened.facts, question, best.answer) if opened.facts else None
    asked = _asked_in_training(opened, question)
    return Reply(
        question=question,
        answers=answers,
        is_exact=beam.is_exact,
        abstained=best.probability < abstain_below,
        evidence=evidence,
        asked_in_training=asked,
        doubt=_doubt(best, evidence, asked.answer if asked else None),
        notes=list(_notes(opened, question, best.answer)),
    )


def _asked_in_training(opened: AnsweringRun, question: str) -> AskedInTraining | None:
    training = opened.facts.training if opened.facts else None
    if training is None or question not in training.texts:
        return None
    last = [item for item in training.items if item.text == question][-1]
    return AskedInTraining(f"{training.name}:{last.line}", last.answer)


def _notes(opened: AnsweringRun, question: str, best: str) -> Iterator[str]:
    if unknown := opened.tokenizer.unknown(question):
        yield f"left out, as the run's vocabulary lacks it: {describe(unknown)}"
    forms = list(opened.facts.templates) if opened.facts else []  # the most frequent first
    if forms and not any(form.name_in(question) for form in forms):
        usual = forms[0].ask("…")
        yield f"asked in another form than the training questions ({usual})"
    if (greedy := opened.answer(question)) != best:
        yield f"decoded greedily, as 'evaluate' does, it says {greedy!r}"


def _doubt(best: RankedAnswer, evidence: Evidence | None, trained: str | None) -> str | None:
    """Say in a line why an answer may be wrong."""
    reasons = []
    if evidence and not evidence.holds and trained != best.answer:
        about = f"the document about {evidence.name} does not hold it"
        nothing = "no document of the training text is about a subject that the question names"
        reasons.append(about if evidence.documents else nothing)
        if not evidence.mentioned:
            reasons.append("it is nowhere in the training text")
    doubt = MADE_UP if reasons else GUESS
    if best.probability < EVEN:
        reasons.append("the model itself gives other answers together a higher probability")
    return f"{doubt}: {', and '.join(reasons)}" if reasons else None
