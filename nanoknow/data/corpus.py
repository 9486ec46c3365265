"""The pretraining text, as one array of character codes."""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt

from nanoknow.data.coding import PART, Coder, Codes, code_points
from nanoknow.data.reading import decoded, file_chunks
from nanoknow.errors import DataError

Indices = npt.NDArray[np.int32] | npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Corpus:
    """A pretraining text, a document a line, with line feeds as line ends.

    Attributes:
        name: where it came from, for messages and records.
        sha256: of the bytes it was read from.
        characters: the different ones, sorted.
        codes: (characters of the text,) each one's index in ``characters``.
    """

    name: str
    sha256: str
    characters: str
    codes: Codes

    @cached_property
    def text(self) -> str:
        """The whole text, 1 to 4 bytes a character beside its codes: not for training."""
        return code_points(self.characters)[self.codes].tobytes().decode("utf-32-le")

    @cached_property
    def documents(self) -> tuple[str, ...]:
        """One document a line; a last line end is followed by an empty document."""
        return tuple(self.text.split("\n"))

    def lines(self) -> tuple[Indices, Indices]:
        """Return where each document starts in the text, and its length; both (documents,)."""
        width = np.int32 if len(self.codes) < 2**31 else np.int64
        parts = [indices.astype(width) for indices in self.indices_of("\n")]
        ends = np.append(np.concatenate([*parts, np.empty(0, width)]), width(len(self.codes)))
        starts = np.zeros_like(ends)
        np.add(ends[:-1], 1, out=starts[1:])
        return starts, np.subtract(ends, starts, out=ends)

    def indices_of(self, character: str) -> Iterator[npt.NDArray[np.int64]]:
        """Yield where one character is in the text, in order, many indices at a time."""
        code = self.characters.find(character)
        for start in range(0, len(self.codes), PART) if code >= 0 else ():
            yield np.flatnonzero(self.codes[start : start + PART] == code) + start

    def line_of(self, character: str) -> int:
        """Return the first line that holds a character of ``characters``, from 1."""
        first = next(int(indices[0]) for indices in self.indices_of(character) if len(indices))
        return self.lines_at([first])[0]

    def lines_at(self, indices: Sequence[int]) -> list[int]:
        """Return the line, from 1, of each character of the text at some indices."""
        lines = np.ones(len(indices), np.int64)
        for ends in self.indices_of("\n") if len(indices) else ():
            lines += np.searchsorted(ends, indices)
        return lines.tolist()


def read_corpus(path: Path) -> Corpus:
    """Read a text of one document a line.

    Raises:
        DataError: file:line, what is wrong, what to do.
    """
    return corpus_from_chunks(file_chunks(path), str(path))


def corpus_from_chunks(chunks: Iterable[bytes], name: str) -> Corpus:
    """Check, decode and encode a corpus (see ``read_corpus``) whose bytes are cut anywhere."""
    digest = hashlib.sha256()

    def hashed() -> Iterator[bytes]:
        for chunk in chunks:
            digest.update(chunk)
            yield chunk

    coder = Coder()
    for text in decoded(hashed(), name):
        coder.add(text)
    characters, codes = coder.finish()
    if characters == "\n":
        raise DataError(f"{name}: holds only empty lines: name a text with a document a line")
    return Corpus(name, digest.hexdigest(), characters, codes)
