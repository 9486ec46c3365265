"""From a world's config to its files, in the formats of the published data."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from nanoknow.config.world import WorldConfig
from nanoknow.data.world.facts import FactWorld
from nanoknow.data.world.make import CORPUS, DEV, TEST, TRAIN, make_world
from nanoknow.errors import ConfigError, DataError, naming
from nanoknow.system.files import open_regular, write_atomically

MOST_DOCUMENTS = 1_000_000
"""Most documents of a world that is kept in memory; files of ``data make`` may have more."""
WorldFiles = Mapping[str, Iterable[bytes]]
"""The content of a world's files, by name, as lines that include their line feeds."""


@dataclass(frozen=True)
class Stream:
    """Lines that are made again on each iteration and are never all in memory.

    Attributes:
        make: yields the lines, without line feeds.
    """

    make: Callable[[], Iterator[str]]

    def __iter__(self) -> Iterator[bytes]:
        """Yield the lines, encoded and with line feeds."""
        return (f"{line}\n".encode() for line in self.make())


@dataclass(frozen=True)
class World:
    """A world as its files.

    Attributes:
        files: the content of every file.
        roles: file names by role: corpus, questions, eval and, if there is one, test.
        bits: information in each relation's facts; empty for a world without ``relations``.
    """

    files: WorldFiles
    roles: Mapping[str, str]
    bits: Mapping[str, float]


def require_small(config: WorldConfig) -> None:
    """Refuse a world with too many documents to be kept in memory.

    Raises:
        ConfigError: it has more than ``MOST_DOCUMENTS``.
    """
    drawn = config.drawn
    n = drawn.statements * (20 + drawn.repeats) // 20 if drawn else config.people
    if n * config.paraphrases > MOST_DOCUMENTS:
        raise ConfigError(
            f"data.world: {n * config.paraphrases:,} documents, by people and paraphrases or by "
            f"drawn: take {MOST_DOCUMENTS:,} at most, or 'nanoknow data make' and name its files"
        )


def build_world(config: WorldConfig) -> World:
    """Make a world: of birthplaces, in the form of the published data, or of given relations.

    Raises:
        DataError: the config asks for more people than there are names.
    """
    if not config.relations:
        roles = {"corpus": CORPUS, "questions": TRAIN, "eval": DEV, "test": TEST}
        return World(make_world(config.people, config.paraphrases, config.seed), roles, {})
    world = FactWorld(config)
    files = {
        "corpus.txt": Stream(lambda: (each.text for each in world.biographies())),
        "train.tsv": Stream(lambda: map("\t".join, world.questions(held_out=False))),
        "dev.tsv": Stream(lambda: map("\t".join, world.questions(held_out=True))),
    }
    roles = {"corpus": "corpus.txt", "questions": "train.tsv", "eval": "dev.tsv"}
    return World(files, roles, world.bits())


def write_world(world: WorldFiles, directory: Path) -> list[Path]:
    """Write a world's files, each whole or not at all; one with the same content is kept.

    Returns:
        Their paths.

    Raises:
        DataError: a file exists with different content (then nothing is written), or the folder
            cannot be written.
    """
    contents = {directory / name: lines for name, lines in world.items()}
    with naming(f"{directory}: cannot write the world's files", "choose another --out", DataError):
        directory.mkdir(parents=True, exist_ok=True)
        missing = [path for path in contents if not path.exists()]
        for path, lines in contents.items():
            if path not in missing and not _holds(path, lines):
                advice = "choose another --out, or move it away"
                raise DataError(f"{path} exists with different content: {advice}")
        for path in missing:
            write_atomically(path, contents[path])
    return list(contents)


def _holds(path: Path, lines: Iterable[bytes]) -> bool:
    """Return whether a file has exactly this content."""
    with open_regular(path) as file:
        return all(file.read(len(line)) == line for line in lines) and not file.read(1)
