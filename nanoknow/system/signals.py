"""Ctrl-C and SIGTERM, answered between two steps instead of in the middle of one."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def stop_signals() -> Iterator[list[int]]:
    """Yield a list that the first signal is only put into; a second one acts at once."""
    received: list[int] = []

    def note(number: int, frame: FrameType | None) -> None:  # noqa: ARG001
        received.append(number)
        for each in SIGNALS:
            signal.signal(each, signal.SIG_DFL)

    # Only the main thread may set handlers; elsewhere signals stay with the caller.
    is_main = threading.current_thread() is threading.main_thread()
    previous = {number: signal.signal(number, note) for number in SIGNALS if is_main}
    try:
        yield received
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
