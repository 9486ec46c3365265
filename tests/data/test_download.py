"""Fetching: right bytes or none, each failure one line and a next step."""

import hashlib
import os
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nanoknow.data import download
from nanoknow.data.download import SECONDS, fetch, fetch_file
from nanoknow.data.published import DATASETS
from nanoknow.errors import DataError
from tests.helpers.refused import refused
from tests.helpers.silent import Silent
from tests.helpers.site import CONTENT, NAME, Site, names, refusal, remote


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with Site() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.closing.set()
        server.shutdown()
        thread.join()


def fetched(base: str, folder: Path) -> bytes:
    """Return what is fetched, the only file in its folder then."""
    path = fetch_file(remote(base), folder, time.monotonic() + SECONDS)
    assert [*folder.iterdir()] == [path] == [folder / NAME]
    return path.read_bytes()


def test_a_file_is_fetched_whole_and_nothing_is_left_beside_it(site: Site, tmp_path: Path) -> None:
    assert fetched(site.base("plain"), tmp_path / "a" / "b") == CONTENT


def test_a_file_that_is_there_is_not_fetched_again(site: Site, tmp_path: Path) -> None:
    (tmp_path / NAME).write_bytes(CONTENT)
    site.requests = 0
    assert fetched(site.base("plain"), tmp_path) == CONTENT
    assert site.requests == 0


def test_a_different_file_under_the_name_is_refused_and_left_alone(
    site: Site, tmp_path: Path
) -> None:
    (tmp_path / NAME).write_bytes(b"mine")
    both = (hashlib.sha256(b"mine").hexdigest()[:12], hashlib.sha256(CONTENT).hexdigest()[:12])
    refusal(site.base("plain"), tmp_path, mentions=(*both, "move it away"))
    assert (tmp_path / NAME).read_bytes() == b"mine"


@pytest.mark.slow
@given(cut_at=st.integers(0, len(CONTENT) - 1), way=st.sampled_from(["cut", "unannounced"]))
def test_a_cut_download_leaves_nothing_and_the_next_run_fetches_it_whole(
    site: Site, cut_at: int, way: str
) -> None:
    site.cut_at = cut_at
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "data"
        refusal(site.base(way), folder, mentions=(site.base(way) + NAME,))
        assert not folder.exists()
        assert fetched(site.base("plain"), folder) == CONTENT


@pytest.mark.parametrize("behaviour", ["wrong", "pointer", "long"])
def test_another_content_than_the_published_is_removed(
    site: Site, tmp_path: Path, behaviour: str
) -> None:
    base = site.base(behaviour)
    refusal(base, tmp_path, mentions=(base + NAME, "is not the published"))
    assert names(tmp_path) == []


def test_a_far_too_long_answer_is_not_read_to_its_end(site: Site, tmp_path: Path) -> None:
    found = hashlib.sha256(CONTENT + b"!").hexdigest()[:12]
    refusal(site.base("long"), tmp_path, mentions=(found,))


@pytest.mark.timeout(30)
@pytest.mark.parametrize("behaviour", ["slow", "slow-head"])
def test_a_server_that_is_slow_at_every_byte_is_given_up(
    site: Site, tmp_path: Path, behaviour: str
) -> None:
    began = time.monotonic()
    base = site.base(behaviour)
    refusal(base, tmp_path, mentions=(base + NAME, "not all came within"), seconds=0.3)
    assert time.monotonic() - began < 10
    assert names(tmp_path) == []


@pytest.mark.slow
def test_all_files_of_a_data_set_have_one_time(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = remote(site.base("plain")), remote(site.base("slow"))
    monkeypatch.setitem(DATASETS, "both", (first, replace(second, name="other.txt")))
    monkeypatch.setattr(download, "SECONDS", 1.0)
    began = time.monotonic()
    assert "other.txt" in refused(DataError, fetch, "both", tmp_path, Silent())
    assert time.monotonic() - began < 10
    assert names(tmp_path) == [NAME]


@pytest.mark.parametrize(
    ("behaviour", "reason"), [("nothing", "404"), ("redirect", "404"), ("loop", "302")]
)
def test_an_http_error_names_the_address_and_the_reason(
    site: Site, tmp_path: Path, behaviour: str, reason: str
) -> None:
    base = site.base(behaviour)
    refusal(base, tmp_path, mentions=(base + NAME, reason, "check the connection"))
    assert names(tmp_path) == []


def test_offline_is_a_one_line_error(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        base = f"http://127.0.0.1:{free.getsockname()[1]}/"
    refusal(base, tmp_path, mentions=(base + NAME, "(Connection refused)", "check the connection"))
    assert names(tmp_path) == []


def test_a_folder_that_cannot_be_made_is_a_one_line_error(site: Site, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    refusal(site.base("plain"), tmp_path / "file", mentions=("name another",))


def test_an_unknown_data_set_is_refused_with_the_nearest_and_all_names(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"Did you mean 'birthplaces'\? .*: birthplaces, shakes"):
        fetch("birthplace", tmp_path, Silent())
    with pytest.raises(DataError, match=r"'zzz'\. Available"):
        fetch("zzz", tmp_path, Silent())


def test_the_data_sets_are_pinned_to_https_addresses_and_whole_hashes() -> None:
    files = [file for group in DATASETS.values() for file in group]
    birthplaces = "wiki.txt birth_places_train.tsv birth_dev.tsv birth_test_inputs.tsv"
    assert [file.name for file in files] == [*birthplaces.split(), "input.txt"]
    assert list(DATASETS) == ["birthplaces", "shakespeare"]
    for file in files:
        assert (file.base[:8], file.base[-1]) == ("https://", "/")
        assert len(bytes.fromhex(file.sha256)) == 32


@pytest.mark.real_data
def test_published_files_that_are_there_are_verified_and_stay(real_data: Path) -> None:
    paths = fetch("birthplaces", real_data / "birthplaces", Silent())
    published = DATASETS["birthplaces"]
    assert [path.stat().st_size for path in paths] == [file.size for file in published]


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir])
def test_what_has_the_name_of_a_file_and_is_none_is_refused(
    site: Site, tmp_path: Path, make: Callable[[Path], None]
) -> None:
    make(tmp_path / NAME)
    refusal(site.base("plain"), tmp_path, mentions=(str(tmp_path / NAME), "move it away"))
    assert names(tmp_path) == [NAME]
