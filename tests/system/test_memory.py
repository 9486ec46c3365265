"""Freed memory is kept for reuse, and what fits is found where memory runs out."""

import platform
import resource

import pytest
import torch

from nanoknow.system.memory import keep_freed_memory, largest_that_fits


def faults() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="not glibc")
def test_freed_memory_is_used_again_without_asking_the_system_for_it() -> None:
    keep_freed_memory()
    n, rounds = 40 << 20, 16  # larger than any block that glibc would keep by itself
    for _ in range(rounds):  # blocks of one size may leapfrog each other for a while
        torch.ones(n, dtype=torch.uint8)
    before = faults()
    for _ in range(rounds):
        torch.ones(n, dtype=torch.uint8)
    assert faults() - before < rounds / 4 * n / resource.getpagesize()


@pytest.mark.parametrize(
    ("n", "room", "fits"), [(100, 30, 25), (100, 1, 1), (100, 0, 0), (1, 9, 0)]
)
def test_what_fits_is_the_first_half_of_a_half_that_does(n: int, room: int, fits: int) -> None:
    def attempt(size: int) -> None:
        if size > room:
            raise MemoryError

    assert largest_that_fits(n, attempt) == fits


def test_what_fails_for_another_reason_is_not_tried_again() -> None:
    sizes = []

    def attempt(size: int) -> None:
        sizes.append(size)
        raise RuntimeError("shapes do not match")

    with pytest.raises(RuntimeError, match="shapes"):
        largest_that_fits(8, attempt)
    assert sizes == [4]
