"""Memory: keep what is freed for reuse, and find the largest size that fits."""

import ctypes
import os
import platform
from collections.abc import Callable
from functools import cache
from math import inf

from nanoknow.errors import OutOfMemoryError, ran_out_of_memory

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
"""Parameters of mallopt(3): bytes of free memory to keep, and the smallest block to give back."""


@cache
def keep_freed_memory() -> None:
    """Make glibc keep the memory that tensors free for the next ones; do nothing elsewhere.

    By default it returns large blocks to the system at once, which then maps and clears the
    activations of each step, or batch of answers, again page by page.
    """
    if platform.libc_ver()[0] == "glibc":
        for parameter in (_MMAP_THRESHOLD, _TRIM_THRESHOLD):
            ctypes.CDLL(None).mallopt(parameter, 2**31 - 1)


def require_memory(n: int, what: str) -> None:
    """Refuse what needs more than this machine's whole memory, where the system reports it.

    Args:
        n: bytes needed.
        what: what needs them, in the plural.

    Raises:
        OutOfMemoryError: the machine has fewer, free or in use.
    """
    known = getattr(os, "sysconf", None)  # POSIX
    most = known("SC_PAGE_SIZE") * known("SC_PHYS_PAGES") if known else inf
    if n > most:
        sizes = f"{n / 1e9:,.1f} GB of memory, and there are {most / 1e9:,.1f}"
        raise OutOfMemoryError(f"{what} need {sizes}: take a smaller model")


def largest_that_fits(n: int, attempt: Callable[[int], object]) -> int:
    """Halve ``n`` until an attempt does not run out of memory.

    Args:
        n: a size that did not fit.
        attempt: is called with n/2, n/4, … until it returns.

    Returns:
        The first number that fits; 0 where none does.
    """
    while n := n // 2:
        if platform.libc_ver()[0] == "glibc":
            # Frees memory for what does not come from malloc: oneDNN's kernels, or a GPU's.
            ctypes.CDLL(None).malloc_trim(0)
        try:
            attempt(n)
        except (MemoryError, RuntimeError) as error:
            if not ran_out_of_memory(error):
                raise
        else:
            break
    return n
