"""Documents and questions, as the package holds them, and where their files are found."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt

from nanoknow.data.coding import PART, Coder, Codes, code_points
from nanoknow.data.reading import decoded, file_pieces
from nanoknow.errors import DataError

Places = npt.NDArray[np.int32] | npt.NDArray[np.int64]


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

    def lines(self) -> tuple[Places, Places]:
        """Return where each document starts in the text, and its length; both (documents,)."""
        width = np.int32 if len(self.codes) < 2**31 else np.int64
        parts = [places.astype(width) for places in self.places_of("\n")]
        ends = np.append(np.concatenate([*parts, np.empty(0, width)]), width(len(self.codes)))
        starts = np.zeros_like(ends)
        np.add(ends[:-1], 1, out=starts[1:])
        return starts, np.subtract(ends, starts, out=ends)

    def places_of(self, character: str) -> Iterator[npt.NDArray[np.int64]]:
        """Yield the places of one character in the text, in order, many at a time."""
        code = self.characters.find(character)
        for start in range(0, len(self.codes), PART) if code >= 0 else ():
            yield np.flatnonzero(self.codes[start : start + PART] == code) + start

    def line_of(self, character: str) -> int:
        """Return the first line that holds a character of ``characters``, from 1."""
        first = next(int(places[0]) for places in self.places_of(character) if len(places))
        return self.lines_at([first])[0]

    def lines_at(self, places: Sequence[int]) -> list[int]:
        """Return the line that each place of the text is in, from 1."""
        lines = np.ones(len(places), np.int64)
        for ends in self.places_of("\n") if len(places) else ():
            lines += np.searchsorted(ends, places)
        return lines.tolist()


@dataclass(frozen=True)
class Question:
    """One question, its answer where the file has answers, and its line."""

    text: str
    answer: str | None
    line: int


@dataclass(frozen=True)
class QuestionSet:
    """The questions of one file; either all of them have answers or none."""

    name: str
    items: tuple[Question, ...]
    sha256: str

    @property
    def answered(self) -> bool:
        """Whether the file has answers."""
        return self.items[0].answer is not None

    def characters(self, *, answers: bool) -> str:
        """Return each character of the questions once, and of the answers too when asked."""
        texts = (q.text + (q.answer or "" if answers else "") for q in self.items)
        return "".join(dict.fromkeys("".join(texts)))


def read_corpus(path: Path) -> Corpus:
    """Read a text of one document a line.

    Raises:
        DataError: file:line, what is wrong, what to do.
    """
    return corpus_from_pieces(file_pieces(path), str(path))


def read_questions(path: Path) -> QuestionSet:
    """Read ``question<TAB>answer`` lines, or questions alone when no line has a tab.

    Raises:
        DataError: file:line, what is wrong, what to do.
    """
    return questions_from_bytes(b"".join(file_pieces(path)), str(path))


def corpus_from_pieces(pieces: Iterable[bytes], name: str) -> Corpus:
    """Check, decode and encode a corpus (see ``read_corpus``) whose bytes are cut anywhere."""
    digest = hashlib.sha256()

    def hashed() -> Iterator[bytes]:
        for piece in pieces:
            digest.update(piece)
            yield piece

    coder = Coder()
    for text in decoded(hashed(), name):
        coder.add(text)
    characters, codes = coder.finish()
    if characters == "\n":
        raise DataError(f"{name}: holds only empty lines: name a text with a document a line")
    return Corpus(name, digest.hexdigest(), characters, codes)


def questions_from_bytes(raw: bytes, name: str) -> QuestionSet:
    """Check and decode a file of questions (see ``read_questions``)."""
    lines = "".join(decoded([raw], name)).removesuffix("\n").split("\n")
    answered = any("\t" in line for line in lines)
    items = [_parse_line(line, i, name, answered) for i, line in enumerate(lines, start=1)]
    return QuestionSet(name, tuple(items), hashlib.sha256(raw).hexdigest())


def _parse_line(line: str, number: int, name: str, answered: bool) -> Question:
    where = f"{name}:{number}"
    if not line.strip():
        raise DataError(f"{where}: an empty line: delete it")
    if not answered:
        return Question(line, None, number)
    parts = line.split("\t")
    if len(parts) == 1:
        raise DataError(f"{where}: no tab, where other lines have one: write question<TAB>answer")
    if len(parts) > 2:
        raise DataError(f"{where}: {len(parts) - 1} tabs: write question<TAB>answer with one tab")
    question, answer = parts
    for part, what in ((question, "question"), (answer, "answer")):
        if not part.strip():
            raise DataError(f"{where}: no {what}: write question<TAB>answer")
    return Question(question, answer, number)


def locate(path: Path) -> Path:
    """Find a data file: as it is named, else in the data folder or a folder in it.

    The data folder is ``NANOKNOW_DATA``, or ``./data``, where ``nanoknow data fetch`` writes.

    Raises:
        DataError: it is in none of these places, or in several folders of the data folder.
    """
    if path.is_absolute() or _is_there(path):
        return path
    folder = data_folder()
    if _is_there(folder / path):
        return folder / path
    found = sorted(place / path for place in folder.glob("*") if _is_there(place / path))
    if len(found) > 1:
        raise DataError(f"{path}: could be {' or '.join(map(str, found))}: name it with its folder")
    if found:
        return found[0]
    raise DataError(
        f"{path}: no such file, here or in {folder}{os.sep}: name another, or get the published "
        f"data with 'nanoknow data fetch birthplaces' (or shakespeare)"
    )


def _is_there(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:  # a name that is too long, a folder that may not be searched
        return False


def data_folder() -> Path:
    """Return the folder of fetched data."""
    return Path(os.environ.get("NANOKNOW_DATA") or "data")
