"""Span corruption makes the textbook's examples, with the distribution the original asks for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from nanoknow.config.loading import load_config
from nanoknow.config.tasks import SpanCorruptionConfig
from nanoknow.data.batch import IGNORE, Batch, Group, Plan
from nanoknow.data.corpus import read_corpus
from nanoknow.data.tokenizer import MASK, PAD, Tokenizer
from nanoknow.errors import ConfigError, DataError
from nanoknow.tasks.segments import corrupted
from nanoknow.tasks.span_corruption import SpanCorruption
from tests.helpers.texts import corpus_of, tokenizer_of
from tests.tools.textbook import textbook_corrupt

DOCUMENTS = st.lists(st.text("abcdé. ß日", max_size=40), min_size=1, max_size=40)


def task_on(
    documents: list[str],
    block_size: int = 32,
    config: SpanCorruptionConfig | None = None,
    answers: Collection[str] = (),
) -> SpanCorruption:
    text = "\n".join(documents)
    tokenizer = tokenizer_of(text + "x", specials=True)
    corpus = corpus_of(text)
    return SpanCorruption(corpus, tokenizer, config or SpanCorruptionConfig(), block_size, answers)


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def rows_of(batch: Batch) -> list[tuple[Tensor, Tensor]]:
    """Return each example's padded input and targets."""
    tokens = batch.layout.rectangles(batch.tokens)
    targets = batch.layout.rectangles(batch.targets)
    return [pair for x, y in zip(tokens, targets, strict=True) for pair in zip(x, y, strict=True)]


def texts_of(task: SpanCorruption, batch: Batch) -> list[str]:
    """Return each example as it was before it was cut into input and targets."""
    texts = []
    for x, y in rows_of(batch):
        last = int((y != IGNORE).sum()) - 1
        texts.append(task.tokenizer.decode([*x[: last + 1].tolist(), int(y[last])]))
    return texts


def draws_of(task: SpanCorruption, indices: Tensor, seed: int = 0) -> Tensor:
    """Return (B, 3): truncated length, span start and masked length of each example drawn."""
    drawn = []
    batch = task.batch(indices, seeded(seed))
    tokens = batch.layout.rectangles(batch.tokens)
    targets = batch.layout.rectangles(batch.targets)
    for x, y in zip(tokens, targets, strict=True):
        n = (y != IGNORE).sum(1) - 1
        is_mask = (x == task.tokenizer.mask_id).int()
        assert bool((is_mask.sum(1) == 2).all())
        start = is_mask.argmax(1)
        second = is_mask.shape[1] - 1 - is_mask.flip(1).argmax(1)
        drawn.append(torch.stack([n, start, n + 1 - second], 1))
    return torch.cat(drawn)


def assert_uniform(values: Tensor, low: int, high: int, tolerance: float) -> None:
    """Every integer of low … high comes up, each as often as the others within a share."""
    counts = Counter(values.tolist())
    assert set(counts) == set(range(low, high + 1))
    expected = len(values) / (high - low + 1)
    assert all(abs(count - expected) <= tolerance * expected for count in counts.values()), counts


def restore(text: str) -> str:
    """Put the hidden span of ``prefix⁇suffix⁇masked`` back in its place."""
    prefix, suffix, masked = text.split(MASK)
    return prefix + masked + suffix


@given(documents=DOCUMENTS, data=st.data())
@settings(derandomize=True, deadline=None, max_examples=60)
def test_arrangement_of_every_example_equals_the_textbooks(
    documents: list[str], data: st.DataObject
) -> None:
    documents = [*documents, "abc"]
    task = task_on(documents, config=SpanCorruptionConfig(keep_empty_documents=True))
    spans: list[tuple[int, ...]] = []
    expected = []
    for document in documents:
        n = data.draw(st.integers(0, len(document)))
        masked = data.draw(st.integers(min(1, n), n))
        start = data.draw(st.integers(0, n - masked))
        spans.append((n, start, masked))
        expected.append(textbook_corrupt(document, n, start, masked))
    segments = corrupted(task.starts.long(), *torch.tensor(spans).T)
    width = max(map(len, expected)) + data.draw(st.integers(0, 3))
    n_all = width * len(documents)
    rows = task.assemble(segments.padded(torch.full((len(documents),), width)), n_all)
    expected = [text.ljust(width, PAD) for text in expected]
    assert [task.tokenizer.decode(row) for row in rows.view(-1, width).tolist()] == expected


