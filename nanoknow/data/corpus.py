"""Reading documents and questions, and refusing what would be misread."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from nanoknow.errors import DataError

LFS_POINTER = b"version https://git-lfs.github.com/spec/"


@dataclass(frozen=True)
class Corpus:
    """A pretraining text.

    Attributes:
        name: where it came from, for messages and records.
        text: its characters, line ends as line feeds.
        sha256: of the bytes it was read from.
    """

    name: str
    text: str
    sha256: str

    @cached_property
    def documents(self) -> tuple[str, ...]:
        """One document a line; a last line end is followed by an empty document."""
        return tuple(self.text.split("\n"))


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
    raw = _read_bytes(path)
    return corpus_from_bytes(raw, str(path))


def read_questions(path: Path) -> QuestionSet:
    """Read ``question<TAB>answer`` lines, or questions alone when no line has a tab.

    Raises:
        DataError: file:line, what is wrong, what to do.
    """
    return questions_from_bytes(_read_bytes(path), str(path))


def corpus_from_bytes(raw: bytes, name: str) -> Corpus:
    """Check and decode a corpus (see ``read_corpus``)."""
    text = _decode(raw, name)
    if not text.strip("\n"):
        raise DataError(f"{name}: holds only empty lines: name a text with a document a line")
    return Corpus(name, text, hashlib.sha256(raw).hexdigest())


def questions_from_bytes(raw: bytes, name: str) -> QuestionSet:
    """Check and decode a file of questions (see ``read_questions``)."""
    lines = _decode(raw, name).removesuffix("\n").split("\n")
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


def _read_bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except IsADirectoryError:
        raise DataError(f"{path}: is a folder: name a file in it") from None
    except FileNotFoundError:
        raise DataError(f"{path}: no such file: check the name") from None
    except OSError as error:
        raise DataError(f"{path}: {error.strerror}: make it readable, or name another") from None
    except ValueError:  # a NUL in the name
        raise DataError(f"{str(path)!r}: no name of a file: check it") from None


def _decode(raw: bytes, name: str) -> str:
    if not raw:
        raise DataError(f"{name}: an empty file: was it written completely?")
    if raw.startswith(LFS_POINTER):
        raise DataError(f"{name}:1: a Git LFS pointer, not the data: run 'git lfs pull'")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        # ``error.object`` is ``raw`` without its byte order mark, and ``start`` counts from there.
        line = error.object.count(b"\n", 0, error.start) + 1
        byte = error.object[error.start]
        raise DataError(
            f"{name}:{line}: byte 0x{byte:02x} is not UTF-8: save the file as UTF-8"
        ) from None
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise DataError(f"{name}:{line}: a NUL character: is this a text file?")
    text = text.replace("\r\n", "\n")
    if not text:
        raise DataError(f"{name}: an empty file: was it written completely?")
    return text
