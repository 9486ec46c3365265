"""The pretraining text, as one array of character codes.

Large texts are encoded once, into files that later runs map into memory. These are in
``$XDG_CACHE_HOME/nanoknow`` (``~/.cache/nanoknow``), named by a hash of the text's path, size and
time of change, and may be deleted at any time. Those not read for 30 days are deleted when a new
one is made.
"""

import hashlib
import itertools
import json
import os
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from nanoknow.config.experiment import DocumentForm
from nanoknow.data.coding import PART, Coder, Codes, code_points
from nanoknow.data.reading import decoded, file_chunks
from nanoknow.data.rows import form_of, read_rows
from nanoknow.errors import DataError
from nanoknow.system.files import open_regular, read_regular, replacing, write_atomically
from nanoknow.system.plain import to_json

FORMS = "a table (.csv, .tsv) or JSON with a column 'text'"
MAPPED_FROM = 64 << 20
"""Size in bytes from which on a text is mapped: 64 MiB."""
FORMAT = 2
UNREAD = 30 * 86400
"""Seconds without being read after which a file is deleted: 30 days."""
Found = tuple[int, str, str]
"""A document as it is read: the number of its first line, whom it is about, its text."""
Indices = npt.NDArray[np.int32] | npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Corpus:
    """A pretraining text of documents, with line feeds between them.

    Attributes:
        name: where it came from, for messages and records.
        sha256: hash of the bytes that it was read from.
        characters: the different characters, sorted.
        codes: (characters of the text,) the index of each in ``characters``.
        names: (documents,) whom each is about, empty if its row names nobody; None if no row
            names anybody.
        first_lines: (documents,) the line of the file that each begins on, from 1; None where
            every line is a document.
    """

    name: str
    sha256: str
    characters: str
    codes: Codes
    names: tuple[str, ...] | None = None
    first_lines: Indices | None = None

    @cached_property
    def text(self) -> str:
        """The whole text, at 1 to 4 bytes a character beside its codes: too large for training."""
        return code_points(self.characters)[self.codes].tobytes().decode("utf-32-le")

    @cached_property
    def documents(self) -> tuple[str, ...]:
        """The documents, split at line feeds; after a last line feed there is an empty one."""
        return tuple(self.text.split("\n"))

    def lines(self) -> tuple[Indices, Indices]:
        """Return the start of each document in the text and its length; both (documents,)."""
        width = np.int32 if len(self.codes) < 2**31 else np.int64
        parts = (indices.astype(width) for indices in self.indices_of("\n"))
        ends = np.concatenate([*parts, np.array([len(self.codes)], width)])
        starts = np.append(width(0), ends[:-1] + 1)
        return starts, ends - starts

    def indices_of(self, character: str) -> Iterator[npt.NDArray[np.int64]]:
        """Yield the indices at which a character is in the text, in order, many at a time."""
        code = self.characters.find(character)
        for start in range(0, len(self.codes), PART) if code >= 0 else ():
            yield np.flatnonzero(self.codes[start : start + PART] == code) + start

    def line_of(self, character: str) -> int:
        """Return the first line that holds a character of ``characters``, from 1."""
        first = next(int(indices[0]) for indices in self.indices_of(character) if len(indices))
        return self.lines_at([first])[0]

    def lines_at(self, indices: Sequence[int]) -> list[int]:
        """Return, for some indices, the line of the file, from 1, that their document begins on.

        Args:
            indices: of characters in the text.
        """
        starts, _ = self.lines()
        documents = np.searchsorted(starts, indices, side="right") - 1
        return [self.first_line(document) for document in documents.tolist()]

    def first_line(self, document: int) -> int:
        """Return the line of the file, from 1, that a document begins on."""
        return document + 1 if self.first_lines is None else int(self.first_lines[document])

    def where(self, document: int) -> str:
        """Return ``file:line`` of a document's beginning."""
        return f"{self.name}:{self.first_line(document)}"


