"""A world's files, in the formats of the published data."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from nanoknow.errors import DataError
from nanoknow.system.files import write_atomically

LINES = 10_000
"""Biographies written at a time: about a megabyte."""


@dataclass(frozen=True)
class Biographies:
    """A corpus that is assembled part by part: each different line is stored once.

    Attributes:
        wordings: the different lines about each person, with their line feeds.
        paraphrases: biographies of each person; the wordings repeat in order.
        order: of all biographies; biography i is of person ⌊i / paraphrases⌋.
    """

    wordings: list[list[bytes]]
    paraphrases: int
    order: array[int]

    def chunks(self) -> Iterator[bytes]:
        """Yield the bytes of the corpus, about a megabyte at a time."""
        for start in range(0, len(self.order), LINES):
            yield b"".join(map(self._line, self.order[start : start + LINES]))

    def _line(self, number: int) -> bytes:
        person, turn = divmod(number, self.paraphrases)
        wordings = self.wordings[person]
        return wordings[turn % len(wordings)]


@dataclass(frozen=True)
class WorldFiles:
    """The exact content of a world's files; every line ends in one line feed, the last too.

    Attributes:
        biographies: one a line, ``Full Name. Sentence.``
        train: questions with answers, ``Where was X born?<TAB>Place``, of about 60 % of the people.
        dev: the same of about 20 %.
        test_inputs: the questions of ``test``, without answers and tabs.
        test: questions with answers of about the remaining 20 %.
    """

    biographies: Biographies
    train: str
    dev: str
    test_inputs: str
    test: str

    def by_name(self) -> dict[str, Iterable[bytes]]:
        """Return the bytes of each file, by the names that the published data have."""
        return {
            "wiki.txt": self.biographies.chunks(),
            "birth_places_train.tsv": [self.train.encode()],
            "birth_dev.tsv": [self.dev.encode()],
            "birth_test_inputs.tsv": [self.test_inputs.encode()],
            "birth_test.tsv": [self.test.encode()],
        }


def write_world(world: WorldFiles, directory: Path) -> list[Path]:
    """Write a world's files, each by temporary file and rename.

    A file that exists with the same content is kept.

    Returns:
        Their paths.

    Raises:
        DataError: a file exists with different content (then nothing is written), or the folder
            cannot be written.
    """
    contents = {directory / name: chunks for name, chunks in world.by_name().items()}
    try:
        directory.mkdir(parents=True, exist_ok=True)
        missing = [path for path in contents if not path.exists()]
        for path, chunks in contents.items():
            if path not in missing and not _holds(path, chunks):
                advice = "choose another --out, or move it away"
                raise DataError(f"{path} exists with different content: {advice}")
        for path in missing:
            write_atomically(path, contents[path])
    except OSError as error:
        raise DataError(
            f"{directory}: cannot write the world's files ({error}): choose another --out"
        ) from error
    return list(contents)


def _holds(path: Path, chunks: Iterable[bytes]) -> bool:
    """Return whether a file has this content."""
    with path.open("rb") as file:
        return all(file.read(len(chunk)) == chunk for chunk in chunks) and not file.read(1)
