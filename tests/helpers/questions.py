"""Questions about where people were born, what training texts say of them, and answers."""

from collections.abc import Iterable
from math import log

from nanoknow.data.questions import QuestionSet, questions_from_bytes
from nanoknow.evaluation.answers import Answer
from nanoknow.facts.index import FactIndex
from tests.helpers.texts import corpus_of


def born(name: str) -> str:
    return f"Where was {name} born?"


def questions_of(*lines: str) -> QuestionSet:
    """Return the questions of these lines of a file."""
    return questions_from_bytes("\n".join(lines).encode(), "q.tsv")


def asked(*people: tuple[str, str]) -> QuestionSet:
    """Return questions about people and where they were born."""
    return questions_of(*(f"{born(name)}\t{place}" for name, place in people))


def facts_of(documents: Iterable[str], training: QuestionSet | None = None) -> FactIndex:
    return FactIndex(corpus_of("\n".join(documents)), training)


def said(
    answer: str,
    *gold: str,
    question: str = "Where?",
    confidence: float = 0.5,
    verdict: str | None = None,
    in_document: bool | None = None,
    seen: bool | None = None,
) -> Answer:
    """Return an answer to a question with these accepted answers."""
    return Answer(question, gold, answer, log(confidence), verdict, in_document, seen, "")
