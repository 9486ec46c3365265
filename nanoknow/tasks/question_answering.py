"""Closed-book question answering: ``question⁇answer⁇``, with loss on ``⁇answer⁇`` alone."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from nanoknow.config.tasks import QuestionAnsweringConfig
from nanoknow.data.batch import Batch
from nanoknow.data.questions import Question, QuestionSet, clean
from nanoknow.data.tokenizer import MASK, Ids, Tokenizer, describe
from nanoknow.errors import DataError
from nanoknow.tasks.base import padded

SHOWN = 3
"""Most line numbers that the error about too long questions names."""
SHORTEST_LIMIT = 8
"""Characters that an answer may always have, however short the training answers are."""


class QuestionAnswering:
    """Question and answer pairs as examples, and prompts for asking the questions."""

    def __init__(
        self,
        questions: QuestionSet,
        tokenizer: Tokenizer,
        config: QuestionAnsweringConfig,
        block_size: int,
    ) -> None:
        """Prepare questions, for training or for asking.

        Characters outside the vocabulary are left out and counted in ``unknown``; ``unreachable``
        counts the answers that a model cannot give exactly, as they hold such characters or are
        longer than ``max_answer_length``.

        Raises:
            DataError: questions, with their answers where they have any, are longer than the
                block.
        """
        self.questions = fitting(questions, tokenizer, block_size, skip_long=False)
        self.tokenizer = tokenizer
        self.n_examples = len(questions.items)
        self.tokens_per_example = block_size - 1  # the last character is only a target
        self.max_answer_length = config.max_answer_length or answer_limit(questions)
        self.unknown: Counter[str] = Counter()
        in_answers = self.unreachable = 0
        self.prompts: list[Ids] = []
        self._examples: list[tuple[Ids, int]] = []
        for question in questions.items:
            gold = question.answer or ""
            missing = tokenizer.unknown(gold)
            self.unknown.update(tokenizer.unknown(question.text) + missing)
            in_answers += len(missing)
            self.unreachable += bool(missing) or len(gold) > self.max_answer_length
            prompt, answer = prompt_ids(tokenizer, question.text), tokenizer.encode_known(gold)
            self.prompts.append(prompt)
            ids = np.concatenate([prompt, answer, [tokenizer.mask_id]])
            # The first target is the mask after the question: the model learns to start.
            self._examples.append((ids, len(prompt) - 1))
        self.notes, name = list(questions.notes), questions.name
        if self.unknown:
            self.notes.append(f"{name}: {describe_unknown(self.unknown, in_answers)}")
        if self.unreachable:
            why = f"characters outside the vocabulary, or more than {self.max_answer_length}"
            which = f"{self.unreachable} of {self.n_examples} answers"
            self.notes.append(f"{name}: {which} cannot be given exactly: {why}")
        self._width = max(len(ids) for ids, _ in self._examples) - 1

    def batch(self, indices: Tensor, generator: torch.Generator) -> Batch:  # noqa: ARG002
        """Return the pairs with the given (B,) indices; nothing about them is random."""
        chosen = [self._examples[i] for i in indices.tolist()]
        return padded(chosen, self._width, self.tokenizer.pad_id)


def answer_limit(training: QuestionSet | None) -> int:
    """Return how many characters an answer may have: 5/4 of the longest training answer."""
    answers = (answer for q in training.items for answer in q.gold) if training else ()
    return max(SHORTEST_LIMIT, max(map(len, answers), default=0) * 5 // 4)


def fitting(
    questions: QuestionSet, tokenizer: Tokenizer, block_size: int, *, skip_long: bool
) -> QuestionSet:
    """Return the questions that fit into a block with their answers and marks.

    Args:
        questions: questions with or without answers.
        tokenizer: characters that its vocabulary lacks do not count.
        block_size: characters that a model reads.
        skip_long: leave out questions that do not fit.

    Raises:
        DataError: some do not fit and may not be left out, or none fits.
    """
    sizes = [length_of(question, tokenizer) for question in questions.items]
    long = [q for q, n in zip(questions.items, sizes, strict=True) if n > block_size]
    n, total = len(long), len(sizes)
    if n and (n == total or not skip_long):
        lines = ", ".join(str(q.line) for q in long[:SHOWN]) + ", …" * (n > SHOWN)
        leave = "leave them out with --skip-long, or " if n < total else ""
        raise DataError(
            f"{questions.name}:{long[0].line}: {n:,} of {total:,} questions are longer than the "
            f"model's block_size of {block_size}: with answer and marks they take up to "
            f"{max(sizes)} characters (line{'s' * (n > 1)} {lines}): {leave}train a model with "
            f"model.block_size={max(sizes)}"
        )
    kept = tuple(q for q, size in zip(questions.items, sizes, strict=True) if size <= block_size)
    return replace(questions, items=kept, skipped=(*questions.skipped, *long))


def length_of(question: Question, tokenizer: Tokenizer) -> int:
    """Return the length of a question, its answer and two marks, without unknown characters."""
    return len(tokenizer.encode_known(f"{question.text}{question.answer or ''}")) + 2


def prompt_ids(tokenizer: Tokenizer, question: str) -> Ids:
    """Return ``question⁇`` as ids; characters outside the vocabulary are left out."""
    return np.append(tokenizer.encode_known(question), tokenizer.mask_id)


def fitting_prompt(tokenizer: Tokenizer, question: str, block_size: int) -> Ids:
    """Return the ``prompt_ids`` of one question, after ``clean``.

    Raises:
        DataError: it is longer than the block.
    """
    prompt = prompt_ids(tokenizer, clean(question))
    if len(prompt) > block_size:
        what = f"the question takes {len(prompt)} characters"
        raise DataError(f"{what}, and the model's block_size is {block_size}: shorten it")
    return prompt


def answer_text(tokenizer: Tokenizer, ids: Sequence[int]) -> str:
    """Return the answer in generated ids: the text before the first mask."""
    return tokenizer.decode(ids).partition(MASK)[0]


def describe_unknown(unknown: Counter[str], in_answers: int = 0) -> str:
    """Say which characters were left out, how many in all, and how many of them in answers."""
    n = unknown.total()
    where = f" ({n - in_answers} in questions, {in_answers} in answers)" if in_answers else ""
    what = f"{n} character{'s' * (n > 1)} that the vocabulary does not hold{where}"
    return f"left out {what}: {describe(list(unknown))}"
