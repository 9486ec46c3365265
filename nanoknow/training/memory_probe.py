"""What to do where a step does not fit into memory: the batch size that would."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from nanoknow.errors import OutOfMemoryError
from nanoknow.models.base import CharacterModel
from nanoknow.system.memory import largest_that_fits


def out_of_memory(
    model: CharacterModel,
    optimizers: Sequence[torch.optim.Optimizer],
    loss: Callable[[Tensor], Tensor],
    n: int,
    step: int,
) -> OutOfMemoryError:
    """Return the error for a step that did not fit, after trying smaller batches.

    Args:
        model: whose gradients are computed.
        optimizers: which need memory of their own at the first step.
        loss: of the examples with some (B,) indices.
        n: examples that did not fit.
        step: updates made so far.
    """

    def try_gradients(n: int) -> None:
        model.zero_grad(set_to_none=True)
        moments = []
        if not any(optimizer.state for optimizer in optimizers):
            moments = [torch.empty_like(p) for p in model.parameters() for _ in range(2)]
        loss(torch.arange(n)).backward()  # type: ignore[no-untyped-call]
        del moments

    fits = largest_that_fits(n, try_gradients)
    fitting = f"batch_size {fits} fits: take it" if fits else "no smaller batch fits now"
    return OutOfMemoryError(
        f"step {step + 1}: out of memory with batch_size {n} and block_size "
        f"{model.config.block_size}: {fitting}, or a smaller model, or free memory; pretrain and "
        f"finetune continue with --resume, and --batch-size may differ"
    )