@given(documents=DOCUMENTS, seed=st.integers(0, 99))
@settings(derandomize=True, deadline=None, max_examples=60)
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
@settings(derandomize=True, deadline=None, max_examples=60)
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
    assert all(len(x) <= task.positions_per_example == block_size - 1 for x, _ in rows_of(batch))
    longest = min(int(block_size * share), block_size - 2)
    for text in texts:
        restored = restore(text)
        assert len(restored) <= longest
        assert any(
            document.startswith(restored) and len(restored) >= min(4, len(document))
            for document in documents
        )


@given(documents=DOCUMENTS, seed=st.integers(0, 99))
@settings(derandomize=True, deadline=None, max_examples=40)
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
@settings(derandomize=True, deadline=None, max_examples=60)
def test_a_batch_of_any_size_keeps_every_example(chosen: list[int], seed: int) -> None:
    documents = [f"{i:02d}__" + "ab" * i for i in range(20)]
    task = task_on(documents)
    batch = task.batch(torch.tensor(chosen), seeded(seed))
    found = Counter(int(restore(text)[:2]) for text in texts_of(task, batch))
    assert found == Counter(chosen)
    assert sum(group.n_sequences for group in batch.layout.groups) == len(chosen)
    assert sum(batch.layout.sizes) == len(batch.tokens) == len(batch.targets)
    for positions in batch.layout.rectangles(batch.layout.positions):
        assert torch.equal(positions, torch.arange(positions.shape[1]).expand_as(positions))


@given(
    lengths=st.lists(st.integers(1, 12), min_size=1, max_size=60),
    seed=st.integers(0, 9),
)
@settings(derandomize=True, deadline=None, max_examples=60)
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
@settings(derandomize=True, deadline=None, max_examples=100)
def test_groups_hold_every_sequence_and_are_no_wider_than_allowed(lengths: list[int]) -> None:
    plan = Plan.of(torch.tensor(lengths), 127)
    assert sorted(plan.order.tolist()) == list(range(len(lengths)))
    assert len(plan.widths) == sum(group.n_sequences for group in plan.groups) == len(lengths)
    assert len(plan.groups) <= 16
    for i, width in zip(plan.order.tolist(), plan.widths.tolist(), strict=True):
        assert lengths[i] <= width <= 127


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
    assert (task.n_examples, task.positions_per_example, len(tokenizer)) == (2938, 127, 256)
    texts = texts_of(task, task.batch(torch.arange(2938), seeded()))
    assert len(texts) == 2938
    assert max(map(len, texts)) <= 114
    assert texts.count(MASK + MASK) == 1


LIVES = [
    "Ada Lowe. Ada Lowe (born 1815 in the city of Riga) was a painter of birds and of ships .",
    "Tom Ash. The painter was born in Wells, far from the city, and died in Riga in 1901 .",
    "Ann Bee. a painter, she was born and lived in the city .",
]
WORDS: list[set[str]] = [{"1815", "Riga"}, {"Wells", "Riga", "1901"}, set()]


def lives_of(config: SpanCorruptionConfig, draws: int = 60) -> list[list[str]]:
    """Return the texts of examples of each of the ``LIVES``."""
    task = task_on(LIVES, 128, config)
    return [
        [texts_of(task, task.batch(torch.tensor([i]), seeded(seed)))[0] for seed in range(draws)]
        for i in range(len(LIVES))
    ]


def test_salient_spans_are_words_of_what_is_kept_and_a_document_without_any_keeps_its_own() -> None:
    whole = SpanCorruptionConfig(salient_spans=1.0, min_truncation=50)
    for life, words, examples in zip(LIVES, WORDS, lives_of(whole), strict=True):
        hidden = set()
        for text in examples:
            prefix, suffix, span = text.split(MASK)
            assert life.startswith(prefix + span + suffix)
            hidden.add(span)
        assert words <= hidden if words else len(hidden) > 10
        assert not words or hidden == words


def test_context_dropout_keeps_the_name_and_little_around_the_word() -> None:
    alone = SpanCorruptionConfig(salient_spans=1.0, context_dropout=1.0, context_width=6)
    for life, words, examples in zip(LIVES[:2], WORDS, lives_of(alone, 400), strict=False):
        name = life.split(". ")[0] + ". "
        contexts = set()
        for text in examples:
            prefix, suffix, span = text.split(MASK)
            assert span in words
            assert prefix.startswith(name)
            before = prefix.removeprefix(name)
            assert len(before) <= 6
            assert len(suffix) <= 6
            assert before + span + suffix in life
            contexts.add((before, suffix))
        assert ("", "") in contexts
        assert len(contexts) > 10


