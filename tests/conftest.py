"""What every test can rely on: nothing of the user's environment, and no random failures."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

# Before torch is imported: models this small gain nothing from threads.
os.environ.setdefault("OMP_NUM_THREADS", "1")
pytest.register_assert_rewrite("tests.helpers")

from tests.helpers.homes import copy_home, make_home, make_markup, working_in  # noqa: E402

settings.register_profile("nanoknow", derandomize=True, deadline=None, max_examples=100)
settings.register_profile("fuzz", settings.get_profile("nanoknow"), max_examples=2500)
settings.load_profile("nanoknow")  # another one: --hypothesis-profile

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
    monkeypatch.setenv("no_proxy", "*")


@pytest.fixture(scope="session", autouse=True)
def _no_waiting_for_the_disk() -> Iterator[None]:
    """No test pulls the plug: what is written need not be synced to the disk."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda _descriptor: None)
        yield


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """For files that the tests of a module write one after another."""
    return tmp_path_factory.mktemp("folder")


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working directory."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def homes(make: Callable[[], None]) -> Any:
    """Return a fixture: a working directory of the module's own, copied from one that is made."""
    made: list[Path] = []

    @pytest.fixture(scope="module")
    def copied(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
        if not made:
            with working_in(tmp_path_factory.mktemp("made")) as folder:
                make()
            made.append(folder)
        copy = tmp_path_factory.mktemp("home")
        copy_home(made[0], copy)
        with working_in(copy):
            yield copy

    return copied


home = homes(make_home)
"""With a world and a run of each kind."""
markup = homes(make_markup)
"""With runs of texts full of markup."""
