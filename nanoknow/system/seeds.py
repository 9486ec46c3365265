"""Where randomness comes from: a seed of its own for each purpose."""

import hashlib

import torch


def derive_seed(seed: int, *labels: str | int) -> int:
    """Derive an independent 63-bit seed for one purpose from a run's seed."""
    text = "/".join(map(str, (seed, *labels)))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1


def new_generator(seed: int, *labels: str | int) -> torch.Generator:
    """Return a CPU generator for one purpose (``derive_seed``)."""
    return torch.Generator().manual_seed(derive_seed(seed, *labels))
