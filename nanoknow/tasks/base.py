"""What the trainer knows of a task."""

from typing import Protocol

import torch
from torch import Tensor

from nanoknow.data.batch import Batch


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
