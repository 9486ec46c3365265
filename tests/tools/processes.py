"""Forked processes, watched and waited for."""

from __future__ import annotations

import os
import signal
import sys
import time
import traceback
from collections.abc import Callable

LIMIT = 60.0
"""Seconds after which a process that should have been through is stuck."""


def in_child(work: Callable[[], object]) -> int:
    """Fork a process that does some work and exits with 0, or with 1 and a traceback."""
    sys.stdout.flush()
    pid = os.fork()
    if pid:
        return pid
    try:
        work()
        os._exit(0)
    except BaseException:
        traceback.print_exc()
        os._exit(1)


def ended(pid: int) -> int | None:
    """Return how a child ended, or None while it runs."""
    found, status = os.waitpid(pid, os.WNOHANG)
    return os.waitstatus_to_exitcode(status) if found else None


def wait_for(pid: int, seconds: float) -> int | None:
    """Wait for a child to end, for so long at most."""
    until = time.monotonic() + seconds
    while (code := ended(pid)) is None and time.monotonic() < until:
        time.sleep(max(0.0, min(0.002, until - time.monotonic())))
    return code


def must_end(pid: int) -> None:
    """Wait for a child that nobody kills."""
    code = wait_for(pid, LIMIT)
    if code is None:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    if code != 0:
        raise SystemExit(f"a process that was left alone ended with {code}")
