"""Characters to ids and back."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from nanoknow.data.corpus import Corpus
from nanoknow.errors import DataError

PAD = "\u25a1"
"""White square: pads a sequence to the length of others. Always id 0 where it exists."""
MASK = "\u2047"
"""Double question mark: replaces the hidden span, and asks for an answer. Always id 1."""
SPECIALS = (PAD, MASK)
MOST_NAMED = 20
"""Most characters that a message names."""

Ids = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Tokenizer:
    """A character vocabulary: ``characters[i]`` has id ``i``.

    Span corruption and question answering start it with ``SPECIALS``; language modelling has
    the characters of its text alone.

    Attributes:
        reads_marks: whether ``SPECIALS`` in a text are read as marks, as in texts that nanoknow
            has made. Otherwise they count as characters that the vocabulary does not hold.
    """

    characters: str
    reads_marks: bool = False

    @classmethod
    def from_corpus(cls, corpus: Corpus, others: str = "", *, specials: bool) -> Tokenizer:
        """Build a vocabulary: the specials, if asked for, then the characters of texts, sorted.

        Args:
            corpus: the text.
            others: characters of the training questions; used only with specials.
            specials: whether the vocabulary has them; without, it is that of the corpus alone.

        Raises:
            DataError: with specials, the text holds one of them itself.
        """
        if not specials:
            return cls(corpus.characters)
        refuse_marks(corpus.characters, lambda mark: f"{corpus.name}:{corpus.line_of(mark)}")
        return cls("".join([*SPECIALS, *sorted({*corpus.characters, *others})]))

    def __len__(self) -> int:
        return len(self.characters)

    @property
    def pad_id(self) -> int:
        """The id of ``PAD``; only a vocabulary with specials has one."""
        return self.characters.index(PAD)

    @property
    def mask_id(self) -> int:
        """The id of ``MASK``; only a vocabulary with specials has one."""
        return self.characters.index(MASK)

    @cached_property
    def _ids(self) -> dict[str, int]:
        """The id of each character that ``encode`` accepts."""
        has_marks = self.characters.startswith("".join(SPECIALS))
        left_out = SPECIALS if has_marks and not self.reads_marks else ()
        return {c: i for i, c in enumerate(self.characters) if c not in left_out}

    def encode(self, text: str) -> Ids:
        """Return the ids of a text whose characters are all known.

        Raises:
            DataError: names the characters that the vocabulary does not hold.
        """
        if unknown := self.unknown(text):
            raise DataError(f"the vocabulary of {len(self)} characters has no {describe(unknown)}")
        return self.encode_known(text)

    def encode_known(self, text: str) -> Ids:
        """Return the ids of a text; characters that the vocabulary does not hold are left out."""
        ids = self._ids
        return np.array([ids[c] for c in text if c in ids], np.int64)

    def unknown(self, text: str) -> list[str]:
        """Return the characters of a text that the vocabulary does not hold, in order."""
        return [c for c in text if c not in self._ids]

    def decode(self, ids: Iterable[int]) -> str:
        """Return the text that ids stand for."""
        return "".join(self.characters[int(i)] for i in ids)


def refuse_marks(text: str, where: Callable[[str], str]) -> None:
    """Check that a text from outside holds none of ``SPECIALS``.

    Args:
        text: the text to check.
        where: returns, for the error, the place of a character in the text.

    Raises:
        DataError: it holds one.
    """
    for mark in SPECIALS:
        if mark in text:
            reason = f"holds {describe([mark])}, which nanoknow uses as a marker"
            raise DataError(f"{where(mark)}: {reason}: replace it in the text")


def describe(characters: Sequence[str]) -> str:
    """Name some characters for a message, each once: ``'é' (U+00E9), '→' (U+2192)``."""
    named = [f"{c!r} (U+{ord(c):04X})" for c in dict.fromkeys(characters)]
    rest = len(named) - MOST_NAMED
    return ", ".join(named[:MOST_NAMED]) + f", and {rest:,} more" * (rest > 0)
