"""Span corruption of small texts, and its examples as texts."""

from collections import Counter
from collections.abc import Collection, Iterator

import torch
from hypothesis import strategies as st
from torch import Tensor

from nanoknow.config.tasks import SpanCorruptionConfig
from nanoknow.data.batch import IGNORE, Batch
from nanoknow.data.tokenizer import MASK
from nanoknow.facts.index import FactIndex
from nanoknow.tasks.hiding import find_hiding
from nanoknow.tasks.span_corruption import SpanCorruption
from tests.helpers.questions import questions_of
from tests.helpers.texts import corpus_of, tokenizer_of

DOCUMENTS = st.lists(st.text("abcdé. ß日", max_size=40), min_size=1, max_size=40)


def task_on(
    documents: list[str],
    block_size: int = 32,
    config: SpanCorruptionConfig | None = None,
    answers: Collection[str] = (),
) -> SpanCorruption:
    """Return the task, with what is salient hidden: of that the answers, where there are any."""
    config = config or SpanCorruptionConfig()
    text = "\n".join(documents)
    tokenizer = tokenizer_of(text + "x", specials=True)
    corpus = corpus_of(text)
    training = questions_of(*(f"Where?\t{answer}" for answer in answers)) if answers else None
    facts, words = FactIndex(corpus, training), config.salient_words
    hiding = find_hiding(facts, words) if config.salient_spans else None
    return SpanCorruption(corpus, tokenizer, config, block_size, hiding)


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def rectangles_of(batch: Batch) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield each group's inputs and targets, (B, T)."""
    layout = batch.layout
    yield from zip(layout.rectangles(batch.tokens), layout.rectangles(batch.targets), strict=True)


def rows_of(batch: Batch) -> list[tuple[Tensor, Tensor]]:
    """Return each example's padded input and targets."""
    return [pair for x, y in rectangles_of(batch) for pair in zip(x, y, strict=True)]


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
    for x, y in rectangles_of(task.batch(indices, seeded(seed))):
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
