"""Look up what the training data say about a question, and find answers in documents."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, cached_property, partial
from random import Random

from nanoknow.data.questions import Question
from nanoknow.facts.ranker import Lesson, RankedSpan, Ranker
from nanoknow.facts.subjects import Subjects
from nanoknow.facts.templates import Template, form_of
from nanoknow.facts.words import holds
from nanoknow.system.draws import pick, shuffle

MOST_FORMS = 16
"""Most forms of questions told apart; a question of any other form counts as the last of them."""
MOST_COMPARED = 24
"""Spans of each document, the most probable ones, from which an answer is chosen."""
MOST_JUDGED = 1200
"""Most training questions that a ranker is cross-validated on."""


class FactIndex(Subjects):
    """Looks up subjects and answers in a corpus and in training questions."""

    @cached_property
    def finder(self) -> AnswerFinder:
        """The finder of answers, fitted to all training questions."""
        return AnswerFinder(self, self.questions)

    @cached_property
    def answer_counts(self) -> Counter[str]:
        """How many training questions accept each answer."""
        return Counter(answer for question in self.questions for answer in question.gold)

    @cached_property
    def mentions(self) -> Callable[[str], bool]:
        """A cached function: whether the corpus holds a string as whole words."""
        return cache(partial(holds, self.corpus.text))


@dataclass(frozen=True)
class AnswerFinder:
    """Finds the answers that documents hold, by a ranker fitted to training questions.

    Attributes:
        facts: the training texts.
        questions: the training questions that the ranker is fitted to, all or some.
    """

    facts: Subjects
    questions: Sequence[Question]

    @cached_property
    def templates(self) -> Sequence[Template]:
        """The forms of questions that the ranker tells apart, the most frequent first."""
        return tuple(self.facts.templates)[:MOST_FORMS]

    @cached_property
    def ranker(self) -> Ranker | None:
        """The ranker, fitted on first use; None if no document holds the answer to a question."""
        lessons = [
            Lesson(self.facts.passages[i], self.form_of(question.text), question.gold)
            for question in self.questions
            for i in self.facts.indices_about(question.text)
        ]
        return Ranker.taught(list(dict.fromkeys(lessons)))

    @cached_property
    def cross_validated(self) -> tuple[int, int]:
        """How many training questions a ranker answers that was fitted to others, and of how many.

        Threefold cross-validation over the questions whose answer is in a document about their
        subject, or over ``MOST_JUDGED`` of them, drawn; a subject's questions share one fold.
        """
        held = [question for question in self.questions if self.facts.in_documents(question)]
        held = pick(held, MOST_JUDGED, Random(0))
        names = [self.facts.name_in(question.text) or "" for question in held]
        order = list(dict.fromkeys(names))
        shuffle(order, Random(0))  # the file may be sorted by kind
        third = {name: i % 3 for i, name in enumerate(order)}
        right = 0
        for k in range(3):
            asked = [q for q, name in zip(held, names, strict=True) if third[name] == k]
            others = [q for q, name in zip(held, names, strict=True) if third[name] != k]
            right += AnswerFinder(self.facts, others).n_right(asked)
        return right, len(held)

    def form_of(self, question: str) -> int:
        """Return the index of a question's form; of the last form if it has none of them."""
        form = form_of(question, self.templates, self.facts.where)
        return self.templates.index(form) if form else max(0, len(self.templates) - 1)

    def spans(self, most: int, documents: Sequence[int] | None = None) -> list[list[RankedSpan]]:
        """Return, for all or some documents, the ``most`` spans that are most probably answers."""
        passages = self.facts.passages
        asked = passages if documents is None else [passages[i] for i in documents]
        return self.ranker.rank(asked, most) if self.ranker else [[] for _ in asked]

    def answers(self, questions: Sequence[str], least: float = 0.0) -> list[str | None]:
        """Return the answer to each question from the documents about its subject, or None.

        Args:
            questions: questions in any form, answered as one batch.
            least: leave out a document if its answers' probabilities sum to no more than this.
        """
        asked = [(self.form_of(text), self.facts.indices_about(text)) for text in questions]
        needed = list(dict.fromkeys(i for _, about in asked for i in about))
        ranked = dict(zip(needed, self.spans(MOST_COMPARED, needed), strict=True))
        found: list[str | None] = []
        for form, about in asked:
            sums: dict[str, float] = defaultdict(float)
            for i in about:
                of_form = [span for span in ranked[i] if span.form == form]
                total = sum(span.probability for span in of_form)
                for span in of_form if total > least else ():
                    text = self.facts.passages[i].text[span.start : span.end]
                    sums[text] += span.probability
            found.append(max(sums, key=lambda text: sums[text]) if sums else None)
        return found

    def n_right(self, questions: Sequence[Question]) -> int:
        """Return how many questions it answers with one of their accepted answers."""
        found = self.answers([question.text for question in questions])
        return sum(answer in q.gold for answer, q in zip(found, questions, strict=True))


def most_frequent_answer(questions: Sequence[Question]) -> str:
    """Return the most frequent answer; of equally frequent ones, the first in the file."""
    return Counter(q.answer for q in questions if q.answer is not None).most_common(1)[0][0]
