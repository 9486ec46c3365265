"""The words of the built-in worlds: names, places, sentence forms, relations and their values.

All lists were written for nanoknow. Given names and surnames are common ones from many languages,
combined at random, so nobody in particular is meant; colleges and companies are invented. No place
and no other value is a name, part of another value, or part of a wording, so that finding one in a
line is never ambiguous; a test checks that.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from random import Random
from typing import Any, NamedTuple

from nanoknow.config.world import MIN_PEOPLE, RELATIONS
from nanoknow.errors import DataError
from nanoknow.system.draws import shuffle

CODE, DATE = "code", "birth date"
CODES = 10**6
DAYS, FIRST_YEAR, YEARS = 28, 1850, 100
PRONOUNS = {True: ("she", "her", "She", "Her"), False: ("he", "his", "He", "His")}
"""Of a woman, and of a man: within a sentence and at its beginning, with the possessive forms."""
NAME = ("{name}", "{name}'s") * 2
UNSEEN = 5
"""The last wordings of a relation, which no biography of the corpus has."""


@dataclass(frozen=True)
class Words:
    """The lists in ``words.json``.

    Attributes:
        given_female: first names of women.
        given_male: first names of men.
        surnames: of both.
        places: from the most frequent birthplace to the rarest.
        occupations: without an article.
        months: in order.
        forms: sentences that state the birthplace. All that are about one person agree with one
            another: born in ``place``, went to ``other`` in the year ``moved``, lived, worked and
            died there. Some have a question mark, so that the texts' vocabulary has that of the
            questions too.
    """

    given_female: tuple[str, ...]
    given_male: tuple[str, ...]
    surnames: tuple[str, ...]
    places: tuple[str, ...]
    occupations: tuple[str, ...]
    months: tuple[str, ...]
    forms: tuple[str, ...]

    @property
    def n_names(self) -> int:
        """How many pairs of a given name and a surname there are."""
        return (len(self.given_female) + len(self.given_male)) * len(self.surnames)


@cache
def read_words() -> Words:
    """Read the lists, once."""
    return Words(**{name: tuple(words) for name, words in _read("words.json").items()})


def require_names(people: int, most: int) -> None:
    """Refuse a world of too few people, or of more than have names of their own.

    Raises:
        DataError: names how many it may have.
    """
    if not MIN_PEOPLE <= people <= most:
        advice = f"ask for {MIN_PEOPLE} to {most}, as no two share a name or a code"
        raise DataError(f"a world of {people} people cannot be made: {advice}")


def name_pairs(people: int, rng: Random) -> Iterator[tuple[int, tuple[str, ...], bool, str]]:
    """Yield a given name's number, the list that has it, whether it is a woman's, and a surname.

    Going round both lists at once uses every name of a list before any a second time, and gives
    each pair once before any again, because the lengths of the lists have no common divisor.
    """
    words = read_words()
    surnames = list(words.surnames)
    women, men = words.given_female, words.given_male
    given = [(i, of_one, of_one is women) for of_one in (women, men) for i in range(len(of_one))]
    shuffle(surnames, rng)
    shuffle(given, rng)
    for number in range(people):
        yield *given[number % len(given)], surnames[number % len(surnames)]


class Relation(NamedTuple):
    """A kind of fact.

    Attributes:
        name: of the relation.
        question: about ``name``.
        wordings: of a sentence that states it; ``v`` is the value, ``X`` and ``Xs`` are a name or
            pronoun at the beginning and its possessive form, ``x`` and ``xs`` within a sentence.
        values: that it may have; empty where they are numbers.
        backward: a question about the value; only a code is one person's alone.
    """

    name: str
    question: str
    wordings: Sequence[str]
    values: Sequence[str] = ()
    backward: str = ""

    @property
    def n_values(self) -> int:
        """How many different values there are."""
        return {CODE: CODES, DATE: DAYS * 12 * YEARS}.get(self.name, len(self.values))

    def value(self, number: int) -> str:
        """Return the value with a number below ``n_values``."""
        if self.name == CODE:
            return f"{number:06d}"
        if self.name == DATE:
            rest, day = divmod(number, DAYS)
            year, month = divmod(rest, 12)
            return f"{1 + day} {read_words().months[month]} {FIRST_YEAR + year}"
        return self.values[number]


@cache
def read_relations() -> dict[str, Relation]:
    """Read the wordings, questions and values, once."""
    found = _read("relations.json")
    found["birthplace"]["values"] = read_words().places
    return {name: Relation(name, **found[name]) for name in RELATIONS}


def skewed_shares(n: int, exponent: float = 1.0) -> list[float]:
    """Return how often each of n values comes, by Zipf's law: that of rank r as r^-exponent."""
    shares = [1 / rank**exponent for rank in range(1, n + 1)]
    total = sum(shares)
    return [share / total for share in shares]


@cache
def filled(wording: str, words: tuple[str, str, str, str]) -> list[str]:
    """Return what a sentence has before its value, and after it; a full name is ``{name}``."""
    x, xs, big, bigs = words
    return f" {wording.format(x=x, xs=xs, X=big, Xs=bigs, v='{v}')}".split("{v}")


def _read(name: str) -> dict[str, Any]:
    text = resources.files(__package__).joinpath(name).read_text("utf-8")
    return dict(json.loads(text))
