"""From a world's config to its files, in either of its forms."""

from collections.abc import Iterator

from nanoknow.config.world import WorldConfig
from nanoknow.data.world.facts import FactWorld
from nanoknow.data.world.files import Stream, World
from nanoknow.data.world.make import CORPUS, DEV, TEST, TRAIN, make_world
from nanoknow.errors import ConfigError

MOST_DOCUMENTS = 1_000_000
"""Of a world that is kept in memory; its files may have more."""


def require_small(config: WorldConfig) -> None:
    """Refuse a world of too many documents to be kept in memory.

    Raises:
        ConfigError: names how many it may have.
    """
    drawn = config.drawn
    n = drawn.statements * (1 + drawn.repeats // 20) if drawn else config.people
    if n * config.paraphrases > MOST_DOCUMENTS:
        raise ConfigError(
            f"data.world: {n * config.paraphrases:,} documents, by people and paraphrases or by "
            f"drawn: take {MOST_DOCUMENTS:,} at most, or 'nanoknow data make' and name its files"
        )


def build_world(config: WorldConfig) -> World:
    """Make a world: birthplaces in the forms of the published data, or several relations.

    Raises:
        DataError: the config asks for more people than there are names.
    """
    if not config.relations:
        roles = {"corpus": CORPUS, "questions": TRAIN, "eval": DEV, "test": TEST}
        return World(make_world(config.people, config.paraphrases, config.seed), roles, {})
    world = FactWorld(config)

    def questions(*, held_out: bool) -> Iterator[bytes]:
        return (f"{text}\t{value}\n".encode() for text, value in world.questions(held_out=held_out))

    files = {
        "corpus.txt": Stream(lambda: (f"{each.text}\n".encode() for each in world.biographies())),
        "train.tsv": Stream(lambda: questions(held_out=False)),
        "dev.tsv": Stream(lambda: questions(held_out=True)),
    }
    roles = {"corpus": "corpus.txt", "questions": "train.tsv", "eval": "dev.tsv"}
    return World(files, roles, world.bits())
