"""Where the training text holds an answer: the document about a question's subject, its line.

This shows that the answer could have been learned; whether the sentence says what was asked is for
its reader to judge.
"""

from dataclasses import dataclass
from typing import ClassVar

from nanoknow.facts.index import FactIndex
from nanoknow.facts.words import find_answer

WIDTH = 110
"""Characters of a sentence to show."""


@dataclass(frozen=True)
class Evidence:
    """What the training text says about a question and an answer.

    Attributes:
        documents: how many are about the question's subject.
        name: of the subject, as the question has it; None without any.
        where: ``file:line`` of the document that holds the answer, else of the first; None
            without any.
        sentence: around the answer, shortened; None where none of the documents holds it as
            whole words outside the name itself.
        mentioned: whether the answer is anywhere in the text, as whole words.
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
        question: in any wording.
        answer: what was answered, right or wrong.
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
    """Return the sentence around a stretch, no more than ``WIDTH`` characters and the stretch."""
    first = start - len(document[:start].rpartition(". ")[2])
    last = min(len(document), end + len(document[end:].partition(". ")[0]) + 1)
    room = max(0, WIDTH - (end - start))
    left = max(first, start - max(room // 2, room - (last - end)))
    right = min(last, left + max(WIDTH, end - left))
    before, after = "…" * (left > first), "…" * (right < last)
    return f"{before}{document[left:right].strip()}{after}"
