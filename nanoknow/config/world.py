"""The built-in world as data: how many people, what is said of them, and in which words."""

from typing import Annotated, Literal, Self, get_args

from pydantic import BeforeValidator, Field, Strict, model_validator

from nanoknow.config.values import Count, CountOrZero, Frozen, Switch

MIN_PEOPLE = 10
"""Fewest people in a built-in world: dev and test then have two each."""

Relation = Literal["birthplace", "birth date", "university", "employer", "profession", "code"]
RELATIONS: tuple[Relation, ...] = get_args(Relation)
"""The kinds of facts that a world may state about its people."""
Skewed = Literal["birthplace", "university", "employer", "profession"]


def _first_relations(value: object) -> object:
    """Return the first n relations for a number n, and any other value as it is."""
    if type(value) is not int:
        return value
    if not 1 <= value <= len(RELATIONS):
        raise ValueError(f"must be 1 to {len(RELATIONS)} relations, or their names (got {value})")
    return RELATIONS[:value]


class DrawnConfig(Frozen):
    """A corpus of statements drawn with replacement: some facts come often, many once or never."""

    statements: Count = 2000
    """Number of draws."""
    exponent: Annotated[float, Strict(), Field(ge=0.0, le=40.0)] = 1.0
    """The probability of drawing the person of rank r is proportional to r^-exponent."""
    repeats: Count = 1
    """How often each statement in the first twentieth of the draws comes."""


class WorldConfig(Frozen):
    """The built-in synthetic world (``nanoknow data make`` writes it to files)."""

    people: Annotated[int, Strict(), Field(ge=MIN_PEOPLE, lt=2**63)] = 1000
    paraphrases: Count = 3
    """Biographies per person, in different words."""
    seed: CountOrZero = 0
    relations: Annotated[tuple[Relation, ...], BeforeValidator(_first_relations)] = ()
    """Independent facts about each person: their names, or how many; none: birthplaces alone."""
    permute: Switch = False
    """Shuffle the relations in each biography."""
    full_name: Switch = False
    """Use the name in every sentence, not a pronoun."""
    skewed: tuple[Skewed, ...] = ()
    """Relations whose values are drawn by Zipf's law, not uniformly."""
    backward: Switch = False
    """Also ask questions that name a code and ask whose it is."""
    drawn: DrawnConfig | None = None
    """Draw the corpus from the biographies, with replacement."""

    @model_validator(mode="after")
    def _forms_need_relations(self) -> Self:
        forms = ("permute", "full_name", "skewed", "backward", "drawn")
        if not self.relations and any(getattr(self, form) for form in forms):
            raise ValueError("permute, full_name, skewed, backward and drawn need relations")
        if self.drawn and (self.permute or self.paraphrases > 1):
            raise ValueError("drawn statements have one form each: paraphrases 1, not permuted")
        if len(set(self.relations)) < len(self.relations):
            raise ValueError("a relation comes twice")
        needed = {*self.skewed, *(["code"] if self.backward else [])} - {*self.relations}
        if needed:
            raise ValueError(f"skewed or backward need {', '.join(sorted(needed))} as a relation")
        return self

    def __str__(self) -> str:
        forms = {
            "permuted": self.permute,
            "full names": self.full_name,
            "asked backward too": self.backward,
        }
        sizes = [f"people {self.people}", f"paraphrases {self.paraphrases}", *self.relations]
        sizes += [name for name, is_so in forms.items() if is_so]
        sizes += [f"skewed {name}" for name in self.skewed]
        sizes += [f"{key} {value:g}" for key, value in self.drawn or ()]
        return f"built-in world ({', '.join(sizes)}, seed {self.seed})"
