"""What a model answers where it is wrong."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from nanoknow.evaluation.answers import VERDICTS, Answer, group_answers
from nanoknow.facts.index import FactIndex

SHOWN = 3
"""Examples shown of each kind."""
FALLBACKS = 6


@dataclass(frozen=True)
class WrongKind:
    """Wrong answers of one kind, with the surest of them as examples."""

    name: str
    n: int
    examples: list[Answer]


@dataclass(frozen=True)
class Fallback:
    """One answer that the model gives to many questions.

    Attributes:
        answer: the text.
        n: how many questions got it.
        n_right: how many of these it is right for.
        n_gold: how many questions accept it.
        in_training: how many training questions accept it.
    """

    answer: str
    n: int
    n_right: int
    n_gold: int
    in_training: int


@dataclass(frozen=True)
class SimilarNames:
    """Wrong answers that are right for a similar name: one with the same first or last word.

    Attributes:
        n: wrong answers that training accepts for another subject with a similar name. Names of
            one word are similar to none.
        expected: what ``n`` would be on average if the wrong answers were assigned at random.
    """

    n: int
    expected: float


@dataclass(frozen=True)
class WrongAnswers:
    """The wrong answers by kind, and what they have in common.

    Attributes:
        n: wrong answers.
        n_questions: all questions, answered right or wrong.
        distinct: different answers given to all questions.
        kinds: one for each of ``VERDICTS`` but the first, in their order.
        fallbacks: the most frequent answers, right or wrong.
        similar_names: None where no training question has a known name of several words.
    """

    n: int
    n_questions: int
    distinct: int
    kinds: list[WrongKind]
    fallbacks: list[Fallback]
    similar_names: SimilarNames | None


def sort_wrong_answers(
    answers: Sequence[Answer], facts: FactIndex, names: Mapping[str, str]
) -> WrongAnswers:
    """Sort the wrong ones among some answers by kind.

    Args:
        answers: judged by these facts.
        facts: the training texts.
        names: the subject's name in each training and evaluation question, where it is known.
    """
    wrong = sorted((a for a in answers if not a.is_right), key=lambda a: -a.log_probability)
    by_kind = group_answers(wrong, lambda a: a.verdict or "", VERDICTS[1:])
    return WrongAnswers(
        n=len(wrong),
        n_questions=len(answers),
        distinct=len({a.answer for a in answers}),
        kinds=[WrongKind(kind, len(found), found[:SHOWN]) for kind, found in by_kind.items()],
        fallbacks=_fallbacks(answers, facts),
        similar_names=_similar_names(wrong, facts, names),
    )


def _fallbacks(answers: Sequence[Answer], facts: FactIndex) -> list[Fallback]:
    said = Counter(a.answer for a in answers)
    right = Counter(a.answer for a in answers if a.is_right)
    gold = Counter(each for a in answers for each in a.gold)
    return [
        Fallback(answer, n, right[answer], gold[answer], facts.answer_counts[answer])
        for answer, n in said.most_common(FALLBACKS)
        if n > 1
    ]


def _similar_names(
    wrong: Sequence[Answer], facts: FactIndex, names: Mapping[str, str]
) -> SimilarNames | None:
    known: dict[str, set[tuple[str, str]]] = defaultdict(set)  # end of a name → {(answer, name)}
    for question in facts.questions:
        for end in _ends(name := names.get(question.text, "")):
            known[end] |= {(answer, name) for answer in question.gold}
    said = Counter(a.answer for a in wrong)
    n, expected = 0, 0.0
    for each in wrong:
        name = names.get(each.question, "")
        similar = {a for end in _ends(name) for a, whose in known.get(end, ()) if whose != name}
        n += each.answer in similar
        expected += sum(said[answer] for answer in similar) / len(wrong)
    return SimilarNames(n, expected) if known else None


def _ends(name: str) -> tuple[str, ...]:
    """Return a name's first and last word, marked as such; nothing for a name of one word."""
    words = name.split(" ")
    return (f"{words[0]} …", f"… {words[-1]}") if len(words) > 1 else ()
