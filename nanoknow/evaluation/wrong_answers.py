"""What a model says where it is wrong."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from nanoknow.evaluation.answers import NOWHERE, PLACE, Answer
from nanoknow.facts.index import FactIndex
from nanoknow.tasks.question_answering import is_right

NEAR_MISS = 2
"""Letters that a near miss may be away, and never more than a third of the right answer's."""
SHOWN = 3
"""Examples of each kind."""
FALLBACKS = 6

NEAR, OWN, ELSEWHERE, OTHER, INVENTED = (
    "nearly the right spelling",
    "another word of the person's own document",
    "a known place, but not this person's",
    "other words of the training text",
    "found nowhere in the training text",
)
KINDS = (NEAR, OWN, ELSEWHERE, OTHER, INVENTED)
"""A wrong answer is of the first kind that fits; a known place is a training answer."""


@dataclass(frozen=True)
class WrongKind:
    """Wrong answers of one kind, with the surest of them as examples."""

    name: str
    n: int
    examples: list[Answer]


@dataclass(frozen=True)
class Fallback:
    """One answer that the model gives to many.

    Attributes:
        answer: the text.
        n: how many questions got it.
        n_right: how many of them rightly.
        n_gold: how many questions have it for the right answer.
        in_training: how many training questions do.
    """

    answer: str
    n: int
    n_right: int
    n_gold: int
    in_training: int


@dataclass(frozen=True)
class Namesakes:
    """Wrong answers that are right for somebody of a similar name.

    Attributes:
        n: wrong answers that some training question has for its answer, about somebody else of
            the same given or family name.
        expected: as many would be, were the wrong answers dealt out at random.
    """

    n: int
    expected: float


@dataclass(frozen=True)
class WrongAnswers:
    """The wrong answers, sorted.

    Attributes:
        n: wrong answers.
        n_questions: all of them.
        distinct: different answers given to all questions.
        kinds: of ``KINDS``, in their order.
        fallbacks: the most frequent answers, right or wrong.
        namesakes: None where the names in the questions are not known.
    """

    n: int
    n_questions: int
    distinct: int
    kinds: list[WrongKind]
    fallbacks: list[Fallback]
    namesakes: Namesakes | None


def sort_wrong_answers(
    answers: Sequence[Answer], facts: FactIndex, people: Mapping[str, str]
) -> WrongAnswers:
    """Sort the wrong ones among some answers.

    Args:
        answers: judged by these facts.
        facts: the training texts.
        people: the name in each question, of training and evaluation, where it is known.
    """
    wrong = [a for a in answers if not is_right(a.answer, a.gold or "")]
    by_kind: dict[str, list[Answer]] = {kind: [] for kind in KINDS}
    for answer in sorted(wrong, key=lambda a: -a.log_probability):
        by_kind[_kind(answer, facts)].append(answer)
    kinds = [WrongKind(kind, len(found), found[:SHOWN]) for kind, found in by_kind.items()]
    return WrongAnswers(
        n=len(wrong),
        n_questions=len(answers),
        distinct=len({a.answer for a in answers}),
        kinds=kinds,
        fallbacks=_fallbacks(answers, facts),
        namesakes=_namesakes(wrong, facts, people) if people else None,
    )


def _kind(answer: Answer, facts: FactIndex) -> str:
    if is_near(answer.answer, answer.gold or ""):
        return NEAR
    if answer.verdict == NOWHERE:
        return INVENTED
    word = re.compile(rf"(?<!\w){re.escape(answer.answer)}(?!\w)")
    if any(word.search(document) for document in facts.documents_about(answer.question)):
        return OWN
    return ELSEWHERE if answer.verdict == PLACE else OTHER


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


def _fallbacks(answers: Sequence[Answer], facts: FactIndex) -> list[Fallback]:
    said = Counter(a.answer for a in answers)
    right = Counter(a.answer for a in answers if is_right(a.answer, a.gold or ""))
    gold = Counter(a.gold for a in answers)
    return [
        Fallback(answer, n, right[answer], gold[answer], facts.answer_counts[answer])
        for answer, n in said.most_common(FALLBACKS)
        if n > 1
    ]


def _namesakes(wrong: Sequence[Answer], facts: FactIndex, people: Mapping[str, str]) -> Namesakes:
    places: dict[str, dict[str, set[str]]] = {}  # word of a name → place → whose
    for question in facts.training.items if facts.training else ():
        name = people.get(question.text, "")
        for word in _ends(name) if name else ():
            places.setdefault(word, {}).setdefault(question.answer or "", set()).add(name)
    said = Counter(a.answer for a in wrong)
    n, expected = 0, 0.0
    for answer in wrong:
        name = people.get(answer.question, "")
        similar = {
            place
            for word in _ends(name)
            for place, whose in places.get(word, {}).items()
            if whose - {name}
        }
        n += answer.answer in similar
        expected += sum(said[place] for place in similar) / len(wrong)
    return Namesakes(n, expected)


def _ends(name: str) -> tuple[str, str]:
    """Return the first and the last word of a name, told apart."""
    words = name.split(" ")
    return f"{words[0]} …", f"… {words[-1]}"
