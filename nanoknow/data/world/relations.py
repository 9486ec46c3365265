"""The relations of the world of many facts: their values, wordings and questions.

All were written for nanoknow. Colleges and companies are invented. No value is a name, part of
another value, or part of a wording; a test checks that.
"""

import json
from collections.abc import Sequence
from functools import cache
from importlib import resources
from typing import NamedTuple

from nanoknow.config.world import RELATIONS
from nanoknow.data.world.words import read_words

CODE, DATE = "code", "birth date"
CODES = 10**6
DAYS, FIRST_YEAR, YEARS = 28, 1850, 100
PRONOUNS = {True: ("she", "her", "She", "Her"), False: ("he", "his", "He", "His")}
"""Of a woman, and of a man: within a sentence and at its beginning, with the possessive forms."""
NAME = ("{name}", "{name}'s") * 2
UNSEEN = 5
"""The last wordings of a relation, which no biography of the corpus has."""


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
    text = resources.files(__package__).joinpath("relations.json").read_text("utf-8")
    found = json.loads(text)
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
