"""Fetching from another address or a folder."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from nanoknow.data.download import fetch, fetch_file
from nanoknow.data.published import DATASETS
from tests.helpers.silent import Silent
from tests.helpers.site import CONTENT, NAME, Site, names, refusal, remote


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


@pytest.mark.real_data
def test_the_published_birthplaces_come_from_a_folder_mirror(tmp_path: Path) -> None:
    folder = os.environ.get("NANOKNOW_DATA")
    if folder is None:
        pytest.skip("set NANOKNOW_DATA to the folder with the published data")
    paths = fetch("birthplaces", folder, tmp_path, Silent())
    assert [path.stat().st_size for path in paths] == [
        file.size for file in DATASETS["birthplaces"]
    ]
