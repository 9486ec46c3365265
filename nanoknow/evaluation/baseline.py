"""``nanoknow baseline``: answers without a model, to see what a model's accuracy is worth."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal, get_args

from nanoknow.config.experiment import DataConfig
from nanoknow.data.questions import QuestionSet, clean
from nanoknow.data.sources import Texts
from nanoknow.data.tokenizer import refuse_marks
from nanoknow.errors import ConfigError, DataError, suggest
from nanoknow.evaluation.answers import Answer
from nanoknow.evaluation.scores import Pairing, Score, pair
from nanoknow.facts.index import FactIndex, most_frequent_answer
from nanoknow.facts.words import find_whole, is_outside, stands_at

Method = Literal["constant", "lookup"]
METHODS: tuple[Method, ...] = get_args(Method)
UNNAMED = (
    "questions name the subject of a document, so no answer can be looked up or checked: ask about "
    "those whom the training text is about, or begin each document with the words that the "
    "questions have for its subject"
)


@dataclass(frozen=True)
class PairedBaseline:
    """A baseline beside a model: ``pairing`` has the model first."""

    method: Method
    name: str
    score: Score
    pairing: Pairing


@dataclass(frozen=True)
class BaselineResult:
    """Questions answered without a model.

    Attributes:
        method: ``constant``, one answer to all; ``lookup``, the earliest training answer
            in the subject's own document.
        answer: the constant; None for ``lookup``.
        questions: their name.
        right: (questions,) whether each was answered right.
    """

    method: Method
    answer: str | None
    questions: str
    right: tuple[bool, ...]
    JSON: ClassVar[tuple[str, ...]] = ("method", "answer", "questions", "*score")

    @property
    def name(self) -> str:
        """What it does, in words."""
        if self.method == "constant":
            return f"saying {self.answer!r} to all"
        return "looking it up in the documents"

    @property
    def score(self) -> Score:
        """Exact match."""
        return Score(sum(self.right), len(self.right))

    def beside(self, answers: Sequence[Answer]) -> PairedBaseline:
        """Compare with a model's answers to the same questions."""
        pairing = pair([answer.is_right for answer in answers], self.right)
        return PairedBaseline(self.method, self.name, self.score, pairing)


def constant_baseline(questions: QuestionSet, answer: str) -> BaselineResult:
    """Give one answer to every question."""
    right = tuple(answer in question.gold for question in questions.items)
    return BaselineResult("constant", answer, questions.name, right)


def lookup_baseline(questions: QuestionSet, facts: FactIndex) -> BaselineResult:
    """Look every question up in the documents (see ``look_up``)."""
    found = look_up(facts, (question.text for question in questions.items))
    right = tuple(said in q.gold for said, q in zip(found, questions.items, strict=True))
    return BaselineResult("lookup", None, questions.name, right)


def look_up(facts: FactIndex, questions: Iterable[str]) -> list[str | None]:
    """Answer questions from their subjects' own documents, with no model.

    A document gives the earliest training answer in it that is whole words outside the subject's
    name; of several that start at the same character, the longest. Of several documents, the answer
    that most of them give counts; in a tie, the last document's.

    Returns:
        The answer to each; None where no document holds one.
    """
    known: dict[str, list[str]] = defaultdict(list)  # by the first character, the longest first
    for answer in sorted(facts.answer_counts, key=len, reverse=True):
        known[answer[0]].append(answer)

    def first_answer(document: str, name: str) -> str | None:
        names = list(find_whole(name, document))
        for start, character in enumerate(document):
            for answer in known.get(character, ()):
                span = start, start + len(answer)
                if stands_at(document, answer, start) and is_outside(span, names):
                    return answer
        return None

    def answer_to(question: str) -> str | None:
        name = facts.name_in(question) or ""
        documents = reversed(facts.documents_about(question))
        found = Counter(filter(None, (first_answer(each, name) for each in documents)))
        return max(found, key=lambda answer: found[answer]) if found else None

    return [answer_to(question) for question in questions]


def baseline(data: DataConfig, answer: str | None, method: str = "constant") -> BaselineResult:
    """Answer every question without a model.

    Args:
        data: names the questions, and the texts that the method needs.
        answer: what ``constant`` says; None for the most frequent training answer.
        method: of ``METHODS``.

    Raises:
        ConfigError: files that it needs are not named, there is no such method, or ``lookup`` is
            given an answer.
        DataError: they cannot be read, hold no answers, or give ``lookup`` nothing to look up.
    """
    if method not in METHODS:
        hint = suggest(method, METHODS)
        raise ConfigError(f"--method {method}: unknown.{hint} Available: {', '.join(METHODS)}")
    if method == "lookup" and answer is not None:
        raise ConfigError("--answer: is for --method constant: leave one of them out")
    texts = Texts.find(data)
    questions = texts.require_eval().require_answers("compare with")
    if method == "lookup":
        training = texts.require_questions().require_answers("look for", "--questions")
        facts = FactIndex(texts.require_corpus(), training)
        if not any(facts.documents_about(question.text) for question in questions.items):
            raise DataError(f"{questions.name}: 0 of {len(questions.items)} {UNNAMED}")
        return lookup_baseline(questions, facts)
    if answer is None:
        if texts.questions is None:
            advice = "give one with --answer TEXT, or name training questions with --questions FILE"
            raise ConfigError(f"baseline says the most frequent training answer: {advice}")
        training = texts.questions.require_answers("choose from", "--questions")
        answer = most_frequent_answer(training.items)
    refuse_marks(answer, lambda _: "--answer")
    return constant_baseline(questions, clean(answer))
