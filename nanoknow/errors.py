"""Every error that a user can fix: one line that says what, where, and what to do next.

Exception
└── NanoknowError
    ├── ConfigError           a key, a value, a flag
    ├── DataError             a file that is read or fetched
    ├── CheckpointError       a run folder or a checkpoint
    │   └── BusyError         another process trains the run
    ├── NonFiniteError        a loss, gradient, weight or output is NaN or infinite
    ├── OutOfMemoryError      a model or a training step does not fit into memory
    ├── OutputError           a result that cannot be written to stdout
    └── Interrupted           a signal stopped training, after its state was saved

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

    It is made ``printable``, so that texts quoted in it cannot break the line.
    """

    exit_code = 1

    def __init__(self, message: str) -> None:
        super().__init__(printable(message))


class ConfigError(NanoknowError):
    """A configuration that cannot be used; the message names the file and the key."""


class DataError(NanoknowError):
    """A data file that cannot be read; the message names the file and, if known, the line."""


class CheckpointError(NanoknowError):
    """A run or checkpoint that is missing, damaged, or does not fit."""


class BusyError(CheckpointError):
    """Another process is training the run, or has created it in the meantime."""


class NonFiniteError(NanoknowError):
    """A loss, gradient, weight or output is NaN or infinite; nothing of it is saved or shown."""


class OutOfMemoryError(NanoknowError):
    """A model or a step does not fit into memory; no step is saved in part, no batch is reduced."""


class OutputError(NanoknowError):
    """A result cannot be written to stdout; a closed pipe (``| head``) exits 141 without a line."""

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
    r"""Return a text from outside in a form that is safe to show: control characters are escaped.

    So are marks of direction, line separators, characters without width and lone surrogates, all
    in the form ``\x1b``. Letters, marks, symbols, blanks and tabs of any script stay, and joiners
    after characters that are not ASCII.

    Args:
        text: from any source.
        lines: whether line feeds stay too.
        escape: returns the escape of a character, in quotes.
    """
    if lines:
        return "\n".join(printable(line, escape=escape) for line in text.split("\n"))
    if text.isprintable():
        return text
    pairs = zip(["", *text], text, strict=False)
    return "".join(c if _is_seen(c, before) else escape(c)[1:-1] for before, c in pairs)


def _is_seen(c: str, before: str) -> bool:
    """Whether a character is visible, or a joiner after a visible one that is not ASCII."""
    if c in "\u200c\u200d":
        return not before.isascii() and before.isprintable()
    kind, n = unicodedata.category(c), ord(c)
    is_newer = kind == "Cn" and 0x10000 <= n < 0xE0000 and n % 0x10000 < 0xFFFE  # emoji, perhaps
    return c.isprintable() or c == "\t" or kind == "Zs" or is_newer


@contextmanager
def naming(
    what: object, advice: str, kind: type[NanoknowError] = CheckpointError
) -> Iterator[None]:
    """Turn an OSError into an error that a user can fix: which file, why, and what to do.

    Args:
        what: the file, and what failed where that is not obvious.
        advice: what the user can do.
        kind: the error to raise; the default is the one about a run's files.
    """
    try:
        yield
    except OSError as error:
        raise kind(f"{what}: {error.strerror}: {advice}") from None


def ran_out_of_memory(error: BaseException) -> bool:
    """Whether an error, of whatever type, says that the CPU's or the GPU's memory ran out."""
    words = "out of memory|can't allocate memory|not enough memory|bad_alloc"
    # oneDNN says this of other failures too, but nothing in this package causes those.
    words += "|could not create a (primitive|memory)"
    is_said = isinstance(error, RuntimeError) and re.search(words, str(error)) is not None
    return isinstance(error, MemoryError) or is_said


def suggest(word: str, known: Iterable[str]) -> str:
    """Return `` Did you mean 'x'?`` for the nearest known word, or nothing."""
    close = difflib.get_close_matches(word, list(known), n=1)
    return f" Did you mean {close[0]!r}?" if close else ""
