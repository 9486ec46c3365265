"""Batches of span corruption: packed, whole and in few shapes."""

from collections import Counter
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from nanoknow.config.loading import load_config
from nanoknow.config.tasks import SpanCorruptionConfig
from nanoknow.data.batch import IGNORE, Batch, Group, pack
from nanoknow.data.corpus import read_corpus
from nanoknow.data.tokenizer import MASK, Tokenizer
from nanoknow.errors import ConfigError, DataError
from nanoknow.tasks.span_corruption import SpanCorruption
from tests.helpers.spans import restore, rows_of, seeded, task_on, texts_of


def test_empty_documents_are_left_out_and_noted() -> None:
    task = task_on(["abcd", "", "dcba", "", ""])
    assert task.n_examples == 2
    assert task.notes == ["left out 2 empty documents"]
    texts = texts_of(task, task.batch(torch.arange(2), seeded()))
    assert sorted(map(restore, texts)) == ["abcd", "dcba"]


def test_empty_documents_count_as_examples_where_the_config_keeps_them() -> None:
    config = SpanCorruptionConfig(keep_empty_documents=True)
    task = task_on(["abcd", "", "dcba", ""], config=config)
    assert task.n_examples == 4
    assert task.notes == []
    texts = texts_of(task, task.batch(torch.arange(4), seeded()))
    assert sorted(map(restore, texts)) == ["", "", "abcd", "dcba"]
    assert texts.count(MASK + MASK) == 2


def test_a_corpus_of_empty_documents_alone_is_refused() -> None:
    with pytest.raises(DataError, match=r"^made\.txt: no documents"):
        task_on(["", ""])


def test_a_block_too_small_for_the_shortest_truncation_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"min_truncation 7: .* 6 characters for block_size 8"):
        task_on(["abcdabcd"], 8, SpanCorruptionConfig(min_truncation=7))


@given(chosen=st.lists(st.integers(0, 19), min_size=1, max_size=70), seed=st.integers(0, 9))
def test_a_batch_of_any_size_keeps_every_example(chosen: list[int], seed: int) -> None:
    documents = [f"{i:02d}__" + "ab" * i for i in range(20)]
    task = task_on(documents)
    batch = task.batch(torch.tensor(chosen), seeded(seed))
    found = Counter(int(restore(text)[:2]) for text in texts_of(task, batch))
    assert found == Counter(chosen)
    assert sum(group.n_sequences for group in batch.layout.groups) == len(chosen)
    n_tokens = sum(group.n_tokens for group in batch.layout.groups)
    assert n_tokens == len(batch.tokens) == len(batch.targets)
    for positions in batch.layout.rectangles(batch.layout.positions):
        assert torch.equal(positions, torch.arange(positions.shape[1]).expand_as(positions))


@given(lengths=st.lists(st.integers(1, 12), min_size=1, max_size=60), seed=st.integers(0, 9))
def test_packing_keeps_every_row_whole(lengths: list[int], seed: int) -> None:
    rows = torch.randint(1, 1000, (len(lengths), 12), generator=seeded(seed))
    targets = torch.randint(1, 1000, (len(lengths), 12), generator=seeded(seed + 100))
    beyond = torch.arange(12) >= torch.tensor(lengths)[:, None]
    targets = targets.masked_fill(beyond, IGNORE)
    batch = Batch.from_rows(rows, targets, torch.tensor(lengths))
    found: Counter[tuple[tuple[int, ...], tuple[int, ...]]] = Counter()
    for x, y in rows_of(batch):
        length = int((y != IGNORE).sum())
        found[tuple(x[:length].tolist()), tuple(y[:length].tolist())] += 1
    expected = Counter(
        (tuple(x[:n].tolist()), tuple(y[:n].tolist()))
        for x, y, n in zip(rows, targets, lengths, strict=True)
    )
    assert found == expected


@given(lengths=st.lists(st.integers(1, 127), min_size=1, max_size=300))
def test_groups_hold_every_sequence_and_are_no_wider_than_allowed(lengths: list[int]) -> None:
    chunks, groups = pack(torch.tensor(lengths), 127)
    assert sorted(torch.cat([*chunks]).tolist()) == list(range(len(lengths)))
    assert [len(chunk) for chunk in chunks] == [group.n_sequences for group in groups]
    assert len(groups) <= 16
    for chunk, group in zip(chunks, groups, strict=True):
        assert all(lengths[i] <= group.length <= 127 for i in chunk.tolist())


@pytest.mark.slow
def test_batches_of_one_corpus_come_in_few_shapes() -> None:
    task = task_on(["abcd" * (i % 40 + 1) for i in range(640)], block_size=128)
    batches = [task.batch(torch.arange(i, i + 128), seeded(i)) for i in range(512)]
    assert len({len(batch.tokens) for batch in batches}) < 12
    groups = {group for batch in batches for group in batch.layout.groups}
    assert groups <= {Group(8, length) for length in [*range(4, 128, 4), 127]}
    needed = sum(int((batch.targets != IGNORE).sum()) for batch in batches)
    assert sum(len(batch.tokens) for batch in batches) < 1.15 * needed


@pytest.mark.real_data
def test_the_original_corpus_makes_2938_examples_of_127_positions(real_data: Path) -> None:
    corpus = read_corpus(real_data / "birthplaces" / "wiki.txt")
    tokenizer = Tokenizer.from_corpus(corpus, specials=True)
    config = load_config("birthplaces")
    assert isinstance(config.pretrain.task, SpanCorruptionConfig)
    task = SpanCorruption(corpus, tokenizer, config.pretrain.task, config.model.block_size)
    assert (task.n_examples, task.tokens_per_example, len(tokenizer)) == (2938, 127, 256)
    texts = texts_of(task, task.batch(torch.arange(2938), seeded()))
    assert len(texts) == 2938
    assert max(map(len, texts)) <= 114
    assert texts.count(MASK + MASK) == 1
