"""What the trainer knows of a task."""

from typing import Protocol

import torch
from torch import Tensor

from nanoknow.data.batch import Batch


class Task(Protocol):
    """A source of training examples.

    Attributes:
        notes: how the data were prepared, for the user: what was left out.
    """

    notes: list[str]

    @property
    def n_examples(self) -> int:
        """How many examples an epoch has."""
        ...

    @property
    def tokens_per_example(self) -> int:
        """What the schedule counts for an example: its tokens, padding up to the block included."""
        ...

    def to(self, device: torch.device) -> None:
        """Keep on a device what examples are made of: batches come out there."""
        ...

    def batch(self, indices: Tensor, generator: torch.Generator) -> Batch:
        """Make the examples with the given (B,) indices.

        ``indices`` and ``generator``, which draws what is random, are on the CPU, so that the
        examples are the same ones on every device.
        """
        ...
