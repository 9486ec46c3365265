"""Faults that tests make happen."""

import errno
import os
import resource
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from tests.helpers.silent import Silent


class AtStep(Silent):
    """Does something once training has come to a step."""

    def __init__(self, step: int, act: Callable[[], object]) -> None:
        super().__init__()
        self.step, self.act = step, act

    def update(self, done: int, words: str) -> None:
        del words
        if done == self.step:
            self.act()


@contextmanager
def largest_file(n_bytes: int) -> Iterator[None]:
    """Let writes fail past a size, as a full disk does."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def delete_checkpoints_before_they_are_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a checkpoint's folder be gone when its files are listed: training deletes the older."""
    listed = os.scandir

    def scandir(path: os.PathLike[str] | str) -> object:
        if os.path.basename(path).startswith("step-"):  # noqa: PTH119 - of either type
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(path))
        return listed(path)

    monkeypatch.setattr(os, "scandir", scandir)
