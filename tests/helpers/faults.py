"""Faults that tests make happen."""

from __future__ import annotations

import resource
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

from nanoknow.system.reporter import Update
from tests.helpers.silent import Silent


class AtStep(Silent):
    """Does something once training has come to a step."""

    def __init__(self, step: int, act: Callable[[], object]) -> None:
        super().__init__()
        self.step, self.act = step, act

    def progress(self, title: str, total: int, done: int = 0) -> AbstractContextManager[Update]:
        del title, total, done

        @contextmanager
        def watching() -> Iterator[Update]:
            yield self.update

        return watching()

    def update(self, step: int, _words: str) -> None:
        if step == self.step:
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
