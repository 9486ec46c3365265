"""Reads the facts that a text states, by the exact grammar of a world's biographies."""

import re
from collections.abc import Iterator

from nanoknow.data.world.facts import FactWorld
from nanoknow.data.world.words import CODE, DATE, NAME, PRONOUNS, Relation, filled

NUMBERS = {CODE: r"\d{6}", DATE: r"\d{1,2} [A-Z][a-z]+ \d{4}"}
"""Patterns of the values that no list holds."""


class Parser:
    """Reads biographies of all relations in the config's order, in any wording, about any name."""

    def __init__(self, world: FactWorld) -> None:
        """Build the pattern that matches a world's biographies."""
        words = [NAME] if world.config.full_name else PRONOUNS.values()
        pattern = r"([^.]+)\."
        for relation in world.relations:
            pattern += f"(?:{'|'.join(p for each in words for p in _sentences(relation, each))})"
        self._pattern = re.compile(pattern)

    def read(self, text: str) -> tuple[str, tuple[str, ...]] | None:
        """Return the name and the (relations,) values that a text states; None without a match."""
        found = self._pattern.fullmatch(text)
        if found is None:
            return None
        name, *values = (group for group in found.groups() if group is not None)
        return name, tuple(values)


def _sentences(relation: Relation, words: tuple[str, str, str, str]) -> Iterator[str]:
    listed = "|".join(map(re.escape, relation.values)) or NUMBERS[relation.name]
    for wording in relation.wordings:
        before, after = (
            re.escape(part).replace(re.escape("{name}"), r"(?:\1)")
            for part in filled(wording, words)
        )
        yield f"{before}({listed}){after}"
