"""``nanoknow data inspect``: how data become examples, and what can be known from them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

import torch

from nanoknow.config import ExperimentConfig, SpanCorruptionConfig
from nanoknow.data.batch import IGNORE
from nanoknow.data.corpus import QuestionSet
from nanoknow.data.facts import FactIndex, most_frequent_answer
from nanoknow.data.sources import Texts
from nanoknow.data.tokenizer import PAD, Tokenizer
from nanoknow.device import new_generator
from nanoknow.tasks.base import Task
from nanoknow.tasks.question_answering import QuestionAnswering
from nanoknow.tasks.span_corruption import SpanCorruption

PREFIX = 112
"""Characters of a document that pretraining at block 128 can see."""


@dataclass(frozen=True)
class Inspection:
    """What there is to see in some data.

    Attributes:
        headline: characters and vocabulary, as the original prints them.
        pairs: a view's name and its x/y examples, padded to the block.
        table: rows of a name and its value.
    """

    headline: str
    pairs: dict[str, list[tuple[str, str]]]
    table: list[tuple[str, str]]

    def to_json(self) -> dict[str, Any]:
        """Return it as plain values."""
        return {"headline": self.headline, "pairs": self.pairs, "table": dict(self.table)}


def inspect(config: ExperimentConfig, views: Sequence[str], count: int) -> Inspection:
    """Show how a config's data become examples, and count what is in them.

    Args:
        config: names the data; its model gives the block size.
        views: ``namedata`` (questions) and ``charcorruption`` (corpus), in the wanted order.
        count: examples to show of each.

    Raises:
        ConfigError: no corpus is named, or no questions for ``namedata``.
        DataError: the data cannot be read.
    """
    texts = Texts.find(config.data)
    corpus, block_size = texts.require_corpus(), config.model.block_size
    tokenizer = Tokenizer.from_text(corpus.text, specials=True, name=corpus.name)
    corruption = config.pretrain.task
    if not isinstance(corruption, SpanCorruptionConfig):
        corruption = SpanCorruptionConfig()
    documents = SpanCorruption(corpus, tokenizer, corruption, block_size)
    makers: dict[str, Callable[[], Task]] = {
        "charcorruption": lambda: documents,
        "namedata": lambda: QuestionAnswering(
            texts.require_questions(), tokenizer, config.finetune.task, block_size
        ),
    }
    pairs = {view: _pairs(makers[view](), tokenizer, config, count) for view in views}
    lengths = [len(document) for document in corpus.documents]
    table = [
        ("corpus", corpus.name),
        ("documents", f"{len(lengths):,} ({lengths.count(0)} empty)"),
        (
            "document lengths",
            f"{min(lengths)} to {max(lengths)}, median {median(lengths):g}; "
            f"{_share(n <= PREFIX for n in lengths)} of at most {PREFIX}",
        ),
        ("padding in a pretraining batch", f"{_padding_share(documents):.1%}"),
    ]
    for role, questions in (("training", texts.questions), ("eval", texts.eval)):
        if questions is not None:
            facts = FactIndex(corpus, texts.questions)
            table += _describe_questions(role, questions, facts)
    return Inspection(
        f"data has {len(corpus.text)} characters, {len(tokenizer)} unique.", pairs, table
    )


def _pairs(
    task: Task, tokenizer: Tokenizer, config: ExperimentConfig, count: int
) -> list[tuple[str, str]]:
    generator = new_generator(config.seed, "inspect")
    width = config.model.block_size - 1
    pairs = []
    for i in range(min(count, task.n_examples)):
        batch = task.batch(torch.tensor([i]), generator)
        y = batch.targets.masked_fill(batch.targets == IGNORE, tokenizer.pad_id).tolist()
        # A batch leaves out an example's last character, whose target would be a pad.
        x = tokenizer.decode([*batch.tokens.tolist(), *y[-1:]])
        pairs.append((x.ljust(width, PAD)[:width], tokenizer.decode(y).ljust(width, PAD)))
    return pairs


def _padding_share(task: SpanCorruption) -> float:
    """Return the expected share of pads when every example is padded to the block."""
    truncations = torch.arange(task.min_length, task.max_length + 1)
    kept = torch.minimum(truncations[None], task.lengths[:, None])  # (documents, truncations)
    return 1.0 - float((kept + 1).double().mean()) / task.positions_per_example


def _describe_questions(
    role: str, questions: QuestionSet, facts: FactIndex
) -> list[tuple[str, str]]:
    items = questions.items
    repeated = sum(n - 1 for n in Counter(q.text for q in items).values())
    non_ascii = sum(not (q.text + (q.answer or "")).isascii() for q in items)
    rows = [
        (f"{role} questions", questions.name),
        ("  lines", f"{len(items):,} ({repeated} asked again, {non_ascii} not ASCII)"),
    ]
    if not questions.answered:
        return [*rows, ("  answers", "none in the file")]
    top = most_frequent_answer(items)
    exact = _share(facts.in_documents(q, exact=True) for q in items)
    exact_prefix = _share(facts.in_documents(q, PREFIX, exact=True) for q in items)
    prefix = _share(facts.in_documents(q, PREFIX) for q in items)
    rows += [
        ("  most frequent answer", f"{top}: {_share(q.answer == top for q in items)}"),
        (
            "  answer in the person's own document",
            f"{_share(facts.in_documents(q) for q in items)} ({exact} by exact name)",
        ),
        (f"  … within its first {PREFIX} characters", f"{prefix} ({exact_prefix} by exact name)"),
    ]
    seen = facts.answer_counts()
    if role == "eval" and seen:
        rows.append(("  answer among training answers", _share(q.answer in seen for q in items)))
    return rows


def _share(flags: Iterable[bool]) -> str:
    values = list(flags)
    return f"{sum(values) / len(values):.1%}"
