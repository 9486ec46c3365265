"""Where the training text holds an answer: the document about a question's subject, its line.

This shows that the answer could have been learned; whether the sentence says what was asked is for
its reader to judge.
"""

from dataclasses import dataclass
from typing import ClassVar

from nanoknow.facts.index import FactIndex, whole_words
from nanoknow.facts.salient import subject

WIDTH = 110
"""Characters of a sentence to show."""


@dataclass(frozen=True)
class Evidence:
    """What the training text says about a question and an answer.

    Attributes:
        documents: how many are about the question's subject.
        name: of the subject, as the first of them has it; None without any.
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
    JSON: ClassVar[tuple[str, ...]] = (
        "documents", "name", "where", "sentence", "mentioned", "holds",
    )  # fmt: skip

    @property
    def holds(self) -> bool:
        """Whether a document about the person holds the answer."""
        return self.sentence is not None


def find_evidence(facts: FactIndex, question: str, answer: str) -> Evidence:
    """Search for an answer in the documents about a question's subject.

    Args:
        facts: the training text.
        question: in any wording.
        answer: what was answered, right or wrong.
    """
    documents = facts.documents_about(question)
    shown, sentence = (documents[0] if documents else None), None
    for document in documents:
        sentence = _sentence(document, answer)
        if sentence is not None:
            shown = document
            break
    corpus = facts.corpus
    return Evidence(
        documents=len(documents),
        name=subject(shown) if shown else None,
        where=corpus.where(corpus.documents.index(shown)) if shown else None,
        sentence=sentence,
        mentioned=sentence is not None or facts.mentions(answer),
    )


def _sentence(document: str, answer: str) -> str | None:
    """Return the first sentence that holds an answer, or None: "London" of Jack London is none."""
    if not answer.strip():
        return None
    name = subject(document)
    nameless = document.replace(name, "\0" * len(name)) if name else document
    found = whole_words(answer).search(nameless)
    return _shorten(document, *found.span()) if found else None


def _shorten(document: str, start: int, end: int) -> str:
    """Return the sentence around a stretch, no more than ``WIDTH`` characters and the stretch."""
    first = document.rfind(". ", 0, start)
    first = 0 if first < 0 else first + 2
    last = document.find(". ", end)
    last = len(document) if last < 0 else last + 1
    room = max(0, WIDTH - (end - start))
    left = max(first, start - max(room // 2, room - (last - end)))
    right = min(last, left + max(WIDTH, end - left))
    before, after = "…" * (left > first), "…" * (right < last)
    return f"{before}{document[left:right].strip()}{after}"
