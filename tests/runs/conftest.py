"""What the tests of runs share."""

from pathlib import Path

import pytest

from tests.helpers.small_runs import SmallRun


@pytest.fixture
def small(tmp_path: Path) -> SmallRun:
    return SmallRun(tmp_path)
