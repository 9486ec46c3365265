"""What the tests of runs share."""

import shutil
from pathlib import Path

import pytest

from tests.helpers.small_runs import SmallRun


@pytest.fixture
def small(tmp_path: Path) -> SmallRun:
    return SmallRun(tmp_path)


@pytest.fixture(scope="session")
def trained_once(tmp_path_factory: pytest.TempPathFactory) -> SmallRun:
    trained = SmallRun(tmp_path_factory.mktemp("trained"))
    trained.start()
    return trained


@pytest.fixture
def whole(trained_once: SmallRun, small: SmallRun) -> SmallRun:
    """The small run when it is complete: a copy of one that is trained once."""
    shutil.copytree(trained_once.path, small.path)
    for name in ("config.yaml", "run.json"):
        text = (small.path / name).read_text(encoding="utf-8")
        text = text.replace(str(trained_once.folder), str(small.folder))
        (small.path / name).write_text(text, encoding="utf-8")
    return small