def read_corpus(path: Path, documents: DocumentForm = "lines") -> Corpus:
    """Read a text: lines or paragraphs, as ``documents`` says, or the rows of a table or JSON.

    Raises:
        DataError: file:line, what is wrong, what to do.
    """
    if documents == "lines" and (large := _mapped(path)):
        return large
    return corpus_from_chunks(file_chunks(path), str(path), documents)


def _mapped(path: Path) -> Corpus | None:
    """Return a large text mapped into memory; encode it first if that was not done yet.

    Returns:
        None if it is small, holds rows, is not a regular file, or the cache cannot be written.
    """
    try:
        found = path.stat()
        if not path.is_file() or found.st_size < MAPPED_FROM:
            return None
        place = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "nanoknow"
        place.mkdir(parents=True, exist_ok=True)
        key = f"{FORMAT} {path.resolve()} {found.st_size} {found.st_mtime_ns}"
        name = hashlib.sha256(key.encode(errors="surrogateescape")).hexdigest()[:32]
        codes, record = place / f"{name}.codes", place / f"{name}.json"
        if known := _open(path, codes, record):
            return known
        for old in place.iterdir():
            with suppress(OSError):  # a folder, or what another process has just deleted
                if old.stat().st_atime < time.time() - UNREAD:
                    old.unlink()
        with replacing(codes) as file:
            made = corpus_from_chunks(file_chunks(path), str(path), file=file)
            if made.first_lines is not None:
                raise OSError("rows are not kept")
            about = {"sha256": made.sha256, "characters": made.characters}
            width = made.codes.dtype.str
            del made
        write_atomically(record, to_json({**about, "width": width}).encode())
        return _open(path, codes, record)
    except (OSError, RuntimeError, ValueError):  # no home; a NUL in the name, which reading refuses
        return None


def _open(path: Path, codes: Path, record: Path) -> Corpus | None:
    """Map a text's file of codes; None if it is missing or does not fit its record."""
    with suppress(OSError, ValueError, KeyError, TypeError), open_regular(codes) as file:
        about: dict[str, Any] = json.loads(read_regular(record))
        # Copy on write, as torch wants writable memory; nothing is written.
        mapped = np.memmap(file, about["width"], "c")
        return Corpus(str(path), about["sha256"], about["characters"], mapped)
    return None


def corpus_from_chunks(
    chunks: Iterable[bytes],
    name: str,
    documents: DocumentForm = "lines",
    file: IO[bytes] | None = None,
) -> Corpus:
    """Check, decode and encode a corpus (see ``read_corpus``) from chunks of bytes, cut anywhere.

    Codes are kept in ``file``, if given; see ``Coder``.
    """
    digest = hashlib.sha256()
    coder, first_lines, names = Coder(file), None, None
    texts = decoded(chunks, name, digest.update)
    first = next(texts)
    form, texts = form_of(first, name, "text"), itertools.chain([first], texts)
    if form is None and documents == "lines":
        for text in texts:
            coder.add(text)
    else:
        whole = "".join(texts)
        found = list(_rows(form, whole, name) if form else _paragraphs(whole))
        coder.add("\n".join(text for *_, text in found))
        first_lines = np.array([line for line, *_ in found], np.int64)
        if any(subject for _, subject, _ in found):
            names = tuple(subject for _, subject, _ in found)
    characters, codes = coder.finish()
    if characters in ("", "\n"):
        what = "no rows" if form else "only empty lines"
        raise DataError(f"{name}: holds {what}: name a text with a document a line, or {FORMS}")
    return Corpus(name, digest.hexdigest(), characters, codes, names, first_lines)


def _rows(form: str, text: str, name: str) -> Iterator[Found]:
    for row in read_rows(form, text, name, "text", ("name",)):
        document = row.text("text")
        if not document.strip():
            raise DataError(f"{row.where}: no text: write one, or delete the row")
        yield row.line, row.text("name").strip(), document


def _paragraphs(text: str) -> Iterator[Found]:
    numbered = enumerate(text.split("\n"), start=1)
    for is_text, group in itertools.groupby(numbered, lambda each: bool(each[1].strip())):
        if is_text:
            numbers, lines = zip(*group, strict=True)
            yield numbers[0], "", " ".join(lines)
