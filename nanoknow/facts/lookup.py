"""An open-book baseline: find the subject's document, and take the first known answer in it."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from nanoknow.facts.index import FactIndex
from nanoknow.facts.words import stands_at, without_name


@dataclass(frozen=True)
class LookUp:
    """Answers from the subject's own documents, with no model.

    A document's answer is the earliest training answer in it, as whole words and outside the
    subject's name, the longest of those that start together. Of several documents the answer that
    most of them give counts, the last of these among equals.
    """

    facts: FactIndex

    def answer(self, question: str) -> str | None:
        """Return the answer to a question; None where no document holds one."""
        name = self.facts.name_in(question) or ""
        documents = reversed(self.facts.documents_about(question))
        found = Counter(filter(None, (self.first_answer(each, name) for each in documents)))
        return max(found, key=lambda answer: found[answer]) if found else None

    def answers(self, questions: Iterable[str]) -> list[str | None]:
        """Return the answer to each of some questions."""
        return [self.answer(question) for question in questions]

    def first_answer(self, document: str, name: str) -> str | None:
        """Return the earliest training answer in a document about a name."""
        text = without_name(document, name)
        for start, character in enumerate(text):
            for answer in self._by_first_character.get(character, ()):
                if stands_at(text, answer, start):
                    return answer
        return None

    @cached_property
    def _by_first_character(self) -> dict[str, list[str]]:
        """The training answers, the longest first."""
        found: dict[str, list[str]] = {}
        for answer in sorted(self.facts.answer_counts, key=len, reverse=True):
            found.setdefault(answer[0], []).append(answer)
        return found
