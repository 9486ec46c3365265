"""Ctrl-C and SIGTERM, answered between two steps instead of in the middle of one."""

import signal
import threading
from types import FrameType
from typing import Self

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class StopSignals:
    """While entered, the first signal is only noted; a second one acts at once.

    Attributes:
        received: the signal that asks to stop, or None.
    """

    def __init__(self) -> None:
        self.received: int | None = None
        self._previous: dict[int, object] = {}

    def __enter__(self) -> Self:
        # Only the main thread may set handlers; elsewhere signals stay with the caller.
        if threading.current_thread() is threading.main_thread():
            for number in SIGNALS:
                self._previous[number] = signal.signal(number, self._note)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)  # type: ignore[arg-type]
        self._previous.clear()

    def _note(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002
        self.received = number
        for each in SIGNALS:
            signal.signal(each, signal.SIG_DFL)
