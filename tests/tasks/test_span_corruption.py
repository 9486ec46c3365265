"""Span corruption makes the textbook's examples, with the distribution the original asks for."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from nanoknow.config.tasks import SpanCorruptionConfig
from nanoknow.data.batch import IGNORE
from nanoknow.tasks.span_corruption import Draw, longest_truncation, reach_of
from tests.helpers.spans import (
    DOCUMENTS,
    assert_uniform,
    draws_of,
    restore,
    rows_of,
    seeded,
    task_on,
    texts_of,
)
from tests.tools.textbook import textbook_corrupt


@given(documents=DOCUMENTS, data=st.data())
def test_arrangement_of_every_example_equals_the_textbooks(
    documents: list[str], data: st.DataObject
) -> None:
    documents = [*documents, "abc"]
    task = task_on(documents, config=SpanCorruptionConfig(keep_empty_documents=True))
    for i, document in enumerate(documents):
        cut = data.draw(st.integers(4, 28))
        n = min(cut, len(document))
        masked = data.draw(st.integers(min(1, n), max(min(1, n), n // 2)))
        start = data.draw(st.integers(0, n - masked))
        parts = (cut - 4, 28 - 4), (masked - 1, max(1, n // 2) - 1), (start, n - masked)
        draw = Draw(*((max(0, number) + 0.5) / (last + 1) for number, last in parts))
        ids, first_target = task.example(i, draw)
        assert task.tokenizer.decode(ids.tolist()) == textbook_corrupt(document, n, start, masked)
        assert first_target == 0


@given(documents=DOCUMENTS, seed=st.integers(0, 99))
def test_every_example_of_a_batch_is_the_textbooks_with_the_same_draws(
    documents: list[str], seed: int
) -> None:
    documents = [*filter(None, documents), "abc"]
    task = task_on(documents)
    for i, document in enumerate(documents):
        [draws] = draws_of(task, torch.tensor([i]), seed).tolist()
        [text] = texts_of(task, task.batch(torch.tensor([i]), seeded(seed)))
        assert text == textbook_corrupt(document, *draws)
    everything = torch.arange(len(documents))
    draws_of_all = draws_of(task, everything, seed).tolist()
    texts = texts_of(task, task.batch(everything, seeded(seed)))
    for text, draws in zip(texts, draws_of_all, strict=True):
        assert text in {textbook_corrupt(document, *draws) for document in documents}


@given(
    documents=DOCUMENTS,
    block_size=st.integers(8, 24),
    share=st.sampled_from([0.7, 0.875, 1.0]),
    seed=st.integers(0, 99),
)
def test_every_example_fits_the_block_and_comes_from_its_document(
    documents: list[str], block_size: int, share: float, seed: int
) -> None:
    documents = [*documents, "abcdabcdabcdabcdabcdabcdabcdabcd"]
    config = SpanCorruptionConfig(max_truncation=share, keep_empty_documents=True)
    task = task_on(documents, block_size, config)
    batch = task.batch(torch.arange(task.n_examples), seeded(seed))
    texts = texts_of(task, batch)
    assert len(texts) == len(documents)
    assert all(len(text) <= block_size for text in texts)
    assert all(len(x) <= task.tokens_per_example == block_size - 1 for x, _ in rows_of(batch))
    longest = min(int(block_size * share), block_size - 2)
    for text in texts:
        restored = restore(text)
        assert len(restored) <= longest
        assert any(
            document.startswith(restored) and len(restored) >= min(4, len(document))
            for document in documents
        )


@given(documents=DOCUMENTS, seed=st.integers(0, 99))
def test_targets_are_the_inputs_moved_by_one_and_pads_carry_no_loss(
    documents: list[str], seed: int
) -> None:
    task = task_on([*documents, "abc"])
    for x, y in rows_of(task.batch(torch.arange(task.n_examples), seeded(seed))):
        length = int((y != IGNORE).sum())
        assert torch.equal(y[: length - 1], x[1:length])
        assert bool((y[:length] != task.tokenizer.pad_id).all())
        assert bool((y[length:] == IGNORE).all())
        # after the last input comes the last target, where the rectangle has room for it
        assert bool((x[length : length + 1] == y[length - 1]).all())
        assert bool((x[length + 1 :] == task.tokenizer.pad_id).all())
        assert int((x == task.tokenizer.mask_id).sum()) == 2


def test_truncation_is_uniform_from_4_to_seven_eighths_of_the_block() -> None:
    task = task_on(["abcd" * 20], block_size=32)
    n = draws_of(task, torch.zeros(25_000, dtype=torch.long))[:, 0]
    assert_uniform(n, 4, 28, tolerance=0.2)


def test_truncation_of_the_original_block_reaches_112_characters() -> None:
    task = task_on(["abcd" * 50], block_size=128)
    n = draws_of(task, torch.zeros(20_000, dtype=torch.long))[:, 0]
    assert (int(n.min()), int(n.max())) == (4, 112)


def test_masked_length_is_uniform_up_to_half_and_its_place_uniform() -> None:
    task = task_on(["abcd" * 20], block_size=18)  # 4 … 15 characters
    n, start, masked = draws_of(task, torch.zeros(60_000, dtype=torch.long)).unbind(1)
    for length in range(4, 16):
        here = n == length
        assert_uniform(masked[here], 1, length // 2, tolerance=0.25)
        for span in range(1, length // 2 + 1):
            assert_uniform(start[here & (masked == span)], 0, length - span, tolerance=0.6)


def test_a_quarter_is_masked_on_average() -> None:
    task = task_on(["abcd" * 200], block_size=512)
    n, _, masked = draws_of(task, torch.zeros(20_000, dtype=torch.long)).double().unbind(1)
    assert float(masked.mean() / n.mean()) == pytest.approx(0.25, abs=0.01)


@pytest.mark.parametrize("document", ["a", "ab", "abc", "abcde", "abcdef"])
def test_masking_is_computed_from_the_actual_length_of_a_short_document(document: str) -> None:
    task = task_on([document], block_size=128)
    n, _, masked = draws_of(task, torch.zeros(4_000, dtype=torch.long)).unbind(1)
    # 104 and more of the 109 truncations are longer than the document: it is used whole
    assert float((n == len(document)).double().mean()) > 0.9
    whole = masked[n == len(document)]
    assert_uniform(whole, 1, max(1, len(document) // 2), tolerance=0.2)


def test_the_same_generator_makes_the_same_batch_and_another_a_different_one() -> None:
    task = task_on(["abcdabcdabcd", "ddccbbaaddccbbaa"])
    indices = torch.arange(2).repeat(8)
    batches = [task.batch(indices, seeded(seed)) for seed in (5, 5, 6)]
    assert texts_of(task, batches[0]) == texts_of(task, batches[1])
    assert batches[0].layout.groups == batches[1].layout.groups
    assert texts_of(task, batches[0]) != texts_of(task, batches[2])


def test_a_document_is_cut_anew_each_time() -> None:
    task = task_on(["abcdabcdabcddcbadcba"])
    generator = seeded()
    examples = {texts_of(task, task.batch(torch.tensor([0]), generator))[0] for _ in range(30)}
    assert len(examples) > 20


def test_all_of_a_document_is_read_only_where_its_salient_spans_are_shown_alone() -> None:
    for salient, dropout in ((0.0, 0.0), (0.0, 0.5), (0.5, 0.0), (0.5, 0.5)):
        config = SpanCorruptionConfig(salient_spans=salient, context_dropout=dropout)
        whole = salient and dropout
        assert reach_of(config, 64) == (None if whole else longest_truncation(config, 64)), config
