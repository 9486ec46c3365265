"""Ctrl-C, SIGTERM and a closed terminal, handled between two steps instead of during one."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

HANGUP: int = getattr(signal, "SIGHUP", 0)  # which Windows lacks


@contextmanager
def stop_signals() -> Iterator[list[int]]:
    """Yield a list to which the first signal is only appended; a second one acts at once.

    SIGHUP is then ignored, as a closed terminal may send it twice. A process that was started to
    ignore it, as by ``nohup``, ignores it throughout.
    """
    received: list[int] = []
    numbers: list[int] = [signal.SIGINT, signal.SIGTERM]
    if HANGUP and signal.getsignal(HANGUP) != signal.SIG_IGN:
        numbers.append(HANGUP)

    def note(number: int, frame: FrameType | None) -> None:  # noqa: ARG001
        received.append(number)
        for each in numbers:
            signal.signal(each, signal.SIG_IGN if each == HANGUP else signal.SIG_DFL)

    # Only the main thread may set handlers; elsewhere signals stay with the caller.
    is_main = threading.current_thread() is threading.main_thread()
    previous = {number: signal.signal(number, note) for number in numbers if is_main}
    try:
        yield received
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
