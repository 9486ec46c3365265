"""What a reader is asked who has the documents open: is this word of it the answer?

Every name, place or year of a document is a candidate. It is shown between two marks with what
stands around it, and the reader says ``y`` or ``n``. Trained on documents whose question is among
the training questions, it can answer for all the others.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from nanoknow.data.corpus import Corpus, Question, QuestionSet
from nanoknow.data.facts import FactIndex
from nanoknow.data.salient import Wanted, find_salient, subject
from nanoknow.data.tokenizer import MASK
from nanoknow.errors import DataError

YES, NO = "y", "n"


@dataclass(frozen=True)
class Candidate:
    """A word of a document that may be the answer to the document's question."""

    document: int
    word: str
    prompt: str


@dataclass(frozen=True)
class Template:
    """How a question is put: what stands before and after the name in it."""

    before: str
    after: str

    @classmethod
    def of(cls, questions: QuestionSet, names: set[str]) -> Template:
        """Return the most frequent form of questions about people with known names.

        Raises:
            DataError: no question holds such a name.
        """
        forms = cls.count(questions, names)
        if not forms:
            raise DataError(f"{questions.name}: no question names the subject of a document")
        return max(forms, key=lambda form: forms[form])

    @classmethod
    def count(cls, questions: QuestionSet, names: set[str]) -> Counter[Template]:
        """Return how often each form of a question about a known name occurs."""
        forms: Counter[Template] = Counter()
        for question in questions.items:
            words = question.text.rstrip("?").split(" ")
            spans = ((i, j) for i in range(len(words)) for j in range(len(words), i, -1))
            for i, j in spans:
                name = " ".join(words[i:j])
                if name in names:
                    before, _, after = question.text.partition(name)
                    forms[cls(before, after)] += 1
                    break
        return forms

    def fits(self, question: str) -> bool:
        """Whether a question has this form, whoever is asked about."""
        within = question.removeprefix(self.before)
        return self.ask(within.removesuffix(self.after)) == question

    def ask(self, name: str) -> str:
        """Put the question about a name."""
        return f"{self.before}{name}{self.after}"

    def name_in(self, question: str) -> str | None:
        """Return whom a question is about; None where it is put in another way."""
        long_enough = len(question) > len(self.before) + len(self.after)
        fits = question.startswith(self.before) and question.endswith(self.after)
        end = len(question) - len(self.after)
        return question[len(self.before) : end] if long_enough and fits else None


@dataclass(frozen=True)
class OpenBook:
    """The documents of a corpus with their subjects and candidates.

    Attributes:
        names: (documents,) the subject of each; empty where it has none.
        candidates: of all documents, in their order.
    """

    names: Sequence[str]
    candidates: Sequence[Candidate]

    @classmethod
    def of(
        cls, corpus: Corpus, answers: Collection[str], before: int, after: int, longest: int
    ) -> OpenBook:
        """Find them.

        Args:
            corpus: documents that start with ``Name. ``.
            answers: known ones, which are candidates within longer names too, such as
                ``Luxembourg`` in ``Luxembourg City``.
            before: characters to show in front of a candidate.
            after: characters to show behind it.
            longest: characters of a candidate; what is longer is left out.
        """
        documents = corpus.documents
        starts, lengths, offsets, _ = find_salient(documents)
        candidates, known = [], Wanted(answers)
        for i, document in enumerate(documents):
            for j in range(offsets[i], offsets[i + 1]):
                span = int(starts[j]), int(starts[j] + lengths[j])
                for start, end in sorted({span, *known.parts(document, *span)}):
                    if end - start > longest:
                        continue
                    word = document[start:end]
                    ahead, behind = document[max(0, start - before) : start], document[end:]
                    prompt = f"{ahead}{MASK}{word}{MASK}{behind[:after]}"
                    candidates.append(Candidate(i, word, prompt))
        return cls(tuple(map(subject, documents)), candidates)

    def labelled(self, corpus: Corpus, questions: QuestionSet) -> Iterator[tuple[Candidate, bool]]:
        """Yield the candidates of documents that a question is about, and whether it is right.

        Documents that do not hold the question's answer teach nothing and are left out.
        """
        answers: dict[str, str] = {}
        facts = FactIndex(corpus, questions)
        for question in questions.items:
            for document in facts.documents_about(question.text):
                answers[document] = question.answer or ""
        held = {
            c.document
            for c in self.candidates
            if answers.get(corpus.documents[c.document]) == c.word
        }
        for candidate in self.candidates:
            if candidate.document in held:
                yield candidate, candidate.word == answers[corpus.documents[candidate.document]]


def as_questions(pairs: Sequence[tuple[Candidate, bool]], name: str) -> QuestionSet:
    """Make questions for the reader of labelled candidates."""
    items = tuple(
        Question(candidate.prompt, YES if right else NO, line)
        for line, (candidate, right) in enumerate(pairs, start=1)
    )
    return QuestionSet(name, items, "")
