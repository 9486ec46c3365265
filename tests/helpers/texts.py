"""Small texts as the package holds them."""

from nanoknow.data.coding import Coder
from nanoknow.data.corpus import Corpus
from nanoknow.data.tokenizer import SPECIALS, Tokenizer
from nanoknow.data.world.build import WorldFiles


def corpus_of(text: str, name: str = "made.txt") -> Corpus:
    """Return a corpus of any text, also of one that no file would be accepted for."""
    coder = Coder()
    coder.add(text)
    return Corpus(name, "0" * 64, *coder.finish())


def tokenizer_of(text: str, *, specials: bool) -> Tokenizer:
    """Return the vocabulary of any text."""
    return Tokenizer("".join([*(SPECIALS if specials else ()), *sorted(set(text))]))


def texts_of(world: WorldFiles) -> dict[str, str]:
    """Return a world's files, each as one text."""
    return {name: b"".join(pieces).decode() for name, pieces in world.items()}


def corpus_text(world: WorldFiles) -> str:
    """Return all of a world's biographies."""
    return texts_of(world)["wiki.txt"]


def questions_text(world: WorldFiles) -> tuple[str, str, str]:
    """Return a world's train, dev and test questions with their answers."""
    texts = texts_of(world)
    return texts["birth_places_train.tsv"], texts["birth_dev.tsv"], texts["birth_test.tsv"]
