"""The interface of every task: what the trainer uses."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from nanoknow.data.batch import IGNORE, Batch
from nanoknow.data.tokenizer import Ids


class Task(Protocol):
    """A source of training examples.

    Attributes:
        notes: for the user, how the data were prepared, such as what was left out.
        n_examples: examples in an epoch.
        tokens_per_example: tokens that the schedule counts for an example, including padding up
            to the block.
    """

    notes: list[str]
    n_examples: int
    tokens_per_example: int

    def batch(self, indices: Tensor, generator: torch.Generator) -> Batch:
        """Make the examples with the given (B,) indices; ``generator`` draws what is random.

        Examples are drawn and made on the CPU, so that they are the same on every device.
        """
        ...


def padded(examples: Sequence[tuple[Ids, int]], width: int, pad_id: int) -> Batch:
    """Make a batch of examples.

    Args:
        examples: for each its ids, the last of which is only a target, and the index of the first
            target among them.
        width: what a group may be widened to, at least the longest example without its last id.
        pad_id: fills up shorter examples.
    """
    tokens = np.full((len(examples), width), pad_id)  # (B, T)
    targets = np.full((len(examples), width), IGNORE)
    for row, (ids, first_target) in enumerate(examples):
        tokens[row, : len(ids)] = ids[:width]  # in a shorter row the last is padding
        first = max(0, first_target - 1)
        targets[row, first : len(ids) - 1] = ids[first + 1 :]
    lengths = torch.tensor([len(ids) - 1 for ids, _ in examples])
    return Batch.from_rows(torch.from_numpy(tokens), torch.from_numpy(targets), lengths)
