"""Reporters for tests."""

from contextlib import AbstractContextManager, ExitStack, nullcontext
from pathlib import Path

from nanoknow.runs.lock import lock_run
from nanoknow.system.reporter import Update


class Silent:
    """Shows nothing, and keeps what it is notified of.

    Attributes:
        notes: the lines.
    """

    def __init__(self) -> None:
        self.notes: list[str] = []

    def note(self, text: str) -> None:
        self.notes.append(text)

    def progress(self, title: str, total: int, done: int = 0) -> AbstractContextManager[Update]:
        del title, total, done
        return nullcontext(self.update)

    def update(self, done: int, words: str) -> None:
        pass


class OtherProcess(Silent):
    """Is at a run until it hears that the run is left to it."""

    def __init__(self, run: Path) -> None:
        super().__init__()
        self.held = ExitStack()
        self.held.enter_context(lock_run(run))

    def note(self, text: str) -> None:
        super().note(text)
        if "left to another process" in text:
            self.held.close()
