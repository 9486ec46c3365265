"""What a reader is asked who has the documents open: is this word of it the answer?

Every name, place or year of a document is a candidate. It is shown between two marks with the
text around it, and the reader answers ``y`` or ``n``. Trained on documents whose question is among
the training questions, it can answer for all the others.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from nanoknow.data.corpus import Corpus
from nanoknow.data.questions import Question, QuestionSet
from nanoknow.data.tokenizer import MASK
from nanoknow.facts.index import FactIndex
from nanoknow.facts.salient import Wanted, find_salient, subject

YES, NO = "y", "n"


@dataclass(frozen=True)
class Candidate:
    """A word of a document that may be the answer to the document's question."""

    document: int
    word: str
    prompt: str


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
        Question(candidate.prompt, (YES if right else NO,), line)
        for line, (candidate, right) in enumerate(pairs, start=1)
    )
    return QuestionSet(name, items, "")
