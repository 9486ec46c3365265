"""What the training data say about a question."""

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

from nanoknow.data.corpus import Corpus
from nanoknow.data.questions import Question, QuestionSet

MAX_NAME_WORDS = 12
MAX_NAME_LENGTH = 128


@dataclass(frozen=True)
class FactIndex:
    """Looks up people and answers in a corpus and in training questions.

    A document is about the name that it starts with: ``Ada J. Lovelace. She …`` is found under
    each stretch before a ``". "``, that is under ``Ada J`` and ``Ada J. Lovelace``.
    """

    corpus: Corpus
    training: QuestionSet | None
    _by_first: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    _by_any: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    _mentioned: dict[str, bool] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for document in self.corpus.documents:
            ends = [m.start() for m in re.finditer(r"\. ", document[:MAX_NAME_LENGTH])]
            for end in ends[:1]:
                self._by_first[document[:end]].append(document)
            for end in ends:
                self._by_any[document[:end]].append(document)

    def documents_about(self, question: str, *, exact: bool = False) -> list[str]:
        """Return the documents that start with a name in the question (the longest such name).

        Args:
            question: in any wording.
            exact: take only the text before a document's first ``". "`` for its name, which
                misses names with an initial.
        """
        names = self._by_first if exact else self._by_any
        words = question.rstrip("?! ").split(" ")
        for size in range(min(MAX_NAME_WORDS, len(words)), 0, -1):
            for start in range(len(words) - size + 1):
                name = " ".join(words[start : start + size])
                if name in names:
                    return names[name]
        return []

    def in_documents(
        self, question: Question, within: int | None = None, *, exact: bool = False
    ) -> bool:
        """Whether an accepted answer is in the subject's own documents, or in their first part.

        Args:
            question: one with answers.
            within: search only so many characters of each document.
            exact: as for ``documents_about``.
        """
        documents = self.documents_about(question.text, exact=exact)
        return any(gold in document[:within] for document in documents for gold in question.gold)

    @cached_property
    def answer_counts(self) -> Counter[str]:
        """How many training questions accept each answer."""
        items = self.training.items if self.training else ()
        return Counter(answer for q in items for answer in q.gold)

    def mentions(self, text: str) -> bool:
        """Whether a string is in the corpus, as whole words."""
        if text not in self._mentioned:
            corpus = self.corpus.text
            # Strings that are not there at all are ruled out fifty times as fast so.
            possible = bool(text.strip()) and text in corpus
            self._mentioned[text] = possible and whole_words(text).search(corpus) is not None
        return self._mentioned[text]


def whole_words(text: str) -> re.Pattern[str]:
    """Return a pattern that finds a string where no word goes on at its ends."""
    return re.compile(rf"(?<!\w){re.escape(text)}(?!\w)")


def most_frequent_answer(questions: Sequence[Question]) -> str:
    """Return the answer that most questions have; the first in the file among equals."""
    counts = Counter(q.answer for q in questions if q.answer is not None)
    return max(counts, key=lambda answer: counts[answer])
