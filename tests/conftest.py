"""What every test can rely on: nothing of the user's environment, and no random failures."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("nanoknow", derandomize=True, deadline=None)
settings.register_profile("fuzz", settings.get_profile("nanoknow"), max_examples=2500)
settings.load_profile("nanoknow")

DATA_FOLDER = os.environ.get("NANOKNOW_DATA")
USER_SETTINGS = ("NANOKNOW_RUNS", "COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR")


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of published data files; a test that asks for it is skipped without one."""
    if not DATA_FOLDER:
        pytest.skip("set NANOKNOW_DATA to the folder of published data files")
    return Path(DATA_FOLDER).absolute()


@pytest.fixture(autouse=True)
def _no_user_settings(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in USER_SETTINGS:
        monkeypatch.delenv(name, raising=False)
    if request.node.get_closest_marker("real_data") is None:
        monkeypatch.delenv("NANOKNOW_DATA", raising=False)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """For files that the tests of a module write one after another."""
    return tmp_path_factory.mktemp("folder")
