"""Memory that is freed stays at hand."""

from __future__ import annotations

import platform
import resource

import pytest
import torch

from nanoknow.device import keep_freed_memory


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
