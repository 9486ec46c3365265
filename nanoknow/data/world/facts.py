"""A world of relations: invented people, up to six independent facts each, and their exact bits.

The people of Allen-Zhu and Li, "Physics of Language Models: Part 3.1, Knowledge Storage and
Extraction" (2023), have six attributes too; theirs are birth date, birth city, university, field of
study, employer and work city.
"""

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from random import Random
from typing import NamedTuple

from nanoknow.config.world import WorldConfig
from nanoknow.data.world.words import (
    CODE,
    CODES,
    NAME,
    PRONOUNS,
    UNSEEN,
    Relation,
    filled,
    name_pairs,
    read_relations,
    read_words,
    require_names,
    skewed_shares,
)
from nanoknow.system.draws import below, by_share, shuffle

REPEATED_PART = 20
"""The first 1/REPEATED_PART of the drawn statements comes ``repeats`` times."""


class Person(NamedTuple):
    """An invented person.

    Attributes:
        name: the full name, which nobody else has.
        is_female: whether "she" or "he".
        values: (relations,) the facts, as the numbers of their values.
        turns: (relations,) the wording in the first biography; each further one takes the next.
    """

    name: str
    is_female: bool
    values: tuple[int, ...]
    turns: tuple[int, ...]


class Statement(NamedTuple):
    """Where a biography states a fact.

    Attributes:
        relation: the number of the fact's relation.
        start: where the value starts in the text.
        end: where it ends.
    """

    relation: int
    start: int
    end: int


class Biography(NamedTuple):
    """A text about somebody, ``Name. Sentence. Sentence. …``, and what it states, in order."""

    person: Person
    text: str
    statements: tuple[Statement, ...]


