"""AdamW and Muon with their parameter groups, and the schedule of the learning rate."""

import math
from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from nanoknow.config.experiment import OptimizerConfig, ScheduleConfig

SLOTS = {"AdamW": ("step", "exp_avg", "exp_avg_sq"), "Muon": ("momentum_buffer",)}
"""The state that each optimizer keeps for a weight."""


def build_optimizers(
    model: nn.Module, config: OptimizerConfig, precision: str = "float32"
) -> list[torch.optim.Optimizer]:
    """Build AdamW with weight decay where the config puts it, and Muon if it is asked for.

    ``all_but_biases`` is the original birthplace trainer's choice, ``linear_weights`` that of
    the Shakespeare one. Muon takes the weights of all linear layers but the head, and multiplies
    in the precision given.
    """
    linear = {
        f"{name}.weight" for name, module in model.named_modules() if isinstance(module, nn.Linear)
    }
    matrices: list[nn.Parameter] = []
    decayed: list[nn.Parameter] = []
    spared: list[nn.Parameter] = []
    for name, parameter in model.named_parameters():
        if config.matrix_optimizer == "muon" and name in linear and not name.startswith("head."):
            matrices.append(parameter)
            continue
        chosen = name in linear if config.decay == "linear_weights" else not name.endswith("bias")
        (decayed if chosen else spared).append(parameter)
    groups = [
        {"params": decayed, "weight_decay": config.weight_decay},
        {"params": spared, "weight_decay": 0.0},
    ]
    rate = config.learning_rate
    adamw = torch.optim.AdamW(groups, lr=rate, betas=config.betas, fused=True)
    if not matrices:
        return [adamw]
    dtype = torch.bfloat16 if precision == "bfloat16" else torch.float32
    return [adamw, Muon(matrices, dtype, lr=rate, weight_decay=config.weight_decay)]


def restore_optimizers(
    optimizers: Iterable[torch.optim.Optimizer], model: nn.Module, tensors: Mapping[str, Tensor]
) -> None:
    """Give optimizers their state, for each weight all of it or none.

    Args:
        optimizers: of ``build_optimizers``.
        model: whose weights they update.
        tensors: the state as ``optimizer.KEY.WEIGHT``; other names are passed over.

    Raises:
        ValueError: names a tensor that is for no weight of theirs, does not fit it, or lacks the
            rest of its state.
    """
    names = {weight: name for name, weight in model.named_parameters()}
    left = {name for name in tensors if name.startswith("optimizer.")}
    weights = [(o, w) for o in optimizers for group in o.param_groups for w in group["params"]]
    for optimizer, weight in weights:
        slots = {key: f"optimizer.{key}.{names[weight]}" for key in SLOTS[type(optimizer).__name__]}
        found = {key: tensors[name] for key, name in slots.items() if name in left}
        for key, value in found.items():
            shape = weight.shape if key != "step" else torch.Size()
            is_sound = (value.shape, value.dtype) == (shape, weight.dtype)
            if is_sound and len(found) == len(slots) and (key != "step" or 0 < value < 2**53):
                left.remove(slots[key])
        if found:  # fused AdamW keeps its step count on the device as well
            optimizer.state[weight] = {k: value.to(weight.device) for k, value in found.items()}
    if left:
        raise ValueError(min(left))


def learning_rate(schedule: ScheduleConfig, peak: float, n: int, planned: int) -> float:
    """Return the rate of the step that brings the count of tokens to ``n``.

    Below the warm-up it is ``peak·n/warmup``; then it falls along a cosine to ``final_share`` of
    the peak at ``decay_tokens``. Past that the cosine rises again, as the original's did.

    Args:
        schedule: its counts are of tokens, padding up to the block included.
        peak: the highest rate.
        n: tokens seen, the current batch included.
        planned: tokens in all the planned epochs: where the cosine ends if the schedule
            does not say.
    """
    warmup, end = schedule.warmup_tokens, schedule.decay_tokens or planned
    if n < warmup:
        return peak * n / warmup
    progress = (n - warmup) / max(1, end - warmup)
    return peak * max(schedule.final_share, 0.5 * (1.0 + math.cos(math.pi * progress)))


class Muon(torch.optim.Muon):
    """torch's Muon (Jordan et al., 2024) with a choice of precision for its matrix products.

    torch always multiplies in bfloat16, which a CPU without it emulates: a step of the best
    birthplace recipe then takes eight times as long.
    """

    def __init__(self, params: Any, dtype: torch.dtype, **options: Any) -> None:  # noqa: ANN401
        """Set up.

        Args:
            params: matrices.
            dtype: of the products.
            options: see ``torch.optim.Muon``.
        """
        super().__init__(params, **options)
        self.dtype = dtype

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override] # noqa: ANN401, ARG002
        """Update every matrix that has a gradient."""
        for group in self.param_groups:
            momentum, rate = group["momentum"], group["lr"]
            for matrix in group["params"]:
                if matrix.grad is None:
                    continue
                state = self.state[matrix]
                if "momentum_buffer" not in state:
                    state["momentum_buffer"] = torch.zeros_like(matrix.grad)
                average = state["momentum_buffer"].lerp_(matrix.grad, 1 - momentum)
                update = matrix.grad.lerp(average, momentum)  # Nesterov's
                update = orthogonalized(update.to(self.dtype), group)
                # As large as AdamW's: Liu et al., 2025, "Muon is Scalable for LLM Training".
                scale = 0.2 * max(matrix.shape) ** 0.5
                matrix.mul_(1 - rate * group["weight_decay"])
                matrix.add_(update, alpha=-rate * scale)


def orthogonalized(matrix: Tensor, options: dict[str, Any]) -> Tensor:
    """Return about the nearest matrix with orthonormal rows, or columns, to an (m, n) one.

    It is found by a Newton-Schulz iteration with Muon's polynomial.
    """
    tall = matrix.shape[0] > matrix.shape[1]
    x = matrix.T if tall else matrix  # (short, long)
    x = x / x.norm().clamp(min=options["eps"])
    a, b, c = options["ns_coefficients"]
    for _ in range(options["ns_steps"]):
        gram = x @ x.T  # (short, short)
        x = torch.addmm(x, torch.addmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return x.T if tall else x
