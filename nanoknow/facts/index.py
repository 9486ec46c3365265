"""What the training data say about a question, and which answers documents hold."""

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
"""Forms of questions that are kept apart; what has another form is left to the last of them."""
MOST_COMPARED = 24
"""Spans of a document, the most probable ones, that are compared for an answer."""
MOST_JUDGED = 1200
"""Questions by which a ranker is judged."""


class FactIndex(Subjects):
    """Looks up subjects and answers in a corpus and in training questions."""

    @cached_property
    def finder(self) -> AnswerFinder:
        """Finds answers in documents, taught by all training questions."""
        return AnswerFinder(self, self.questions)

    @cached_property
    def answer_counts(self) -> Counter[str]:
        """How many training questions accept each answer."""
        return Counter(answer for question in self.questions for answer in question.gold)

    @cached_property
    def mentions(self) -> Callable[[str], bool]:
        """Whether a string is in the corpus, as whole words; each is searched for once."""
        return cache(partial(holds, self.corpus.text))


@dataclass(frozen=True)
class AnswerFinder:
    """Finds the answers that documents hold, by a ranker that questions have taught.

    Attributes:
        facts: the training texts.
        questions: those that teach; some of the training questions, or all.
    """

    facts: Subjects
    questions: Sequence[Question]

    @cached_property
    def templates(self) -> Sequence[Template]:
        """The forms of questions that the ranker tells apart."""
        return tuple(self.facts.templates)[:MOST_FORMS]

    @cached_property
    def ranker(self) -> Ranker | None:
        """Taught when it is first needed; None where no document holds the answer of a question."""
        lessons = [
            Lesson(self.facts.passages[i], self.form_of(question.text), question.gold)
            for question in self.questions
            for i in self.facts.indices_about(question.text)
        ]
        return Ranker.taught(list(dict.fromkeys(lessons)))

    @cached_property
    def cross_validated(self) -> tuple[int, int]:
        """How many training questions a ranker answers that was taught by others, and of how many.

        Of the questions whose answer is in a document about their subject, in thirds; a subject's
        questions are all in one. Of more than ``MOST_JUDGED``, so many.
        """
        held = [question for question in self.questions if self.facts.in_documents(question)]
        held = pick(held, MOST_JUDGED, Random(0))
        names = [self.facts.name_in(question.text) or "" for question in held]
        order = list(dict.fromkeys(names))
        shuffle(order, Random(0))  # or a third could be of one kind
        third = {name: i % 3 for i, name in enumerate(order)}
        right = 0
        for k in range(3):
            asked = [q for q, name in zip(held, names, strict=True) if third[name] == k]
            others = [q for q, name in zip(held, names, strict=True) if third[name] != k]
            right += AnswerFinder(self.facts, others).n_right(asked)
        return right, len(held)

    def form_of(self, question: str) -> int:
        """Return which of the forms a question has; the last for any other."""
        form = form_of(question, self.templates, self.facts.where)
        return self.templates.index(form) if form else max(0, len(self.templates) - 1)

    def spans(self, most: int, documents: Sequence[int] | None = None) -> list[list[RankedSpan]]:
        """Return the spans of all or some documents that are most probably answers."""
        passages = self.facts.passages
        asked = passages if documents is None else [passages[i] for i in documents]
        return self.ranker.rank(asked, most) if self.ranker else [[] for _ in asked]

    def answers(self, questions: Sequence[str], least: float = 0.0) -> list[str | None]:
        """Return what the documents about its subject answer to each question, together.

        Args:
            questions: in any form.
            least: of a document's answers, to leave out those whose probabilities sum to no more.
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
        """Return how many questions with answers it answers, as one of these."""
        found = self.answers([question.text for question in questions])
        return sum(answer in q.gold for answer, q in zip(found, questions, strict=True))


def most_frequent_answer(questions: Sequence[Question]) -> str:
    """Return the answer that most questions have; the first in the file among equals."""
    return Counter(q.answer for q in questions if q.answer is not None).most_common(1)[0][0]
