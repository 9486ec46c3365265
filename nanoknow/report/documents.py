"""Documents that the questions are about, each with the span that pretraining hid in it."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from nanoknow.data.tokenizer import MASK
from nanoknow.errors import ConfigError, DataError
from nanoknow.evaluation.answering_run import AnsweringRun
from nanoknow.evaluation.answers import Answer
from nanoknow.system.seeds import derive_seed, new_generator
from nanoknow.tasks.inspection import example_of
from nanoknow.tasks.span_corruption import SpanCorruption

SHOWN = 4
DRAWS = 100
"""Examples drawn of the first document, to find one that hides the right answer."""


@dataclass(frozen=True)
class ShownDocument:
    """A document, an example that pretraining made of it, and a question about it.

    Attributes:
        text: the document.
        name: its subject's name, as the question writes it.
        read: the part that the model read, with masks; empty where pretraining hid nothing.
        hidden: the text that it learned to write after that.
        answer: the run's answer to the question.
    """

    text: str
    name: str
    read: str
    hidden: str
    answer: Answer


def show_documents(
    opened: AnsweringRun, answers: Sequence[Answer], seed: int
) -> list[ShownDocument]:
    """Return at most ``SHOWN`` documents: one of a right answer, if any, then the first others.

    Args:
        opened: the run; its pretraining task makes the examples.
        answers: the run's answers.
        seed: decides what each example hides.
    """
    facts = opened.facts
    if facts is None:
        return []
    about: dict[int, Answer] = {}
    for answer in answers:
        for index in facts.indices_about(answer.question)[:1]:
            about.setdefault(index, answer)
    first = next((i for i, a in about.items() if a.is_right and a.in_document), None)
    chosen = sorted(about, key=lambda i: i != first)[:SHOWN]
    made, seed, shown = None, derive_seed(seed, "documents"), []
    with suppress(ConfigError, DataError):  # not pretrained, or a text is missing
        made = opened.pretraining_documents
    for i in chosen:
        gold = about[i].gold[0] if i == first else ""
        hidden = _example(made, i, gold, seed) if isinstance(made, SpanCorruption) else ("", "")
        name = facts.name_in(about[i].question) or ""
        shown.append(ShownDocument(facts.corpus.documents[i], name, *hidden, about[i]))
    return shown


def _example(made: SpanCorruption, document: int, gold: str, seed: int) -> tuple[str, str]:
    """Return what an example shows and what it hides: ``gold``, if that is given and can be."""
    index = made.documents.tolist().index(document)
    examples = []
    for draw in range(DRAWS if gold else 1):
        generator = new_generator(seed, f"document {document}, {draw}")
        text = "".join(example_of(made, made.tokenizer, index, generator))
        read, mask, hidden = text.rstrip(MASK).rpartition(MASK)
        examples.append((read + mask, hidden))
    return min(examples, key=lambda e: (gold not in e[1], len(e[1]), -len(e[0])))
