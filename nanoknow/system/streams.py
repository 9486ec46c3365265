"""stdin, stdout and stderr as commands use them: in UTF-8, ``printable``, never None."""

import io
import os
import sys
from typing import Any

from nanoknow.errors import OutputError, printable


class Guarded:
    """An output stream whose reader may go away: only the loss of a result ends the work.

    Attributes:
        stream: the stream that it writes to.
        is_result: whether it carries results: the user has to know when they are lost.
        last: the last character written, as a joiner after it may stay (see ``printable``).
    """

    def __init__(self, stream: Any, *, is_result: bool) -> None:  # noqa: ANN401 - of any kind
        self.stream, self.is_result, self.last = stream, is_result, ""

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever a stream has
        return getattr(self.stream, name)

    def write(self, text: str) -> None:
        """Write a text and flush it.

        Raises:
            OutputError: it is a result, and cannot be written.
        """
        if not text:  # empty: Typer tests the kind of stream by it
            return
        try:
            self.stream.write(text)
            self.stream.flush()
        except OSError as error:
            # What is still buffered is discarded, instead of failing again at exit.
            os.dup2(os.open(os.devnull, os.O_WRONLY), self.stream.fileno())
            if self.is_result:
                raise OutputError(error) from None

    def flush(self) -> None:
        """Do nothing: nothing is buffered."""


class Printable(Guarded):
    """A guarded stream that makes all text ``printable``, whoever writes it."""

    def write(self, text: str) -> None:
        """Write a text and flush it; see ``Guarded.write``."""
        before = len(printable(self.last, lines=True))
        super().write(printable(self.last + text, lines=True)[before:])
        self.last = text[-1:].strip("\u200c\u200d")


def open_streams() -> None:
    """Prepare the standard streams; a closed stdin or stdout fails on use, stderr is discarded."""
    # In this order, each gets the lowest free descriptor: its own. The flags of stdin and stdout
    # are the reverse of their use, so that reading input or writing a result is an error.
    for name, flags in (("stdin", os.O_WRONLY), ("stdout", os.O_RDONLY), ("stderr", os.O_WRONLY)):
        stream, is_input = getattr(sys, name), name == "stdin"
        if stream is None:
            mode = "r" if is_input else "w"
            stream = os.fdopen(os.open(os.devnull, flags), mode, closefd=False)
        coding = "utf-8-sig" if is_input else "utf-8"
        if isinstance(stream, io.TextIOWrapper) and (not is_input or stream.encoding != coding):
            errors = "surrogateescape" if is_input else "backslashreplace"
            stream.reconfigure(encoding=coding, errors=errors)  # stdin: only before it is read
        if not (is_input or isinstance(stream, Printable)):
            stream = Printable(stream, is_result=name == "stdout")
        setattr(sys, name, stream)


def styled(stream: Any) -> Any:  # noqa: ANN401 - sys.stdout, in fact a Printable
    """Return the stream without its escaping: for ``printable`` text with terminal styles."""
    return Guarded(stream.stream, is_result=stream.is_result)