@dataclass(frozen=True)
class FactWorld:
    """People and their facts, which for one seed do not depend on the form of the biographies.

    Attributes:
        config: of a world with relations.
    """

    config: WorldConfig

    def __post_init__(self) -> None:
        """Check the number of people.

        Raises:
            DataError: it is too small, or there are fewer names or codes.
        """
        words = read_words()
        n_names = words.n_names * len(words.given_female)  # more than CODES
        require_names(self.config.people, CODES if CODE in self.config.relations else n_names)

    @cached_property
    def relations(self) -> list[Relation]:
        """The relations of the config."""
        return [read_relations()[name] for name in self.config.relations]

    @cached_property
    def people(self) -> list[Person]:
        """All people; each relation is drawn independently of the others and of the names."""
        names, turns = self._names(), self._random("turns")
        drawn = [self._draw(relation) for relation in self.relations]
        return [
            Person(name, is_female, tuple(values), tuple(below(n, turns) for n in self._n_seen))
            for (name, is_female), *values in zip(names, *drawn, strict=False)
        ]

    def bits(self) -> dict[str, float]:
        """Return the information in all values of each relation, in bits, given the names.

        It is the length of the values in an optimal code for their distribution: for N people and
        n equally frequent values N log₂ n, for codes log₂ n (n − 1) … (n − N + 1), as no two are
        the same, and for skewed values Σ −log₂ p.
        """
        found: dict[str, float] = {}
        for i, relation in enumerate(self.relations):
            name, n, people = relation.name, relation.n_values, len(self.people)
            if name in self.config.skewed:
                shares = skewed_shares(n)
                met = Counter(person.values[i] for person in self.people)
                found[name] = sum(-math.log2(shares[v]) * times for v, times in met.items())
            elif name == CODE:
                found[name] = (math.lgamma(n + 1) - math.lgamma(n - people + 1)) / math.log(2)
            else:
                found[name] = people * math.log2(n)
        return found

    def biographies(self) -> Iterator[Biography]:
        """Yield the corpus: rounds of everybody in a random order, each round in other words.

        For one seed, fewer paraphrases give the first rounds of more. A drawn corpus is in the
        order of the draws; after it, the first twentieth comes ``repeats`` − 1 times again.
        """
        if self.config.drawn is None:
            yield from self._rounds()
            return
        everyone = self.true_statements()
        drawn = [everyone[i] for i in self.draws()]
        yield from drawn
        yield from drawn[: len(drawn) // REPEATED_PART] * (self.config.drawn.repeats - 1)

    def shares(self) -> list[float]:
        """Return (people,) the probability with which each is drawn."""
        exponent = self.config.drawn.exponent if self.config.drawn else 0.0
        return skewed_shares(len(self.people), exponent)

    def draws(self) -> list[int]:
        """Return the number of the person in each drawn statement, without ``repeats``."""
        n = self.config.drawn.statements if self.config.drawn else 0
        return list(islice(by_share(self.shares(), self._random("statements")), n))

    def values(self, person: Person) -> tuple[str, ...]:
        """Return (relations,) the facts of a person in words."""
        each = zip(self.relations, person.values, strict=True)
        return tuple(relation.value(number) for relation, number in each)

    def true_statements(self) -> list[Biography]:
        """Return (people,) the statement about each that may be drawn: a whole biography."""
        of = {each.person: each for each in self._rounds()}
        return [of[person] for person in self.people]

    def _rounds(self) -> Iterator[Biography]:
        for number in range(self.config.paraphrases):
            rng = self._random(f"biographies {number}")
            people = list(self.people)
            shuffle(people, rng)
            for person in people:
                seen = zip(person.turns, self._n_seen, strict=True)
                wordings = [(turn + number) % n for turn, n in seen]
                yield self._biography(person, wordings, rng)

    def unseen_biographies(self) -> Iterator[Biography]:
        """Yield a biography of everybody in wordings that the corpus does not have."""
        rng = self._random("unseen")
        for person in self.people:
            wordings = [n + below(UNSEEN, rng) for n in self._n_seen]
            yield self._biography(person, wordings, rng)

    def questions(self, *, held_out: bool) -> Iterator[tuple[str, str]]:
        """Yield question and answer, for every relation, about one half of the people.

        With ``backward``, the question for a code is followed by one that asks whose code it is.
        """
        people = list(self.people)
        shuffle(people, self._random("split"))
        half = len(people) // 2
        for person in people[:half] if held_out else people[half:]:
            for relation, value in zip(self.relations, self.values(person), strict=True):
                yield relation.question.format(name=person.name), value
                if self.config.backward and relation.backward:
                    yield relation.backward.format(v=value), person.name

    def _biography(self, person: Person, wordings: Sequence[int], rng: Random) -> Biography:
        order = list(range(len(wordings)))
        if self.config.permute:
            shuffle(order, rng)
        name = person.name
        words = NAME if self.config.full_name else PRONOUNS[person.is_female]
        text, statements = f"{name}.", []
        for i in order:
            relation = self.relations[i]
            value = relation.value(person.values[i])
            before, after = filled(relation.wordings[wordings[i]], words)
            text += before.replace("{name}", name)
            start = len(text)
            statements.append(Statement(i, start, start + len(value)))
            text += value + after.replace("{name}", name)
        return Biography(person, text, tuple(statements))

    @cached_property
    def _n_seen(self) -> list[int]:
        """(relations,) the number of wordings that the corpus uses."""
        return [len(relation.wordings) - UNSEEN for relation in self.relations]

    def _names(self) -> Iterator[tuple[str, bool]]:
        """Yield full names, and whether a woman's; second given names only once pairs run out."""
        pairs = name_pairs(self.config.people, self._random("names"))
        for number, (i, of_one, is_female, surname) in enumerate(pairs):
            names = [of_one[i], surname]
            if again := number // read_words().n_names:
                names.insert(1, of_one[(i + again) % len(of_one)])
            yield " ".join(names), is_female

    def _draw(self, relation: Relation) -> Iterator[int]:
        """Yield the numbers of values, without end: one for each person."""
        name, n, used = relation.name, relation.n_values, set[int]()
        rng = self._random(name)
        if name in self.config.skewed:
            yield from by_share(skewed_shares(n), rng)
        while True:
            number = below(n, rng)
            if number not in used:
                yield number
            if name == CODE:  # no two people share one
                used.add(number)

    def _random(self, purpose: str) -> Random:
        return Random(f"{self.config.seed} {purpose}")  # by the text's SHA-512
