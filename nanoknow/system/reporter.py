"""How recipes speak: notes and progress, without knowing of terminals."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Protocol

Update = Callable[[int, str], None]
"""Called with the amount done so far and a few words on how it goes."""


class Reporter(Protocol):
    """What a recipe tells while it works; its result is what it returns."""

    def note(self, text: str) -> None:
        """Tell one thing that the user should know, in a line."""
        ...

    def progress(self, title: str, total: int, done: int = 0) -> AbstractContextManager[Update]:
        """Open a progress display of ``total`` units, ``done`` of them already."""
        ...
