"""Fetching: right bytes or none, each failure one line and a next step."""

import hashlib
import socket
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nanoknow.data.download import fetch, fetch_file
from nanoknow.data.published import DATASETS
from nanoknow.errors import DataError
from tests.helpers.silent import Silent
from tests.helpers.site import CONTENT, NAME, Site, names, refusal, remote

UNUSED = "http://unused.invalid/"


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with Site() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def fetched(base: str, folder: Path, mirror: str | None = None) -> bytes:
    """Return what is fetched, the only file in its folder then."""
    path = fetch_file(remote(base), folder, mirror)
    assert [*folder.iterdir()] == [path] == [folder / NAME]
    return path.read_bytes()


def test_a_file_is_fetched_whole_and_nothing_is_left_beside_it(site: Site, tmp_path: Path) -> None:
    seen: list[tuple[str, int]] = []
    folder = tmp_path / "a" / "b"
    base = site.base("plain")
    path = fetch_file(remote(base), folder, progress=lambda *args: seen.append(args))
    assert [*folder.iterdir()] == [path] == [folder / NAME]
    assert path.read_bytes() == CONTENT
    assert seen[-1] == (NAME, len(CONTENT))
    assert [have for _, have in seen] == sorted({have for _, have in seen})


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


@given(cut_at=st.integers(0, len(CONTENT) - 1), way=st.sampled_from(["cut", "unannounced"]))
def test_a_cut_download_leaves_nothing_and_the_next_run_fetches_it_whole(
    site: Site, cut_at: int, way: str
) -> None:
    site.cut_at = cut_at
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "data"
        refusal(site.base(way), folder, mentions=(site.base(way) + NAME, "--mirror"))
        assert not folder.exists()
        assert fetched(site.base("plain"), folder) == CONTENT


@pytest.mark.parametrize("behaviour", ["wrong", "pointer", "long"])
def test_another_content_than_the_published_is_removed(
    site: Site, tmp_path: Path, behaviour: str
) -> None:
    base = site.base(behaviour)
    refusal(base, tmp_path, mentions=(base + NAME, "is not the published", "--mirror"))
    assert names(tmp_path) == []


def test_a_far_too_long_answer_is_not_read_to_its_end(site: Site, tmp_path: Path) -> None:
    seen: list[int] = []
    with pytest.raises(DataError):
        fetch_file(remote(site.base("long")), tmp_path, progress=lambda _, have: seen.append(have))
    assert max(seen) < len(CONTENT) + 100_000


@pytest.mark.parametrize(
    ("behaviour", "reason"), [("nothing", "404"), ("redirect", "404"), ("loop", "302")]
)
def test_an_http_error_names_the_address_the_reason_and_the_mirror_option(
    site: Site, tmp_path: Path, behaviour: str, reason: str
) -> None:
    base = site.base(behaviour)
    refusal(base, tmp_path, mentions=(base + NAME, reason, "--mirror FOLDER-or-URL"))
    assert names(tmp_path) == []


def test_offline_is_a_one_line_error(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        base = f"http://127.0.0.1:{free.getsockname()[1]}/"
    refusal(base, tmp_path, mentions=(base + NAME, "refused", "--mirror FOLDER-or-URL"))
    assert names(tmp_path) == []


def test_a_folder_that_cannot_be_made_is_a_one_line_error(site: Site, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    refusal(site.base("plain"), tmp_path / "file", mentions=("choose another folder",))


def test_an_unknown_data_set_is_refused_with_the_nearest_and_all_names(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"Did you mean 'birthplaces'\? .*: birthplaces, shakes"):
        fetch("birthplace", None, tmp_path, Silent())
    with pytest.raises(DataError, match=r"'zzz'\. Available"):
        fetch("zzz", None, tmp_path, Silent())


def test_the_data_sets_are_pinned_to_https_addresses_and_whole_hashes() -> None:
    files = [file for group in DATASETS.values() for file in group]
    birthplaces = "wiki.txt birth_places_train.tsv birth_dev.tsv birth_test_inputs.tsv"
    assert [file.name for file in files] == [*birthplaces.split(), "input.txt"]
    assert list(DATASETS) == ["birthplaces", "shakespeare"]
    for file in files:
        assert (file.base[:8], file.base[-1]) == ("https://", "/")
        assert len(bytes.fromhex(file.sha256)) == 32


# --- from another address or a folder


@pytest.mark.parametrize("end", ["", "/"])
def test_a_mirror_address_gets_the_file_name_appended(site: Site, tmp_path: Path, end: str) -> None:
    mirror = site.base("plain").rstrip("/") + end
    assert fetched(UNUSED, tmp_path, mirror) == CONTENT


@pytest.mark.parametrize("subfolder", ["", "facts"])
def test_a_folder_mirror_is_copied_from_itself_or_its_subfolder(
    tmp_path: Path, subfolder: str
) -> None:
    source = tmp_path / "mirror" / subfolder
    source.mkdir(parents=True)
    (source / NAME).write_bytes(CONTENT)
    assert fetched(UNUSED, tmp_path / "out", str(tmp_path / "mirror")) == CONTENT


def test_a_wrong_file_in_a_folder_mirror_is_refused_and_left_there(tmp_path: Path) -> None:
    source = tmp_path / "mirror"
    source.mkdir()
    (source / NAME).write_bytes(b"other")
    out = tmp_path / "out"
    refusal(UNUSED, out, str(source), (str(source), "not the published"))
    assert not out.exists()
    assert (source / NAME).read_bytes() == b"other"


def test_a_folder_mirror_without_the_file_names_where_it_looked(tmp_path: Path) -> None:
    mirror = str(tmp_path / "none")
    refusal(UNUSED, tmp_path, mirror, (mirror, NAME, "subfolder facts"))


@pytest.mark.parametrize(
    ("mirror", "reason"),
    [("ftp://example.org/data", "http"), ("file:///etc", "http"), ("http://[nowhere", "Invalid")],
)
def test_only_folders_and_http_addresses_are_mirrors(
    tmp_path: Path, mirror: str, reason: str
) -> None:
    refusal(UNUSED, tmp_path, mirror, (mirror, reason))


@pytest.mark.real_data
def test_the_published_birthplaces_come_from_a_folder_mirror(
    real_data: Path, tmp_path: Path
) -> None:
    paths = fetch("birthplaces", str(real_data), tmp_path, Silent())
    published = DATASETS["birthplaces"]
    assert [path.stat().st_size for path in paths] == [file.size for file in published]
