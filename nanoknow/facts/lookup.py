"""An open-book baseline: find the person's document, and take the first known answer in it."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from nanoknow.facts.index import FactIndex


@dataclass(frozen=True)
class LookUp:
    """Answers from the person's own documents, with no model.

    A document is the person's if its name, the text before its first ``". "``, is in the
    question. Its answer is the earliest training answer in it, name included, the longest of
    those that start together. Of several documents the answer that most of them give counts, the
    last of these among equals.
    """

    facts: FactIndex

    def answer(self, question: str) -> str | None:
        """Return the answer to a question; None where no document holds one."""
        documents = self.facts.documents_about(question, exact=True)
        found = Counter(filter(None, map(self.first_answer, reversed(documents))))
        return max(found, key=lambda answer: found[answer]) if found else None

    def answers(self, questions: Iterable[str]) -> list[str | None]:
        """Return the answer to each of some questions."""
        return [self.answer(question) for question in questions]

    def first_answer(self, document: str) -> str | None:
        """Return the earliest training answer in a document."""
        for start, character in enumerate(document):
            for answer in self._by_first_character.get(character, ()):
                if document.startswith(answer, start):
                    return answer
        return None

    @cached_property
    def _by_first_character(self) -> dict[str, list[str]]:
        """The training answers, the longest first."""
        found: dict[str, list[str]] = {}
        for answer in sorted(self.facts.answer_counts, key=len, reverse=True):
            found.setdefault(answer[0], []).append(answer)
        return found
