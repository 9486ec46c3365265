"""The built-in synthetic world: invented people, their biographies, and questions about them.

Its files have the formats of the published birthplace data and need no download. Unlike those
data, a world can vary how many differently worded biographies state each fact. That paraphrases
decide whether a question can extract a fact is the finding of Allen-Zhu and Li, "Physics of
Language Models: Part 3.1, Knowledge Storage and Extraction" (2023).
"""

from bisect import bisect_right
from collections.abc import Iterator
from itertools import accumulate
from random import Random

from nanoknow.data.world.words import PRONOUNS, name_pairs, read_words, require_names
from nanoknow.system.draws import below, choice, shuffle

CORPUS, TRAIN, DEV = "wiki.txt", "birth_places_train.tsv", "birth_dev.tsv"
TEST = "birth_test.tsv"
"""Names of files, as in the published data, which lack the last: test questions with answers."""
PLACE_FLOOR = 1 / 6
"""The place of rank r, from 1, has weight 1/r + PLACE_FLOOR: Zipf's law with a floor. Of 100
places the first then has 5.3 % of the people, as in the published data, the second 3.1, the last
0.8."""
SECOND_NAME_EVERY = 8
"""One person in so many has a second given name."""


_Person = dict[str, str]
"""Values for the fields of the sentence forms: ``full`` is the name, ``place`` the birthplace."""


def make_world(people: int, paraphrases: int, seed: int) -> dict[str, list[bytes]]:
    """Make the files of a world, the same on every platform and Python version.

    For one seed and number of people the facts and questions do not depend on ``paraphrases``, and
    the biographies for fewer paraphrases are among those for more, so that runs that differ in it
    differ in nothing else.

    Args:
        people: how many people to invent, from ``MIN_PEOPLE`` to the number of different names.
            60 % are asked about in train, 20 % in dev, 20 % in test; all have biographies.
        paraphrases: biographies for each person, at least 1. They differ in wording as long as
            there are unused sentence forms (22), and repeat from there on.
        seed: not negative.

    Raises:
        DataError: ``people`` is outside these bounds.
    """
    require_names(people, read_words().n_names)
    rng = Random(seed)
    population = list(_invent_people(people, rng))
    train, dev, test = _split(population, rng)
    shuffle(population, rng)
    return {
        CORPUS: _biographies(population, paraphrases, rng),
        TRAIN: _questions(train),
        DEV: _questions(dev),
        "birth_test_inputs.tsv": _questions(test, with_answers=False),
        TEST: _questions(test),
    }


def _split(population: list[_Person], rng: Random) -> tuple[list[_Person], ...]:
    """Divide people, in the order of their birthplaces, into train, dev and test.

    Of every five neighbours three go to train, one to dev and one to test, so that a place has
    about the same share in each and the constant baseline varies little with the seed.
    """
    whole = len(population) - len(population) % 5
    fives = [population[first : first + 5] for first in range(0, whole, 5)]
    for five in fives:
        shuffle(five, rng)
    train = [person for five in fives for person in five[2:]] + population[whole:]
    dev, test = ([five[i] for five in fives] for i in (0, 1))
    for part in (train, dev, test):
        shuffle(part, rng)
    return train, dev, test


def _questions(people: list[_Person], *, with_answers: bool = True) -> list[bytes]:
    """Return a line for each person, ``Where was X born?<TAB>Place``."""
    form = "Where was {full} born?\t{place}\n" if with_answers else "Where was {full} born?\n"
    return [form.format(**person).encode() for person in people]


def _biographies(population: list[_Person], paraphrases: int, rng: Random) -> list[bytes]:
    """Return the shuffled lines about all people; repeated lines share one object in memory."""
    lines: list[bytes] = []
    for person in population:
        # All forms are shuffled whatever `paraphrases` is, so that it does not shift later draws.
        forms = list(read_words().forms)
        shuffle(forms, rng)
        stated = (form.format(**person) for form in forms[:paraphrases])
        wordings = [f"{person['full']}. {sentence}\n".encode() for sentence in stated]
        lines += (wordings[turn % len(wordings)] for turn in range(paraphrases))
    shuffle(lines, rng)
    return lines


def _invent_people(people: int, rng: Random) -> Iterator[_Person]:
    """Yield people, sorted by birthplace, the most frequent place first."""
    words = read_words()
    places = words.places
    cumulative = list(accumulate(1 / rank + PLACE_FLOOR for rank in range(1, len(places) + 1)))

    def place_at(share: float) -> str:
        # At most the last place: rounding may bring share · total up to the total itself.
        return places[min(bisect_right(cumulative, share * cumulative[-1]), len(places) - 1)]

    offset = rng.random()
    for index, (name, surname, female) in enumerate(_invent_names(people, rng)):
        # Systematic sampling: every place gets its share of people, rounded up or down, with any
        # seed; drawing each person independently would let the constant baseline vary far more.
        birthplace = place_at((index + offset) / people)
        other = birthplace
        while other == birthplace:
            other = place_at(rng.random())
        job = choice(words.occupations, rng)
        born = 1820 + below(111, rng)
        yield {
            "full": name,
            "last": surname,
            **dict(zip(PRONOUNS[False], PRONOUNS[female], strict=True)),
            "place": birthplace,
            "other": other,
            "job": job,
            "a_job": f"an {job}" if job[0] in "aeiou" else f"a {job}",
            "year": str(born),
            "date": f"{1 + below(28, rng)} {choice(words.months, rng)} {born}",
            "moved": str(born + 18 + below(15, rng)),
            "died": str(born + 40 + below(46, rng)),
        }


def _invent_names(people: int, rng: Random) -> Iterator[tuple[str, str, bool]]:
    """Yield full name, surname and whether a woman's; no two share first given name and surname."""
    for i, of_one, is_female, surname in name_pairs(people, rng):
        given, second = of_one[i], choice(of_one, rng)
        if below(SECOND_NAME_EVERY, rng) == 0 and second != given:
            given = f"{given} {second}"
        yield f"{given} {surname}", surname, is_female
