"""Find the line of the training text that holds an answer, in a document about the subject.

This shows that the answer could have been learned; whether the sentence says what was asked is for
its reader to judge.
"""

from dataclasses import dataclass
from typing import ClassVar

from nanoknow.facts.index import FactIndex
from nanoknow.facts.words import find_answer

WIDTH = 110
"""Characters of a sentence that are shown; more only if the answer itself is longer."""


@dataclass(frozen=True)
class Evidence:
    """What the training text says about a question and an answer.

    Attributes:
        documents: how many documents are about the question's subject.
        name: the subject, as the question spells it; None if no document is about it.
        where: ``file:line`` of the first of these documents that holds the answer, else of the
            first of all; None if there is none.
        sentence: the sentence around the answer, shortened; None if none of the documents holds
            the answer as whole words outside the subject's name.
        mentioned: whether the answer occurs anywhere in the training text, as whole words.
    """

    documents: int
    name: str | None
    where: str | None
    sentence: str | None
    mentioned: bool
    JSON: ClassVar = ("documents", "name", "where", "sentence", "mentioned", "holds")

    @property
    def holds(self) -> bool:
        """Whether a document about the subject holds the answer."""
        return self.sentence is not None


def find_evidence(facts: FactIndex, question: str, answer: str) -> Evidence:
    """Search for an answer in the documents about a question's subject.

    Args:
        facts: the training text.
        question: a question in any wording.
        answer: the answer given, right or wrong.
    """
    about, name = facts.indices_about(question), facts.name_in(question)
    shown, sentence = (about[0] if about else None), None
    for i in about:
        document = facts.corpus.documents[i]
        if span := find_answer(document, name or "", answer):
            shown, sentence = i, _shorten(document, *span)
            break
    return Evidence(
        documents=len(about),
        name=name if about else None,
        where=None if shown is None else facts.corpus.where(shown),
        sentence=sentence,
        mentioned=sentence is not None or facts.mentions(answer),
    )


def _shorten(document: str, start: int, end: int) -> str:
    """Return the sentence around a span, cut to ``WIDTH`` characters, or to the span if longer."""
    first = start - len(document[:start].rpartition(". ")[2])
    last = min(len(document), end + len(document[end:].partition(". ")[0]) + 1)
    room = max(0, WIDTH - (end - start))
    left = max(first, start - max(room // 2, room - (last - end)))
    right = min(last, left + max(WIDTH, end - left))
    before, after = "…" * (left > first), "…" * (right < last)
    return f"{before}{document[left:right].strip()}{after}"
