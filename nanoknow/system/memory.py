"""Memory of the CPU: keep what is freed, and find what fits where it runs out."""

import ctypes
import os
import platform
from collections.abc import Callable
from functools import cache
from math import inf

from nanoknow.errors import OutOfMemoryError, ran_out_of_memory

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
"""Parameters of mallopt(3): free memory to keep, and the smallest block that is not kept."""


@cache
def keep_freed_memory() -> None:
    """Have the C library keep what tensors free for the next ones, where it is glibc.

    It gives large blocks back at once by itself, and the system then clears and maps the
    activations of a step, or of some answers, again for the next, page by page.
    """
    if platform.libc_ver()[0] == "glibc":
        for parameter in (_MMAP_THRESHOLD, _TRIM_THRESHOLD):
            ctypes.CDLL(None).mallopt(parameter, 2**31 - 1)


def require_memory(n: int, what: str) -> None:
    """Refuse what this machine has no memory for, free or not, where it says how much it has.

    Args:
        n: bytes.
        what: needs them.

    Raises:
        OutOfMemoryError: it has not so many.
    """
    known = getattr(os, "sysconf", None)  # POSIX
    most = known("SC_PAGE_SIZE") * known("SC_PHYS_PAGES") if known else inf
    if n > most:
        sizes = f"{n / 1e9:,.1f} GB of memory, and there are {most / 1e9:,.1f}"
        raise OutOfMemoryError(f"{what} need {sizes}: take a smaller model")


def largest_that_fits(n: int, attempt: Callable[[int], object]) -> int:
    """Halve ``n`` until an attempt at it does not run out of memory.

    Args:
        n: what did not fit.
        attempt: is made with less and less.

    Returns:
        The first number that fits; 0 where none does.
    """
    while n := n // 2:
        if platform.libc_ver()[0] == "glibc":
            # For those who do not use the C library's memory: oneDNN's kernels, or a GPU's.
            ctypes.CDLL(None).malloc_trim(0)
        try:
            attempt(n)
        except (MemoryError, RuntimeError) as error:
            if not ran_out_of_memory(error):
                raise
        else:
            break
    return n
