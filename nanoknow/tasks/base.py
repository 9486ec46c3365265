"""What the trainer knows of a task."""

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
        notes: how the data were prepared, for the user: what was left out.
        n_examples: how many an epoch has.
        tokens_per_example: what the schedule counts for one: its tokens, padding up to the block
            included.
    """

    notes: list[str]
    n_examples: int
    tokens_per_example: int

    def batch(self, indices: Tensor, generator: torch.Generator) -> Batch:
        """Make the examples with the given (B,) indices; ``generator`` draws what is random.

        All of it is on the CPU, so that the examples are the same ones on every device.
        """
        ...


def padded(examples: Sequence[tuple[Ids, int]], width: int, pad_id: int) -> Batch:
    """Make a batch of examples.

    Args:
        examples: of each its ids, the last of them a target alone, and which is the first target.
        width: that a group may have, as long as the longest example without its last id.
        pad_id: fills up the shorter ones.
    """
    tokens = np.full((len(examples), width), pad_id)  # (B, T)
    targets = np.full((len(examples), width), IGNORE)
    for row, (ids, first_target) in enumerate(examples):
        tokens[row, : len(ids)] = ids[:width]  # the last may be seen where others are longer
        first = max(0, first_target - 1)
        targets[row, first : len(ids) - 1] = ids[first + 1 :]
    lengths = torch.tensor([len(ids) - 1 for ids, _ in examples])
    return Batch.from_rows(torch.from_numpy(tokens), torch.from_numpy(targets), lengths)
