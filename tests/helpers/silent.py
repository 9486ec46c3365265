"""A reporter for tests."""

from contextlib import AbstractContextManager, nullcontext

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
