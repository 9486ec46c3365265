"""What resuming needs beside the weights: optimizers, random state, the place in the data."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import torch
from torch import Tensor

from nanoknow.errors import CheckpointError
from nanoknow.training.trainer import Progress, Trainer

TOKENS = "positions"
"""The key of ``Progress.tokens`` in ``checkpoint.json``, whose format does not change."""


def state_of(trainer: Trainer) -> tuple[dict[str, Tensor], dict[str, int | float]]:
    """Return a trainer's tensors beside the weights, and its progress as plain values."""
    names: dict[Tensor, str] = {each: name for name, each in trainer.model.named_parameters()}
    tensors = {"random.cpu": torch.get_rng_state()}
    if trainer.device.torch_device.type == "cuda":
        tensors["random.cuda"] = torch.cuda.get_rng_state(trainer.device.torch_device)
    for optimizer in trainer.optimizers:
        for parameter, values in optimizer.state.items():
            for key, value in values.items():
                tensors[f"optimizer.{key}.{names[parameter]}"] = value
    progress = asdict(trainer.progress)
    return tensors, {TOKENS if key == "tokens" else key: progress[key] for key in progress}


def restore_state(
    trainer: Trainer, tensors: Mapping[str, Tensor], progress: Mapping[str, int | float]
) -> None:
    """Continue from a ``state_of``; the trainer's model has the weights that go with it.

    Raises:
        CheckpointError: its place in the data is outside of them.
    """
    values: dict[str, Any] = {"tokens" if key == TOKENS else key: progress[key] for key in progress}
    trainer.progress = Progress(**values)
    n, place = trainer.task.n_examples, trainer.progress
    if "examples" not in progress:  # before 0.3.0
        place.examples = place.tokens // trainer.task.tokens_per_example - place.epoch * n
    if not 0 <= place.examples < n:
        raise CheckpointError(
            f"step {place.step}: {place.examples} examples into epoch {place.epoch + 1} of {n}: "
            f"the data or the task are others than it was trained with: start a new run"
        )
    torch.set_rng_state(tensors["random.cpu"])
    device = trainer.device.torch_device
    if device.type == "cuda" and "random.cuda" in tensors:
        torch.cuda.set_rng_state(tensors["random.cuda"], device)
    parameters = dict(trainer.model.named_parameters())
    optimizer_of = {
        parameter: optimizer
        for optimizer in trainer.optimizers
        for group in optimizer.param_groups
        for parameter in group["params"]
    }
    for name, value in tensors.items():
        kind, _, rest = name.partition(".")
        if kind == "optimizer":
            key, _, of = rest.partition(".")
            parameter = parameters[of]
            # Fused AdamW keeps its step count on the device as well.
            optimizer_of[parameter].state[parameter][key] = value.to(device)
