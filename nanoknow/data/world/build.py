"""From a world's config to its files, in either of its forms."""

from collections.abc import Iterator

from nanoknow.config.experiment import WorldConfig
from nanoknow.data.world.facts import FactWorld
from nanoknow.data.world.files import Stream, World
from nanoknow.data.world.make import CORPUS, DEV, TEST, TRAIN, make_world


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
