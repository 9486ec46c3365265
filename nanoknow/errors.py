"""Every error that a user can fix: one line that says what, where, and what to do next.

Exception
└── NanoknowError
    ├── ConfigError           a key, a value, a flag
    ├── DataError             a file that is read or fetched
    ├── CheckpointError       a run folder or a checkpoint
    │   └── BusyError         another process trains the run
    ├── NonFiniteError        a loss, gradient, weight or output is NaN or infinite
    ├── OutOfMemoryError      a training step does not fit into memory
    └── Interrupted           a signal, answered by saving

Anything else that escapes is a defect in nanoknow.
"""

import difflib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


class NanoknowError(Exception):
    """Base of all errors that a user can fix; its text is one complete line.

    Line ends and other control characters of what is quoted in it are escaped.
    """

    exit_code = 1

    def __init__(self, message: str) -> None:
        super().__init__("".join(c if c.isprintable() else repr(c)[1:-1] for c in message))


class ConfigError(NanoknowError):
    """A configuration that cannot be used: names the file and the key."""


class DataError(NanoknowError):
    """A data file that cannot be read: names the file and, where there is one, the line."""


class CheckpointError(NanoknowError):
    """A run or checkpoint that is missing, damaged, or does not fit."""


class BusyError(CheckpointError):
    """Another process trains the run."""


class NonFiniteError(NanoknowError):
    """A loss, gradient, weight or output is NaN or infinite; nothing of it is saved or shown."""


class OutOfMemoryError(NanoknowError):
    """A step does not fit into memory; nothing of it is saved, and no batch was made smaller."""


class Interrupted(NanoknowError):
    """Training was asked to stop, and its state was saved first."""

    def __init__(self, message: str, signal_number: int) -> None:
        super().__init__(message)
        self.exit_code = 128 + signal_number

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle both arguments: it may come from another process."""
        return type(self), (str(self), self.exit_code - 128)


@contextmanager
def naming(path: Path, advice: str) -> Iterator[None]:
    """Raise an OSError in a run's files as a CheckpointError: which file, why, and what to do."""
    try:
        yield
    except OSError as error:
        raise CheckpointError(f"{path}: {error.strerror}: {advice}") from None


def ran_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that a machine's or a GPU's memory is used up, by whatever name."""
    texts = (
        "out of memory",
        "can't allocate memory",
        "not enough memory",
        "bad_alloc",
        "could not create a primitive",  # oneDNN, whose other reasons this package gives none
        "could not create a memory",
    )
    return isinstance(error, MemoryError) or (
        isinstance(error, RuntimeError) and any(text in str(error) for text in texts)
    )


def suggest(word: str, known: Iterable[str]) -> str:
    """Return `` Did you mean 'x'?`` for the nearest known word, or nothing."""
    close = difflib.get_close_matches(word, list(known), n=1)
    return f" Did you mean {close[0]!r}?" if close else ""
