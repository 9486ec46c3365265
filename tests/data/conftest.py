"""What the tests of data share."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from tests.helpers.site import Site


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with Site() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()
