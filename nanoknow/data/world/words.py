"""The words of the built-in world: names, places, occupations and sentence forms.

All lists were written for nanoknow. Given names and surnames are common ones from many languages,
combined at random, so nobody in particular is meant. No place is a name, part of another place, or
part of a sentence form, so that finding a place in a line is never ambiguous; a test checks that.
"""

import json
from dataclasses import dataclass
from functools import cache
from importlib import resources

from nanoknow.config.world import MIN_PEOPLE
from nanoknow.errors import DataError


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
    text = resources.files(__package__).joinpath("words.json").read_text("utf-8")
    return Words(**{name: tuple(words) for name, words in json.loads(text).items()})


def require_names(people: int, most: int) -> None:
    """Refuse a world of too few people, or of more than have names of their own.

    Raises:
        DataError: names how many it may have.
    """
    if not MIN_PEOPLE <= people <= most:
        advice = f"ask for {MIN_PEOPLE} to {most}, the number of different names"
        raise DataError(f"a world of {people} people cannot be made: {advice}")
