"""Whom or what each document is about, and which of its spans are worth hiding."""

from collections.abc import Sequence
from dataclasses import dataclass

from nanoknow.data.questions import Question
from nanoknow.facts.index import FactIndex
from nanoknow.facts.ranker import Lesson, RankedSpan, Ranker
from nanoknow.facts.salient import subject
from nanoknow.facts.spans import Passage
from nanoknow.facts.templates import Template, form_of
from nanoknow.facts.words import find_whole

MOST_FORMS = 8
"""Forms of questions that are told apart; what has another form is left to the last of them."""
MOST_COMPARED = 24
"""Spans of a document, the most probable ones, that are compared for an answer."""
MOST_JUDGED = 1200
"""Questions by which a ranker is judged."""
LEAST, MOST_LESSONS = 5, 1000
"""Documents with a known subject from which others' subjects can be learned, and are."""


def find_passages(facts: FactIndex) -> list[Passage]:
    """Return every document with its subject.

    By its ``name`` column; or as the training questions name it; of a document that no question
    is about, as a ranker finds it that is taught by those; without questions, what it begins with
    up to a full stop.
    """
    if not facts.passages:
        facts.passages.extend(_passages(facts))
    return facts.passages


def find_names(facts: FactIndex) -> Sequence[str]:
    """Return the name of each document's subject, as its column or the text has it, or empty."""
    return facts.corpus.names or [passage.name for passage in find_passages(facts)]


def _passages(facts: FactIndex) -> list[Passage]:
    documents, names = facts.corpus.documents, facts.corpus.names
    if names is not None:
        return [_holding(*pair) for pair in zip(documents, names, strict=True)]
    known: dict[int, Passage] = {}
    for question in facts.training.items if facts.training else ():
        name = facts.name_in(question.text) or ""
        for i in facts.named(name) if name else ():
            known.setdefault(i, _holding(documents[i], name))
    if len(known) < LEAST:
        return [known.get(i) or Passage(d, (0, len(subject(d)))) for i, d in enumerate(documents)]
    lessons = [
        Lesson(Passage(passage.text, (0, 0)), 0, (passage.name,))
        for passage in tuple(known.values())[:: -(-len(known) // MOST_LESSONS)]
    ]
    ranker = Ranker.taught(lessons)
    unknown = [i for i in range(len(documents)) if i not in known]
    ranked = ranker.rank([Passage(documents[i], (0, 0)) for i in unknown], 1) if ranker else []
    for i, spans in zip(unknown, ranked, strict=False):
        name = documents[i][spans[0].start : spans[0].end] if spans else ""
        known[i] = _holding(documents[i], name)
    return [known.get(i) or Passage(d, (0, 0)) for i, d in enumerate(documents)]


def _holding(document: str, name: str) -> Passage:
    """Return a document with the first stretch of it that is the name, if need be in any case."""
    span = next(find_whole(name, document), None)
    if span is None and len(folded := document.casefold()) == len(document):
        span = next(find_whole(name.casefold(), folded), None)
    return Passage(document, span or (0, 0))


@dataclass(frozen=True)
class AnswerFinder:
    """Finds the answers that documents hold, by a ranker that training questions have taught.

    Attributes:
        facts: the training texts.
        passages: every document with its subject.
        templates: the forms of questions that the ranker tells apart.
        ranker: None where no document holds the answer of a training question.
    """

    facts: FactIndex
    passages: Sequence[Passage]
    templates: Sequence[Template]
    ranker: Ranker | None

    @classmethod
    def taught(cls, facts: FactIndex, questions: Sequence[Question]) -> "AnswerFinder":
        """Teach a ranker by some of the training questions."""
        passages = find_passages(facts)
        templates = tuple(facts.templates)[:MOST_FORMS]
        finder = cls(facts, passages, templates, None)
        return finder.retaught(questions)

    def retaught(self, questions: Sequence[Question]) -> "AnswerFinder":
        """Return the same with a ranker that is taught by other questions."""
        lessons = [
            Lesson(self.passages[i], self.form_of(question.text), question.gold)
            for question in questions
            for i in self.facts.indices_about(question.text)
        ]
        ranker = Ranker.taught(list(dict.fromkeys(lessons)))
        return AnswerFinder(self.facts, self.passages, self.templates, ranker)

    def cross_validated(self, questions: Sequence[Question]) -> tuple[int, int]:
        """Return how many questions a ranker answers that was taught by others, and of how many.

        Of the questions whose answer is in a document about their subject, in thirds; a subject's
        questions are all in one. Of more than ``MOST_JUDGED``, every so many.
        """
        held = [question for question in questions if self.facts.in_documents(question)]
        held = held[:: -(-len(held) // MOST_JUDGED) or 1]
        numbers: dict[str, int] = {}
        third = [
            numbers.setdefault(self.facts.name_in(q.text) or "", len(numbers)) % 3 for q in held
        ]
        right = 0
        for k in range(3):
            asked = [question for question, of in zip(held, third, strict=True) if of == k]
            others = [question for question, of in zip(held, third, strict=True) if of != k]
            found = self.retaught(others).answers([question.text for question in asked])
            right += sum(a in question.gold for a, question in zip(found, asked, strict=True))
        return right, len(held)

    def form_of(self, question: str) -> int:
        """Return which of the forms a question has; the last for any other."""
        form = form_of(question, self.templates, self.facts.is_name)
        return self.templates.index(form) if form else max(0, len(self.templates) - 1)

    def spans(self, most: int) -> list[list[RankedSpan]]:
        """Return the spans of each document that are most probably answers."""
        return self.ranker.rank(self.passages, most) if self.ranker else [[] for _ in self.passages]

    def answers(self, questions: Sequence[str]) -> list[str | None]:
        """Return what the documents about its subject answer to each question, together."""
        asked = [(text, self.form_of(text), self.facts.indices_about(text)) for text in questions]
        needed = list(dict.fromkeys(i for _, _, about in asked for i in about))
        ranked = (
            self.ranker.rank([self.passages[i] for i in needed], MOST_COMPARED)
            if self.ranker
            else []
        )
        spans = dict(zip(needed, ranked, strict=False))
        found: list[str | None] = []
        for _, form, about in asked:
            shares: dict[str, float] = {}
            for i in about:
                of_form = [span for span in spans.get(i, ()) if span.form == form]
                total = sum(span.probability for span in of_form) or 1.0
                for span in of_form:
                    text = self.passages[i].text[span.start : span.end]
                    shares[text] = shares.get(text, 0.0) + span.probability / total
            found.append(max(shares, key=lambda text: shares[text]) if shares else None)
        return found
