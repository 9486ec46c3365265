"""Muon, in the precision that the device multiplies fast in."""

from typing import Any

import torch
from torch import Tensor


class Muon(torch.optim.Muon):
    """torch's Muon (Jordan et al., 2024), but for the precision of its matrix products.

    torch's own are in bfloat16 always. A CPU without bfloat16 emulates it: a step of the best
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
    """Return about the nearest matrix with orthogonal rows, or columns, to an (m, n) one.

    By Newton and Schulz's iteration, with Muon's polynomial.
    """
    tall = matrix.shape[0] > matrix.shape[1]
    x = matrix.T if tall else matrix  # (short, long)
    x = x / x.norm().clamp(min=options["eps"])
    a, b, c = options["ns_coefficients"]
    for _ in range(options["ns_steps"]):
        gram = x @ x.T  # (short, short)
        x = torch.addmm(x, torch.addmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return x.T if tall else x
