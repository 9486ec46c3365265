"""Every error that a user can fix: one line that says what, where, and what to do next.

Exception
└── NanoknowError
    ├── ConfigError           a key, a value, a flag
    ├── DataError             a file that is read or fetched
    ├── CheckpointError       a run folder or a checkpoint
    │   └── BusyError         another process trains the run
    ├── NonFiniteError        a loss, gradient, weight or output is NaN or infinite
    ├── OutOfMemoryError      a training step does not fit into memory
    ├── OutputError           a result that cannot be written to stdout
    └── Interrupted           a signal, answered by saving

Anything else that escapes is a defect in nanoknow.
"""

import difflib
import errno
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any


class NanoknowError(Exception):
    """Base of all errors that a user can fix; its text is one complete line.

    What is quoted in it is ``printable``, without line ends.
    """

    exit_code = 1

    def __init__(self, message: str) -> None:
        super().__init__(printable(message))


class ConfigError(NanoknowError):
    """A configuration that cannot be used: names the file and the key."""


class DataError(NanoknowError):
    """A data file that cannot be read: names the file and, where there is one, the line."""


class CheckpointError(NanoknowError):
    """A run or checkpoint that is missing, damaged, or does not fit."""


class BusyError(CheckpointError):
    """Another process trains the run, or has made it meanwhile."""


class NonFiniteError(NanoknowError):
    """A loss, gradient, weight or output is NaN or infinite; nothing of it is saved or shown."""


class OutOfMemoryError(NanoknowError):
    """A step does not fit into memory; nothing of it is saved, and no batch was made smaller."""


class OutputError(NanoknowError):
    """A result cannot be written to stdout; nobody asks why where its reader has gone."""

    def __init__(self, error: OSError) -> None:
        super().__init__(f"stdout: {error.strerror}: the result is lost: send it elsewhere")
        self.exit_code = 141 if error.errno == errno.EPIPE else 1


class Interrupted(NanoknowError):
    """Training was asked to stop, and its state was saved first."""

    def __init__(self, message: str, signal_number: int) -> None:
        super().__init__(message)
        self.exit_code = 128 + signal_number

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle both arguments: it may come from another process."""
        return type(self), (str(self), self.exit_code - 128)


def printable(text: str, *, lines: bool = False, escape: Callable[[str], str] = repr) -> str:
    r"""Return a text from outside as it can be shown: what commands a display is written out.

    Control characters, marks of direction, line separators, what has no width and half a character
    become escapes such as ``\x1b``. Letters, marks, symbols, blanks and tabs of any script stay,
    and the joiners that belong to these.

    Args:
        text: of anybody.
        lines: whether line feeds stay too.
        escape: writes a character as an escape, between quotes.
    """
    if lines:
        return "\n".join(printable(line, escape=escape) for line in text.split("\n"))
    if text.isprintable():
        return text
    pairs = zip(["", *text], text, strict=False)
    return "".join(c if _is_seen(c, before) else escape(c)[1:-1] for before, c in pairs)


def _is_seen(c: str, before: str) -> bool:
    """Whether a character shows itself, or what joins those before and after it."""
    if c in "\u200c\u200d":
        return not before.isascii() and before.isprintable()
    kind, n = unicodedata.category(c), ord(c)
    is_newer = kind == "Cn" and 0x10000 <= n < 0xE0000 and n % 0x10000 < 0xFFFE  # emoji, perhaps
    return c.isprintable() or c == "\t" or kind == "Zs" or is_newer


@contextmanager
def naming(
    what: object, advice: str, kind: type[NanoknowError] = CheckpointError
) -> Iterator[None]:
    """Raise an OSError as one that a user can fix: which file, why, and what to do.

    Args:
        what: the file, and what was to be done with it where that does not go without saying.
        advice: what to do.
        kind: what to raise; by default that of a run's files.
    """
    try:
        yield
    except OSError as error:
        raise kind(f"{what}: {error.strerror}: {advice}") from None


def ran_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that a machine's or a GPU's memory is used up, by whatever name."""
    words = "out of memory|can't allocate memory|not enough memory|bad_alloc"
    # Of oneDNN, whose other reasons this package gives none.
    words += "|could not create a (primitive|memory)"
    is_said = isinstance(error, RuntimeError) and re.search(words, str(error)) is not None
    return isinstance(error, MemoryError) or is_said


def suggest(word: str, known: Iterable[str]) -> str:
    """Return `` Did you mean 'x'?`` for the nearest known word, or nothing."""
    close = difflib.get_close_matches(word, list(known), n=1)
    return f" Did you mean {close[0]!r}?" if close else ""