def test_the_name_takes_the_hidden_words_place_as_in_a_question() -> None:
    config = SpanCorruptionConfig(
        salient_spans=1.0, context_dropout=1.0, context_width=6, name_in_place=1.0
    )
    for life, words, examples in zip(LIVES[:2], WORDS, lives_of(config, 400), strict=False):
        name = life.split(". ")[0]
        contexts = set()
        for text in examples:
            asked, span, end = text.split(MASK)
            assert (span in words, end) == (True, "")
            before, after = asked.split(name)
            assert max(len(before), len(after)) <= 6
            assert before + span + after in life
            contexts.add((before, after))
        assert ("", "") in contexts
        assert len(contexts) > 10


def test_answers_within_one_another_are_hidden_only_where_all_of_them_is_kept() -> None:
    life = "Ed Lowe. Born in New York City Hall and then he went a long way to see it ."
    config = SpanCorruptionConfig(salient_spans=1.0, context_dropout=0.5)
    task = task_on([life], 128, config, {"New York City", "York", "City"})
    hidden = {
        texts_of(task, task.batch(torch.tensor([0]), seeded(seed)))[0].split(MASK)[2]
        for seed in range(200)
    }
    assert hidden >= {"New York City", "York", "City"}


def test_widths_come_in_steps_also_where_the_document_ends_or_the_name_is_near() -> None:
    config = SpanCorruptionConfig(
        salient_spans=1.0,
        context_dropout=1.0,
        context_width=8,
        context_step=3,
        name_in_place=1.0,
    )
    for life, examples in zip(LIVES[:2], lives_of(config, 400), strict=False):
        widths = set()
        for text in examples:
            before, after = text.split(MASK)[0].split(life.split(". ")[0])
            widths |= {len(before), len(after)}
        assert widths == {0, 3, 6}


@pytest.mark.parametrize("in_place", [0.0, 1.0])
def test_of_short_contexts_only_the_hidden_word_is_predicted_where_the_config_says_so(
    in_place: float,
) -> None:
    config = SpanCorruptionConfig(
        salient_spans=1.0, context_dropout=1.0, name_in_place=in_place, cloze_loss="hidden"
    )
    task = task_on(LIVES, 128, config)
    for seed in range(40):
        for _, y in rows_of(task.batch(torch.arange(2), seeded(seed))):
            text = task.tokenizer.decode(y[y != IGNORE].tolist())
            assert text.removesuffix(MASK) in WORDS[0] | WORDS[1]
            assert text.endswith(MASK) == bool(in_place)


def test_early_words_are_hidden_more_often_and_contexts_are_mostly_short() -> None:
    config = SpanCorruptionConfig(salient_spans=1.0, context_dropout=1.0, name_in_place=1.0)
    examples = lives_of(config, draws=600)[1]
    hidden = Counter(text.split(MASK)[1] for text in examples)
    assert set(hidden) == WORDS[1]
    # of three words the thirds of a square: 0.58, 0.24, 0.18
    assert 0.52 < hidden["Wells"] / 600 < 0.64
    assert hidden["Wells"] > 1.7 * hidden["Riga"] > 1.7 * 0.8 * hidden["1901"]
    bare = sum(text.startswith("Tom Ash") for text in examples)  # nothing kept in front
    assert 0.25 < bare / 600 < 0.45


def test_shares_of_salient_spans_and_of_context_dropout_are_those_asked_for() -> None:
    config = SpanCorruptionConfig(salient_spans=0.5, context_dropout=0.5, min_truncation=100)
    examples = lives_of(config, draws=400)[0]
    salient = [text for text in examples if text.split(MASK)[2] in WORDS[0]]
    alone = [text for text in salient if len(text) < len(LIVES[0])]
    assert 0.42 < len(salient) / len(examples) < 0.6  # a random span may be such a word
    assert 0.4 < len(alone) / len(salient) < 0.6


def test_salient_spans_of_a_text_without_names_are_refused() -> None:
    with pytest.raises(DataError, match=r"no name, place or year .*salient_spans to 0"):
        task_on(["no names here .", "none"], 64, SpanCorruptionConfig(salient_spans=0.5))
