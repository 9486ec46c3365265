"""A page that is served while a test looks at it."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from nanoknow.play.lab import Lab
from nanoknow.play.server import HOST, listen, server


@contextmanager
def serving(lab: Lab) -> Iterator[tuple[str, int]]:
    """Serve a run's page, and yield the address and the port."""
    with listen(0) as listening:
        running = server(lab)
        thread = threading.Thread(target=running.run, args=([listening],))
        thread.start()
        while not running.started:
            time.sleep(0.01)
        try:
            yield HOST, listening.getsockname()[1]
        finally:
            running.should_exit = True
            thread.join()
