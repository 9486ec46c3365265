"""How work reports notes and progress, without knowing of terminals."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Protocol

Update = Callable[[int, str], None]
"""Called with the amount done so far and a few words on how it goes."""


class Reporter(Protocol):
    """Where work reports while it runs; its result is what it returns."""

    def note(self, text: str) -> None:
        """Report one thing that the user should know, in a line."""
        ...

    def progress(self, title: str, total: int, done: int = 0) -> AbstractContextManager[Update]:
        """Open a progress display of ``total`` units, ``done`` of them already."""
        ...
