"""How far a training has come, and what a step of it gave."""

from dataclasses import dataclass

from nanoknow.system.plain import Result

TOKENS = "positions"
"""The key of ``Progress.tokens`` in ``checkpoint.json``, whose format does not change."""


@dataclass
class Progress:
    """How far training has come; with the seed, this is the place in the data.

    Attributes:
        step: updates made.
        epoch: epochs completed.
        examples: done in the current epoch.
        batch: batches made of them.
        tokens: seen, padding up to the block included; the learning rate depends on it.
        epoch_loss: sum of the batches' losses in the current epoch.
    """

    step: int = 0
    epoch: int = 0
    examples: int = 0
    batch: int = 0
    tokens: int = 0
    epoch_loss: float = 0.0


@dataclass(frozen=True, repr=False)
class StepResult(Result):
    """One update.

    Attributes:
        step: its number, from 1.
        epoch: the epoch it belongs to, from 1.
        learning_rate: the rate it was made with.
        n_examples: in its batch.
        loss: mean cross-entropy of the scored characters, in nats.
        grad_norm: L2 norm of all gradients together, before clipping.
        epoch_loss: mean of the losses of the epoch's batches, a smaller last one counted as much
            as the others; at its last step only.
    """

    step: int
    epoch: int
    learning_rate: float
    n_examples: int
    loss: float
    grad_norm: float
    epoch_loss: float | None
