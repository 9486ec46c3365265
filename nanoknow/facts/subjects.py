"""Find whom or what questions and documents are about."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from random import Random

from nanoknow.data.corpus import Corpus
from nanoknow.data.questions import Question, QuestionSet
from nanoknow.facts.names import Names
from nanoknow.facts.ranker import Lesson, Ranker
from nanoknow.facts.salient import subject
from nanoknow.facts.spans import Passage
from nanoknow.facts.templates import Template, find_templates, form_of
from nanoknow.facts.words import WORD, find_answer, folded, holds
from nanoknow.system.draws import pick

LEAST, MOST_LESSONS = 5, 1000
"""Fewest documents with a known subject to learn others' subjects from, and most that are used."""
MOST_TRIED, ELSEWHERE = 50, 1 / 4
"""Questions whose answers are looked for in documents that hold the name, but do not begin with it;
and the share of them answered there above which such documents are about the name, too."""
SURE = 0.5
"""Probability above which a document is about what the ranker finds, whatever names it holds."""


@dataclass(frozen=True)
class Subjects:
    """Looks up subjects in a corpus and in training questions.

    A document is about what its ``name`` column says. Without such a column, it is about a
    question's subject (the part that varies between questions of one form) if it begins with it.
    If no document does, or if others often hold the answers too, those that hold the name and are
    about nobody else count as well.

    Attributes:
        corpus: the documents.
        training: the training questions; None if they are not available.
    """

    corpus: Corpus
    training: QuestionSet | None
    _about: dict[str, list[int]] = field(default_factory=dict)

    @property
    def questions(self) -> Sequence[Question]:
        """The training questions; empty if they are not available."""
        return self.training.items if self.training else ()

    @cached_property
    def where(self) -> Names:
        """Looks up which documents have a name."""
        return Names(self.corpus)

    @cached_property
    def passages(self) -> list[Passage]:
        """Every document with the span that names its subject.

        The name comes from the ``name`` column, else from the training questions. Where no
        question is about a document, or the name in one is only further on in it, a ranker fitted
        to the other documents finds it. With fewer than ``LEAST`` of these, it is what the
        document begins with up to a full stop.
        """
        documents, names = self.corpus.documents, self.corpus.names
        if names is not None:
            return [Passage.about(*pair) for pair in zip(documents, names, strict=True)]
        known: dict[int, Passage] = {}  # those that begin with a name
        held: dict[int, list[Passage]] = defaultdict(list)  # those that hold names elsewhere
        answered: dict[int, list[Passage]] = defaultdict(list)  # and an answer about them
        sought: dict[str, set[str]] = defaultdict(set)
        for question in self.questions:
            if name := self.name_in(question.text):
                sought[name].update(question.gold)
        for name in sorted(sought, key=lambda name: (-len(name), name)):
            begun = self._begun_by(name)
            for i in begun:
                known.setdefault(i, Passage.about(documents[i], name))
            for i in () if begun and not self._answered_elsewhere else self.where.holding(name):
                # A name within a longer one that the document holds is part of that one.
                if not any(holds(longer.name, name) for longer in held[i]):
                    held[i].append(Passage.about(documents[i], name))
                    if any(find_answer(documents[i], name, answer) for answer in sought[name]):
                        answered[i].append(held[i][-1])
        asked = {**held, **answered, **{i: [passage] for i, passage in known.items()}}
        few = len(asked) < LEAST
        unasked = [Passage(each, (0, len(subject(each)) if few else 0)) for each in documents]
        lessons = [
            Lesson(unasked[i], 0, tuple(passage.name for passage in asked[i]))
            for i in (() if few else tuple(asked)[:: -(-len(asked) // MOST_LESSONS)])
        ]
        ranker = Ranker.taught(lessons)
        others = [i for i in range(len(documents)) if i not in known]
        ranked = ranker.rank([unasked[i] for i in others], 1) if ranker else []
        for i, spans in zip(others, ranked, strict=False):
            if spans and (i not in held or spans[0].probability > SURE):
                name = documents[i][spans[0].start : spans[0].end]
                known[i] = Passage.about(documents[i], name)
        return [known.get(i) or asked.get(i, [each])[0] for i, each in enumerate(unasked)]

    @cached_property
    def names(self) -> Sequence[str]:
        """The name of each document's subject, from its column or its text; empty if unknown."""
        return self.corpus.names or [passage.name for passage in self.passages]

    def documents_about(self, question: str) -> list[str]:
        """Return the documents about the subject of a question, in any wording."""
        return [self.corpus.documents[i] for i in self.indices_about(question)]

    def indices_about(self, question: str) -> list[int]:
        """Return the indices of the documents about the subject of a question."""
        if question not in self._about:
            name = self.name_in(question)
            self._about[question] = self.named(name) if name else []
        return self._about[question]

    def name_in(self, question: str) -> str | None:
        """Return the subject of a question: by its form, else the longest name in it, else None."""
        form = form_of(question, self.templates, self.where)
        name = form.name_in(question) or "" if form else ""
        bare = "" if name[:1].isalnum() or name[-1:].isalnum() else name[1:-1]  # without quotes
        if found := next(filter(self.where.is_name, filter(None, (name, bare))), None):
            return found
        name = question[slice(*self.where.longest_in(question))]
        # If what follows it in documents never follows names, it is only a part of one.
        is_whole = name and (self.corpus.names is not None or self._begun_by(name))
        return name if is_whole else None

    def named(self, name: str) -> list[int]:
        """Return the indices of the documents about a name, spelt as in a question."""
        if self.corpus.names is not None:
            return self.where.in_column(name)
        begun = self._begun_by(name)
        if begun and not self._answered_elsewhere:
            return begun
        held = self.where.holding(name)
        own = [i for i in held if folded(self.passages[i].name) == folded(name)]
        return sorted({*begun, *own}) or sorted(self.where.beginning_with(name)) or held

    @cached_property
    def templates(self) -> Counter[Template]:
        """The forms of the training questions, the most frequent first."""
        texts = list(dict.fromkeys(question.text for question in self.questions))
        return find_templates(texts, self.where)

    def in_documents(self, question: Question, within: int | None = None) -> bool:
        """Whether a document about a question's subject holds an accepted answer.

        Args:
            question: a question with answers.
            within: search only so many leading characters of each document; None for all.
        """
        name = self.name_in(question.text) or ""
        return any(
            find_answer(document[:within], name, gold)
            for document in self.documents_about(question.text)
            for gold in question.gold
        )

    def _begun_by(self, name: str) -> list[int]:
        """Return the indices of the documents that begin with a name, and not with a longer one."""
        found, documents = sorted(self.where.beginning_with(name)), self.corpus.documents
        return [i for i in found if _next(documents[i], len(name)) in self._after_names]

    @cached_property
    def _answered_elsewhere(self) -> bool:
        """Whether documents that hold a name further on often hold the answers about it, too."""
        found, documents = [], self.corpus.documents
        for q in pick(self.questions, MOST_TRIED, Random(0)):
            name = self.name_in(q.text) or ""
            if begun := set(self._begun_by(name)):
                told = [a for a in q.gold if any(find_answer(documents[i], name, a) for i in begun)]
                # One that begins with such an answer tells about it, as a spouse's does.
                apart = begun.union(*map(self.where.beginning_with, told))
                others = [documents[i] for i in self.where.holding(name) if i not in apart]
                found.append(any(find_answer(d, name, a) for d in others for a in q.gold))
        return sum(found) > len(found) * ELSEWHERE

    @cached_property
    def _after_names(self) -> set[str]:
        """What follows names at the beginning of documents; a full stop if that is not known."""
        asked = {q.text: form_of(q.text, self.templates, self.where) for q in self.questions}
        names = {name for text, form in asked.items() if form and (name := form.name_in(text))}
        # Sorted by length: of several names that a document begins with, the longest is kept.
        ends = {i: len(n) for n in sorted(names, key=len) for i in self.where.beginning_with(n)}
        counts = Counter(_next(self.corpus.documents[i], end) for i, end in ends.items())
        # A word within names does not end one: 11, with "Apollo 11" and "Apollo".
        within = Counter(word for name in names for word in {*WORD.findall(name)[1:]})
        least = counts.total() / 20
        return {word for word, n in counts.items() if n > max(least, within[word])} or {"."}


def _next(document: str, at: int) -> str:
    match = WORD.search(document, at)
    return match.group() if match else ""
