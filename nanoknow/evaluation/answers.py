"""Exact match, and what an answer is: right, nearly right, known from the texts or made up."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from math import exp, nan
from pathlib import Path

from nanoknow.data.questions import QUESTIONS_BYTES, Question, QuestionSet, clean
from nanoknow.data.reading import decoded as decode
from nanoknow.data.reading import file_chunks
from nanoknow.data.rows import JSON_START
from nanoknow.errors import DataError
from nanoknow.evaluation.scores import Score
from nanoknow.facts.index import FactIndex
from nanoknow.facts.words import holds
from nanoknow.generation.decoding import decode_greedily
from nanoknow.models.base import CharacterModel
from nanoknow.system.plain import Result
from nanoknow.tasks.question_answering import QuestionAnswering, answer_text

RIGHT, NEAR, OWN, KNOWN, OTHER, NOWHERE = VERDICTS = (
    "right",
    "nearly the right spelling",
    "another word of the subject's own document",
    "the answer to another training question",
    "other words of the training text",
    "found nowhere in the training text",
)
"""What an answer is: the first of these that fits."""
NEAR_MISS = 2
"""Largest edit distance of a near miss; nor may it exceed a third of the right answer's length."""


@dataclass(frozen=True, repr=False)
class Answer(Result):
    """One answered question.

    Attributes:
        question: as it was asked.
        gold: the accepted answers; empty where the file has none.
        answer: what the model wrote.
        log_probability: of the answer and its stop, in nats; NaN where it was made elsewhere.
        verdict: one of ``VERDICTS``; None where it is not known.
        in_document: whether an accepted answer is in the subject's own document.
        seen_in_training: whether an accepted answer is the answer of a training question.
        left_out: characters of the question that the vocabulary does not hold.
    """

    question: str
    gold: tuple[str, ...]
    answer: str
    log_probability: float
    verdict: str | None
    in_document: bool | None
    seen_in_training: bool | None
    left_out: str

    @property
    def is_right(self) -> bool:
        """Whether it equals an accepted answer, character for character."""
        return self.answer in self.gold

    @property
    def confidence(self) -> float:
        """The probability that the model gave to the whole answer and its stop."""
        return exp(self.log_probability)


def answer_questions(
    model: CharacterModel, task: QuestionAnswering, facts: FactIndex | None = None
) -> list[Answer]:
    """Ask a model every question of a task.

    Args:
        model: a finetuned one.
        task: the questions, with or without answers.
        facts: the training texts, to judge wrong answers by.
    """
    decoded = decode_greedily(model, task.prompts, task.tokenizer.mask_id, task.max_answer_length)
    answers, tokenizer = [], task.tokenizer
    for question, found in zip(task.questions.items, decoded, strict=True):
        text, left_out = answer_text(tokenizer, found.ids), tokenizer.unknown(question.text)
        answers.append(judged(question, text, found.log_probability, facts, "".join(left_out)))
    return answers


def read_answers(
    path: Path, questions: QuestionSet, facts: FactIndex | None = None
) -> list[Answer]:
    """Read answers that were made elsewhere, one a line, in the order of the questions.

    Raises:
        DataError: the file cannot be read as text, has more or fewer lines than questions, or has
            more than an answer in every line.
    """
    chunks = file_chunks(path, QUESTIONS_BYTES)
    lines = "".join(decode(chunks, str(path))).removesuffix("\n").split("\n")
    if len(lines) != len(questions.items):
        what = f"{len(lines)} lines for the {len(questions.items)} questions of {questions.name}"
        raise DataError(f"{path}: {what}: write one answer a line, and an empty line for none")
    if all("\t" in line or JSON_START.match(line) for line in lines):
        raise DataError(f"{path}: rows, and not answers alone: write one answer a line")
    pairs = zip(questions.items, lines, strict=True)
    return [judged(question, clean(line), nan, facts, "") for question, line in pairs]


def judged(
    question: Question, answer: str, log_probability: float, facts: FactIndex | None, left_out: str
) -> Answer:
    """Return an answer with what the training texts say of it."""
    counts = facts.answer_counts if facts and facts.training and question.gold else None
    return Answer(
        question=question.text,
        gold=question.gold,
        answer=answer,
        log_probability=log_probability,
        verdict=judge(question, answer, facts),
        in_document=facts.in_documents(question) if facts and question.gold else None,
        seen_in_training=None if counts is None else any(gold in counts for gold in question.gold),
        left_out=left_out,
    )


def judge(question: Question, answer: str, facts: FactIndex | None) -> str | None:
    """Return the verdict on an answer; None if none is accepted, or it is wrong without facts."""
    if answer in question.gold:
        return RIGHT
    if not question.gold or facts is None:
        return None
    if any(is_near(answer, gold) for gold in question.gold):
        return NEAR
    known = answer in facts.answer_counts
    if not known and not facts.mentions(answer):
        return NOWHERE
    if any(holds(document, answer) for document in facts.documents_about(question.text)):
        return OWN
    return KNOWN if known else OTHER


def is_near(answer: str, gold: str) -> bool:
    """Whether an answer is the right one but for the spelling (see ``NEAR_MISS``)."""
    most = min(NEAR_MISS, len(gold) // 3)
    return abs(len(answer) - len(gold)) <= most and edit_distance(answer, gold) <= most


def edit_distance(first: str, second: str) -> int:
    """Return the least number of letters to add, drop or change (Levenshtein, 1966)."""
    row = list(range(len(second) + 1))
    for i, a in enumerate(first, start=1):
        diagonal, row[0] = row[0], i
        for j, b in enumerate(second, start=1):
            diagonal, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, diagonal + (a != b))
    return row[-1]


def score_answers(answers: Sequence[Answer]) -> Score:
    """Return how many answers are right; at least one answer."""
    return Score(sum(a.is_right for a in answers), len(answers))


def group_answers(
    answers: Iterable[Answer], key: Callable[[Answer], str], keys: Iterable[str]
) -> dict[str, list[Answer]]:
    """Group answers by a key, in the order of ``keys``, which must hold every key that occurs."""
    groups: dict[str, list[Answer]] = {each: [] for each in keys}
    for answer in answers:
        groups[key(answer)].append(answer)
    return groups


def count_verdicts(answers: Iterable[Answer]) -> dict[str, int]:
    """Return how many answers got each verdict."""
    counts = Counter(a.verdict for a in answers)
    return {verdict: counts[verdict] for verdict in VERDICTS}


@dataclass(frozen=True)
class Split:
    """How questions of one kind were answered, by where a model could know the answer from.

    Attributes:
        in_document, seen_in_training: see ``Answer``.
        n: how many answers.
        n_right: how many of them are right.
        verdicts: how many got each verdict.
    """

    in_document: bool
    seen_in_training: bool
    n: int
    n_right: int
    verdicts: dict[str, int]


def split_by_facts(answers: Sequence[Answer]) -> list[Split]:
    """Count answers in four parts, by ``in_document`` and by ``seen_in_training``."""
    found = []
    for kind in [(inside, seen) for inside in (True, False) for seen in (True, False)]:
        part = [a for a in answers if (bool(a.in_document), bool(a.seen_in_training)) == kind]
        n_right = sum(a.is_right for a in part)
        found.append(Split(*kind, len(part), n_right, count_verdicts(part)))
    return found
