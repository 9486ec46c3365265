"""Document modelling reads every document whole, from the line end before it to its own."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from nanoknow.config.tasks import DocumentModelingConfig
from nanoknow.data.batch import IGNORE, Batch
from nanoknow.data.questions import questions_from_bytes
from nanoknow.data.tokenizer import MASK
from nanoknow.errors import ConfigError, DataError
from nanoknow.tasks.document_modeling import DocumentModeling
from nanoknow.tasks.registry import build_task
from tests.helpers.texts import corpus_of, tokenizer_of

LIVES = "Ada Lowe was born in Riga.\n\nTom Ash was a cook.\nAnn.\n"


def read_back(batch: Batch, text: str) -> set[tuple[str, str]]:
    """Return what each row of a batch shows and what it asks to be predicted."""
    tokenizer = tokenizer_of(text, specials=True)
    found = set()
    rectangles = (batch.layout.rectangles(each) for each in (batch.tokens, batch.targets))
    for xs, ys in zip(*rectangles, strict=True):
        for x, y in zip(xs, ys, strict=True):
            wanted = (y != IGNORE).nonzero()[:, 0]
            shown = x[: int(wanted[-1]) + 1]
            found.add((tokenizer.decode(shown.tolist()), tokenizer.decode(y[wanted].tolist())))
    return found


@given(
    documents=st.lists(st.text("abcd é", max_size=40), min_size=2, max_size=12),
    block_size=st.integers(1, 50),
    ends=st.booleans(),
)
def test_every_document_is_between_line_ends_and_cut_at_the_block(
    documents: list[str], block_size: int, ends: bool
) -> None:
    text = "\n".join(documents) + "\n" * ends
    expected = {
        (whole[:-1][:block_size], whole[1:][:block_size])
        for document in documents
        if document
        for whole in [f"\n{document}\n"]
    }
    if not expected:
        return
    task = DocumentModeling(corpus_of(text), tokenizer_of(text, specials=True), block_size)
    assert task.n_examples == sum(map(bool, documents))
    assert read_back(task.batch(torch.arange(task.n_examples), torch.Generator()), text) == expected


def test_documents_that_do_not_fit_are_counted() -> None:
    tokenizer = tokenizer_of(LIVES, specials=True)
    [note] = DocumentModeling(corpus_of(LIVES), tokenizer, 20).notes
    assert note == "made.txt: 1 of 3 documents are longer than block_size 20, and cut"
    assert DocumentModeling(corpus_of(LIVES), tokenizer, 27).notes == []


def test_one_document_alone_is_refused() -> None:
    with pytest.raises(DataError, match=r"^made\.txt: holds one document alone: name a text"):
        DocumentModeling(corpus_of("Ada."), tokenizer_of("Ada.\n", specials=True), 8)


def test_questions_are_mixed_in_where_the_config_asks_for_them() -> None:
    asked = "Where was Ada Lowe born?\tRiga"
    config, text = DocumentModelingConfig(questions_per_document=1.0), LIVES + asked
    tokenizer = tokenizer_of(text, specials=True)
    questions = questions_from_bytes(asked.encode(), "q.tsv")
    task = build_task(config, corpus_of(LIVES), questions, tokenizer, 64)
    rows = read_back(task.batch(torch.arange(3), torch.Generator().manual_seed(0)), text)
    assert ("\nTom Ash was a cook.", "Tom Ash was a cook.\n") in rows
    assert (f"Where was Ada Lowe born?{MASK}Riga", f"{MASK}Riga{MASK}") in rows
    with pytest.raises(ConfigError, match=r"^data\.questions: document_modeling trains on it"):
        build_task(config, corpus_of(LIVES), None, tokenizer, 64)
