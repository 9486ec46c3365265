"""Fetching: right bytes or none, carried on after a cut, each failure one line and a next step."""

import fcntl
import hashlib
import os
import random
import socket
import tempfile
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nanoknow.data.download import DATASETS, RemoteFile, fetch, fetch_file
from nanoknow.errors import DataError

CONTENT = random.Random(0).randbytes(150_000)
NAME = "facts.txt"


class Site(HTTPServer):
    """A server on this machine; the first part of a path says how it behaves (see Handler)."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.ranges: list[str | None] = []  # the Range header of each request
        self.cut_at = 0

    def base(self, behaviour: str) -> str:
        return f"http://127.0.0.1:{self.server_port}/{behaviour}/"


class Handler(BaseHTTPRequestHandler):
    server: Site

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        pass

    def do_GET(self) -> None:
        asked = self.headers.get("Range")
        self.server.ranges.append(asked)
        start = int(asked.removeprefix("bytes=").removesuffix("-")) if asked else 0
        match self.path.split("/")[1]:
            case "plain":  # knows no ranges
                self.answer(200, CONTENT)
            case "resumable" if asked:
                span = f"bytes {start}-{len(CONTENT) - 1}/{len(CONTENT)}"
                self.answer(206, CONTENT[start:], span=span)
            case "resumable":
                self.answer(200, CONTENT)
            case "cut":  # announces everything, then breaks off
                self.answer(200, CONTENT[: self.server.cut_at], length=len(CONTENT))
            case "unannounced":  # breaks off and had never said how much would come
                self.answer(200, CONTENT[: self.server.cut_at], length=None)
            case "odd-range" if asked:
                self.answer(206, CONTENT, span=f"bytes 0-{len(CONTENT) - 1}/{len(CONTENT)}")
            case "odd-range":
                self.answer(200, CONTENT)
            case "no-range" if asked:
                self.answer(416, b"")
            case "no-range":
                self.answer(200, CONTENT)
            case "wrong":
                self.answer(200, CONTENT[::-1])
            case "pointer":  # a whole file, but a shorter one, like a Git LFS pointer
                self.answer(200, b"version https://git-lfs.example/spec/v1\n")
            case "long":
                self.answer(200, CONTENT + b"!" * 1_000_000)
            case "redirect":
                self.answer(302, b"", location="/nothing/")
            case "loop":
                self.answer(302, b"", location=self.path)
            case _:
                self.answer(404, b"")

    def answer(
        self,
        status: int,
        body: bytes,
        length: int | None = -1,
        span: str | None = None,
        location: str | None = None,
    ) -> None:
        headers = {"Content-Range": span, "Location": location}
        headers["Content-Length"] = str(len(body) if length == -1 else length) if length else None
        self.send_response(status)
        for key, value in headers.items():
            if value is not None:
                self.send_header(key, value)
        self.end_headers()
        try:
            self.wfile.write(body)
        except ConnectionError:  # the client had seen enough
            self.close_connection = True


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with Site() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "*")


def remote(base: str) -> RemoteFile:
    digest = hashlib.sha256(CONTENT).hexdigest()
    return RemoteFile(NAME, base, "facts", len(CONTENT), digest)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def refusal(
    base: str, folder: Path, mirror: str | None = None, mentions: tuple[str, ...] = ()
) -> str:
    """The text with which a fetch is refused: one line that holds every one of `mentions`."""
    with pytest.raises(DataError) as caught:
        fetch_file(remote(base), folder, mirror)
    text = str(caught.value)
    assert "\n" not in text
    assert [word for word in mentions if word not in text] == []
    return text


def test_a_file_is_fetched_whole_and_nothing_is_left_beside_it(site: Site, tmp_path: Path) -> None:
    seen: list[tuple[str, int, int | None]] = []
    path = fetch_file(
        remote(site.base("plain")), tmp_path / "a" / "b", progress=lambda *args: seen.append(args)
    )
    assert path == tmp_path / "a" / "b" / NAME
    assert path.read_bytes() == CONTENT
    assert names(path.parent) == [NAME]
    assert seen[-1] == (NAME, len(CONTENT), len(CONTENT))
    assert [have for _, have, _ in seen] == sorted({have for _, have, _ in seen})


def test_a_file_that_is_there_is_not_fetched_again(site: Site, tmp_path: Path) -> None:
    (tmp_path / NAME).write_bytes(CONTENT)
    site.ranges.clear()
    assert fetch_file(remote(site.base("plain")), tmp_path) == tmp_path / NAME
    assert site.ranges == []


def test_a_different_file_under_the_name_is_refused_and_left_alone(
    site: Site, tmp_path: Path
) -> None:
    (tmp_path / NAME).write_bytes(b"mine")
    both = (hashlib.sha256(b"mine").hexdigest()[:12], hashlib.sha256(CONTENT).hexdigest()[:12])
    refusal(site.base("plain"), tmp_path, mentions=(*both, "move it away"))
    assert (tmp_path / NAME).read_bytes() == b"mine"


@settings(derandomize=True, deadline=None, max_examples=15)
@given(
    cut_at=st.integers(0, len(CONTENT) - 1),
    way_to_cut=st.sampled_from(["cut", "unannounced"]),
    then=st.sampled_from(["resumable", "plain", "odd-range", "no-range"]),
)
def test_a_cut_download_keeps_its_part_and_the_next_run_ends_it(
    site: Site, cut_at: int, way_to_cut: str, then: str
) -> None:
    site.cut_at = cut_at
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        refusal(site.base(way_to_cut), folder, mentions=("broke off", "run the command again"))
        part = folder / f"{NAME}.part"
        assert names(folder) == ([part.name] if cut_at else [])
        assert not cut_at or part.read_bytes() == CONTENT[:cut_at]
        site.ranges.clear()
        assert fetch_file(remote(site.base(then)), folder).read_bytes() == CONTENT
        assert names(folder) == [NAME]
        assert site.ranges[0] == (f"bytes={cut_at}-" if cut_at else None)
        # A second, plain request follows only where the answer to the first was of no use.
        unusable = cut_at and then in ("odd-range", "no-range")
        assert site.ranges[1:] == ([None] if unusable else [])


def test_a_complete_part_is_given_its_name_without_a_request(site: Site, tmp_path: Path) -> None:
    (tmp_path / f"{NAME}.part").write_bytes(CONTENT)
    site.ranges.clear()
    fetch_file(remote(site.base("resumable")), tmp_path)
    assert site.ranges == []
    assert names(tmp_path) == [NAME]


@pytest.mark.parametrize("size", [len(CONTENT), len(CONTENT) + 5])
def test_a_part_that_is_too_long_or_wrong_is_started_afresh(
    site: Site, tmp_path: Path, size: int
) -> None:
    (tmp_path / f"{NAME}.part").write_bytes(bytes(size))
    assert fetch_file(remote(site.base("resumable")), tmp_path).read_bytes() == CONTENT
    assert names(tmp_path) == [NAME]


def test_a_foreign_part_is_found_by_hash_and_the_next_run_is_clean(
    site: Site, tmp_path: Path
) -> None:
    (tmp_path / f"{NAME}.part").write_bytes(bytes(1000))
    refusal(site.base("resumable"), tmp_path, mentions=("is not the published", "--mirror"))
    assert names(tmp_path) == []
    assert fetch_file(remote(site.base("resumable")), tmp_path).read_bytes() == CONTENT


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
        fetch_file(
            remote(site.base("long")), tmp_path, progress=lambda _, have, __: seen.append(have)
        )
    assert max(seen) < len(CONTENT) + 100_000


@pytest.mark.parametrize(
    ("behaviour", "reason"),
    [("nothing", "404"), ("redirect", "404"), ("loop", "302")],
)
def test_an_http_error_names_the_address_the_reason_and_the_mirror_option(
    site: Site, tmp_path: Path, behaviour: str, reason: str
) -> None:
    base = site.base(behaviour)
    refusal(base, tmp_path, mentions=(base + NAME, reason, "--mirror FOLDER-or-URL"))
    assert names(tmp_path) == []


def test_offline_is_a_one_line_error_and_keeps_a_part(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        base = f"http://127.0.0.1:{free.getsockname()[1]}/"
    (tmp_path / f"{NAME}.part").write_bytes(CONTENT[:10])
    refusal(base, tmp_path, mentions=(base + NAME, "refused", "--mirror FOLDER-or-URL"))
    assert (tmp_path / f"{NAME}.part").read_bytes() == CONTENT[:10]


@pytest.mark.parametrize("end", ["", "/"])
def test_a_mirror_address_gets_the_file_name_appended(site: Site, tmp_path: Path, end: str) -> None:
    mirror = site.base("plain").rstrip("/") + end
    path = fetch_file(remote("http://unused.invalid/"), tmp_path, mirror)
    assert path.read_bytes() == CONTENT


@pytest.mark.parametrize("subfolder", ["", "facts"])
def test_a_folder_mirror_is_copied_from_itself_or_its_subfolder(
    tmp_path: Path, subfolder: str
) -> None:
    source = tmp_path / "mirror" / subfolder
    source.mkdir(parents=True)
    (source / NAME).write_bytes(CONTENT)
    out = tmp_path / "out"
    out.mkdir()
    (out / f"{NAME}.part").write_bytes(b"left over")
    fetch_file(remote("http://unused.invalid/"), out, str(tmp_path / "mirror"))
    assert (out / NAME).read_bytes() == CONTENT
    assert names(out) == [NAME]


def test_a_wrong_file_in_a_folder_mirror_is_refused_and_left_there(tmp_path: Path) -> None:
    source = tmp_path / "mirror"
    source.mkdir()
    (source / NAME).write_bytes(b"other")
    out = tmp_path / "out"
    refusal("http://unused.invalid/", out, str(source), (str(source), "not the published"))
    assert names(out) == []
    assert (source / NAME).read_bytes() == b"other"


def test_a_folder_mirror_without_the_file_names_where_it_looked(tmp_path: Path) -> None:
    mirror = str(tmp_path / "none")
    refusal("http://unused.invalid/", tmp_path, mirror, (mirror, NAME, "subfolder facts"))


@pytest.mark.parametrize("mirror", ["ftp://example.org/data", "file:///etc"])
def test_only_folders_and_http_addresses_are_mirrors(tmp_path: Path, mirror: str) -> None:
    refusal("http://unused.invalid/", tmp_path, mirror, (mirror, "http"))


def test_a_mirror_address_that_cannot_be_parsed_is_a_one_line_error(tmp_path: Path) -> None:
    refusal("http://unused.invalid/", tmp_path, "http://[nowhere", ("http://[nowhere", "Invalid"))


def test_two_fetches_never_write_the_same_part(site: Site, tmp_path: Path) -> None:
    part = tmp_path / f"{NAME}.part"
    with part.open("wb") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        refusal(site.base("plain"), tmp_path, mentions=("in use by another process",))
    assert fetch_file(remote(site.base("plain")), tmp_path).read_bytes() == CONTENT


def test_a_folder_that_cannot_be_made_is_a_one_line_error(site: Site, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    refusal(site.base("plain"), tmp_path / "file", mentions=("choose another folder",))


def test_an_unknown_data_set_is_refused_with_the_nearest_and_all_names(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"Did you mean 'birthplaces'\? .*: birthplaces, shakes"):
        fetch("birthplace", tmp_path)
    with pytest.raises(DataError, match=r"'zzz'\. Available"):
        fetch("zzz", tmp_path)


def test_the_data_sets_are_pinned_to_https_addresses_and_whole_hashes() -> None:
    files = [file for group in DATASETS.values() for file in group]
    assert [file.name for file in DATASETS["birthplaces"]] == [
        "wiki.txt",
        "birth_places_train.tsv",
        "birth_dev.tsv",
        "birth_test_inputs.tsv",
    ]
    assert [file.name for file in DATASETS["shakespeare"]] == ["input.txt"]
    for file in files:
        assert file.base.startswith("https://")
        assert file.base.endswith("/")
        assert len(bytes.fromhex(file.sha256)) == 32


@pytest.mark.real_data
def test_the_published_birthplaces_come_from_a_folder_mirror(tmp_path: Path) -> None:
    folder = os.environ.get("NANOKNOW_DATA")
    if folder is None:
        pytest.skip("set NANOKNOW_DATA to the folder with the published data")
    paths = fetch("birthplaces", tmp_path, mirror=folder)
    assert [path.stat().st_size for path in paths] == [
        file.size for file in DATASETS["birthplaces"]
    ]
