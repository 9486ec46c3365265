"""The words of the built-in worlds: names, places, sentence forms, relations and their values.

All lists were written for nanoknow. Given names and surnames are common ones from many languages,
combined at random, so that nobody in particular is meant; colleges and companies are invented. No
value, such as a place, is a name, part of another value, or part of a wording, so that finding one
in a line is never ambiguous; a test checks that.
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
"""For women (True) and men: subject and possessive within a sentence, then at its beginning."""
NAME = ("{name}", "{name}'s") * 2
UNSEEN = 5
"""How many wordings of each relation, the last ones, the corpus does not use."""


@dataclass(frozen=True)
class Words:
    """The lists in ``words.json``.

    Attributes:
        given_female: first names of women.
        given_male: first names of men.
        surnames: of women and men.
        places: from the most frequent birthplace to the rarest.
        occupations: without an article.
        months: in order.
        forms: sentences that state the birthplace. Those about one person do not contradict each
            other: born in ``place``, went to ``other`` in the year ``moved``, lived, worked and
            died there. Some have a question mark, so that the vocabulary of the corpus holds that
            of the questions too.
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
    """Read the lists; cached."""
    return Words(**{name: tuple(words) for name, words in _read("words.json").items()})


def require_names(people: int, most: int) -> None:
    """Refuse a world of too few people, or of more than there are unique names or codes.

    Raises:
        DataError: ``people`` is not ``MIN_PEOPLE`` to ``most``.
    """
    if not MIN_PEOPLE <= people <= most:
        advice = f"ask for {MIN_PEOPLE} to {most}, as no two share a name or a code"
        raise DataError(f"a world of {people} people cannot be made: {advice}")


def name_pairs(people: int, rng: Random) -> Iterator[tuple[int, tuple[str, ...], bool, str]]:
    """Yield a given name's number, the list that has it, whether it is a woman's, and a surname.

    Going round both lists at once uses all names of a list before any comes a second time, and all
    pairs before any is repeated, because the lengths of the lists have no common divisor.
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
        name: the relation's name.
        question: the question, with a field ``name`` for the person.
        wordings: sentences that state the fact. ``v`` is the value, ``X`` and ``Xs`` are a name or
            pronoun at the beginning and its possessive, ``x`` and ``xs`` within a sentence.
        values: the possible values; empty if they are made from numbers: codes and dates.
        backward: a question that names the value ``v``, for codes alone: no two people share one.
    """

    name: str
    question: str
    wordings: Sequence[str]
    values: Sequence[str] = ()
    backward: str = ""

    @property
    def n_values(self) -> int:
        """Number of different values."""
        return {CODE: CODES, DATE: DAYS * 12 * YEARS}.get(self.name, len(self.values))

    def value(self, number: int) -> str:
        """Return the value with this number, 0 … ``n_values`` − 1."""
        if self.name == CODE:
            return f"{number:06d}"
        if self.name == DATE:
            rest, day = divmod(number, DAYS)
            year, month = divmod(rest, 12)
            return f"{1 + day} {read_words().months[month]} {FIRST_YEAR + year}"
        return self.values[number]


@cache
def read_relations() -> dict[str, Relation]:
    """Read the relations by name; cached."""
    found = _read("relations.json")
    found["birthplace"]["values"] = read_words().places
    return {name: Relation(name, **found[name]) for name in RELATIONS}


def skewed_shares(n: int, exponent: float = 1.0) -> list[float]:
    """Return (n,) probabilities by Zipf's law: that of rank r is proportional to r^-exponent."""
    shares = [1 / rank**exponent for rank in range(1, n + 1)]
    total = sum(shares)
    return [share / total for share in shares]


@cache
def filled(wording: str, words: tuple[str, str, str, str]) -> list[str]:
    """Return the text of a sentence before and after its value; ``words`` fill its other fields."""
    x, xs, big, bigs = words
    return f" {wording.format(x=x, xs=xs, X=big, Xs=bigs, v='{v}')}".split("{v}")


def _read(name: str) -> dict[str, Any]:
    text = resources.files(__package__).joinpath(name).read_text("utf-8")
    return dict(json.loads(text))
