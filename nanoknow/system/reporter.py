"""How work reports notes and progress, without knowing about terminals."""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import IO, Protocol

from nanoknow.errors import printable

Update = Callable[[int, str], None]
"""Called with the units done so far and a few words on how it goes."""


class Reporter(Protocol):
    """Where work reports while it runs; results are returned, not reported."""

    def note(self, text: str) -> None:
        """Report one thing that the user should know, in a line."""
        ...

    def progress(self, title: str, total: int, done: int = 0) -> AbstractContextManager[Update]:
        """Open a progress display of ``total`` units, ``done`` of them already."""
        ...


SECONDS = 10.0
"""Least time between two lines of progress."""


@dataclass(frozen=True)
class Lines:
    """A ``Reporter`` for notebooks, scripts and pipes: lines of text in ``log``, if not None."""

    log: IO[str] | None

    def note(self, text: str) -> None:
        """Write a line; if it cannot be written, the work goes on.

        A character that the log's encoding lacks is written as an escape of its number.
        """
        with suppress(OSError):
            if self.log:
                encoding = getattr(self.log, "encoding", None) or "utf-8"
                line = printable(text).encode(encoding, "backslashreplace").decode(encoding)
                self.log.write(f"{line}\n")
                self.log.flush()

    @contextmanager
    def progress(self, title: str, total: int, done: int = 0) -> Iterator[Update]:
        """Write a line at most every ``SECONDS``, and one at the end."""
        began = last = time.monotonic()

        def update(now: int, words: str) -> None:
            nonlocal last
            if time.monotonic() - last < SECONDS and now < total:
                return
            last = time.monotonic()
            left = timedelta(seconds=int((last - began) / max(1, now - done) * (total - now)))
            self.note(f"{title}  {now}/{total}  {words}  {left} left")

        yield update
