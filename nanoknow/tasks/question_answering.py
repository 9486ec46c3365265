"""Closed-book question answering: ``question⁇answer⁇``, and the loss is on the answer alone."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from nanoknow.config.tasks import QuestionAnsweringConfig
from nanoknow.data.batch import IGNORE, Batch
from nanoknow.data.questions import QuestionSet, clean
from nanoknow.data.tokenizer import MASK, Ids, Tokenizer, describe
from nanoknow.errors import DataError


class QuestionAnswering:
    """Question and answer pairs as examples; how to ask, and how to judge an answer."""

    def __init__(
        self,
        questions: QuestionSet,
        tokenizer: Tokenizer,
        config: QuestionAnsweringConfig,
        block_size: int,
    ) -> None:
        """Prepare questions, for training or for asking.

        Characters outside the vocabulary are left out and counted in ``unknown``; ``unreachable``
        are the answers that hold some, or are longer than an answer may be: never given exactly.

        Raises:
            DataError: a question, with its answer where it has one, is longer than the block.
        """
        self.questions = questions
        self.tokenizer = tokenizer
        self.block_size = block_size
        self.max_answer_length = config.max_answer_length
        self.unknown: Counter[str] = Counter()
        in_answers = self.unreachable = 0
        self.prompts: list[Ids] = []
        rows: list[Ids] = []
        for question in questions.items:
            gold = question.answer or ""
            missing = tokenizer.unknown(gold)
            self.unknown.update(tokenizer.unknown(question.text) + missing)
            in_answers += len(missing)
            self.unreachable += bool(missing) or len(gold) > self.max_answer_length
            prompt, answer = prompt_ids(tokenizer, question.text), tokenizer.encode_known(gold)
            row = np.concatenate([prompt, answer, [tokenizer.mask_id]])
            if len(row) > block_size:
                raise DataError(
                    f"{questions.name}:{question.line}: question and answer take {len(row)} "
                    f"characters with their marks, and the model's block_size is {block_size}: "
                    f"shorten them, or train a model with a larger block_size"
                )
            self.prompts.append(prompt)
            rows.append(row)
        self.notes, name = list(questions.notes), questions.name
        if self.unknown:
            self.notes.append(f"{name}: {describe_unknown(self.unknown, in_answers)}")
        if self.unreachable:
            why = f"characters outside the vocabulary, or more than {self.max_answer_length}"
            which = f"{self.unreachable} of {len(rows)} answers"
            self.notes.append(f"{name}: {which} cannot be given exactly: {why}")
        width = max(len(row) for row in rows)
        self._rows = torch.full((len(rows), width), tokenizer.pad_id)  # (examples, T + 1)
        self._targets = torch.full((len(rows), width - 1), IGNORE)  # (examples, T)
        for i, (row, prompt) in enumerate(zip(rows, self.prompts, strict=True)):
            ids = torch.from_numpy(row)
            self._rows[i, : len(ids)] = ids
            # The first target is the mask after the question: the model learns to start.
            first = max(0, len(prompt) - 2)
            self._targets[i, first : len(ids) - 1] = ids[first + 1 :]
        self._lengths = torch.tensor([len(row) - 1 for row in rows])  # (examples,)

    @property
    def n_examples(self) -> int:
        """How many questions there are."""
        return len(self.prompts)

    @property
    def tokens_per_example(self) -> int:
        """A block less one: the last character is only a target."""
        return self.block_size - 1

    def to(self, device: torch.device) -> None:
        """Keep the pairs on a device; their lengths stay, to plan batches by."""
        self._rows, self._targets = self._rows.to(device), self._targets.to(device)

    def batch(self, indices: Tensor, generator: torch.Generator) -> Batch:  # noqa: ARG002
        """Return the pairs with the given (B,) indices; nothing about them is random."""
        chosen = indices.to(self._rows.device)
        rows, targets = self._rows[chosen, :-1], self._targets[chosen]
        return Batch.from_rows(rows, targets, self._lengths[indices])


def prompt_ids(tokenizer: Tokenizer, question: str) -> Ids:
    """Return ``question⁇`` as ids; what the vocabulary does not hold is left out."""
    return np.append(tokenizer.encode_known(question), tokenizer.mask_id)


def fitting_prompt(tokenizer: Tokenizer, question: str, block_size: int) -> Ids:
    """Return ``prompt_ids`` of a question that is asked alone, ``clean``.

    Raises:
        DataError: it is longer than the block.
    """
    prompt = prompt_ids(tokenizer, clean(question))
    if len(prompt) > block_size:
        raise DataError(
            f"the question takes {len(prompt)} characters, and the model's block_size is "
            f"{block_size}: shorten it"
        )
    return prompt


def answer_text(tokenizer: Tokenizer, ids: Sequence[int]) -> str:
    """Return the answer in some decoded ids: what is before the first mask."""
    return tokenizer.decode(ids).partition(MASK)[0]


def describe_unknown(unknown: Counter[str], in_answers: int = 0) -> str:
    """Say which characters were left out, how many in all, and how many of them in answers."""
    n = unknown.total()
    where = f" ({n - in_answers} in questions, {in_answers} in answers)" if in_answers else ""
    return (
        f"left out {n} character{'s' * (n > 1)} that the vocabulary does not hold{where}: "
        f"{describe(list(unknown))}"
    )
