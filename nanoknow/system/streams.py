"""stdin, stdout and stderr as commands use them: UTF-8, harmless to show, and never a surprise."""

import io
import os
import sys
from typing import Any

from nanoknow.errors import OutputError, printable


class Guarded:
    """A stream whose other end may go away: work does not end by what it cannot report.

    Attributes:
        stream: what it writes to.
        is_result: whether that is results: who wanted them has to know that they are lost.
        last: what was written last, which a joiner may belong to.
    """

    def __init__(self, stream: Any, *, is_result: bool) -> None:  # noqa: ANN401 - of any kind
        self.stream, self.is_result, self.last = stream, is_result, ""

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever a stream has
        return getattr(self.stream, name)

    def write(self, text: str) -> None:
        """Write a text at once.

        Raises:
            OutputError: it is a result, and cannot be written.
        """
        if not text:  # by which Typer asks what kind of stream this is
            return
        try:
            self.stream.write(text)
            self.stream.flush()
        except OSError as error:
            # What is still held back goes nowhere, instead of failing again.
            os.dup2(os.open(os.devnull, os.O_WRONLY), self.stream.fileno())
            if self.is_result:
                raise OutputError(error) from None

    def flush(self) -> None:
        """Do nothing: nothing is held back."""


class Printable(Guarded):
    """A guarded stream that shows ``printable`` lines, whoever writes on it."""

    def write(self, text: str) -> None:
        """Write a text at once; see ``Guarded.write``."""
        before = len(printable(self.last, lines=True))
        super().write(printable(self.last + text, lines=True)[before:])
        self.last = text[-1:].strip("\u200c\u200d")


def open_streams() -> None:
    """Make the standard streams what commands use; those that are closed lead nowhere."""
    # In this order, each gets the lowest number that is free: its own. No result can be written
    # to a stdout that only reads.
    for name, flags in (("stdin", os.O_WRONLY), ("stdout", os.O_RDONLY), ("stderr", os.O_WRONLY)):
        stream, is_input = getattr(sys, name), name == "stdin"
        if stream is None:
            mode = "r" if is_input else "w"
            stream = os.fdopen(os.open(os.devnull, flags), mode, closefd=False)
        coding = "utf-8-sig" if is_input else "utf-8"
        if isinstance(stream, io.TextIOWrapper) and (not is_input or stream.encoding != coding):
            errors = "surrogateescape" if is_input else "backslashreplace"
            stream.reconfigure(encoding=coding, errors=errors)  # stdin: before it is read
        if not (is_input or isinstance(stream, Printable)):
            stream = Printable(stream, is_result=name == "stdout")
        setattr(sys, name, stream)


def styled(stream: Any) -> Any:  # noqa: ANN401 - by its other name, a Printable
    """Return what writes as it is on an opened stream: what is ``printable``, with its styles."""
    return Guarded(stream.stream, is_result=stream.is_result)
