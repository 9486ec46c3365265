"""What the training data say about a question."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

from nanoknow.data.questions import Question
from nanoknow.facts.finder import AnswerFinder
from nanoknow.facts.subjects import Subjects
from nanoknow.facts.words import holds


@dataclass(frozen=True)
class FactIndex(Subjects):
    """Looks up subjects and answers in a corpus and in training questions."""

    _mentioned: dict[str, bool] = field(default_factory=dict)

    @cached_property
    def finder(self) -> AnswerFinder:
        """Finds answers in documents, taught by all training questions."""
        return AnswerFinder.of(self)

    @cached_property
    def answer_counts(self) -> Counter[str]:
        """How many training questions accept each answer."""
        return Counter(answer for question in self.questions for answer in question.gold)

    def mentions(self, text: str) -> bool:
        """Whether a string is in the corpus, as whole words."""
        if text not in self._mentioned:
            self._mentioned[text] = holds(self.corpus.text, text)
        return self._mentioned[text]


def most_frequent_answer(questions: Sequence[Question]) -> str:
    """Return the answer that most questions have; the first in the file among equals."""
    counts = Counter(q.answer for q in questions if q.answer is not None)
    return max(counts, key=lambda answer: counts[answer])
