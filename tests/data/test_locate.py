"""Data files are found where they are named, in the data folder, or nowhere."""

from __future__ import annotations

from pathlib import Path

import pytest

from nanoknow.data.corpus import read_corpus
from nanoknow.data.sources import locate
from nanoknow.errors import DataError


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to stand in, beside a data folder."""
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    return tmp_path


def put(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("text\n")
    return path


def test_a_file_is_found_as_it_is_named_before_the_data_folder(
    places: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NANOKNOW_DATA", str(places / "published"))
    put(places / "published" / "wiki.txt")
    put(places / "here" / "wiki.txt")
    assert locate(Path("wiki.txt")) == Path("wiki.txt")


@pytest.mark.parametrize("folder", [".", "birthplaces"])
def test_a_file_is_found_in_the_named_data_folder_and_in_a_folder_in_it(
    places: Path, monkeypatch: pytest.MonkeyPatch, folder: str
) -> None:
    monkeypatch.setenv("NANOKNOW_DATA", str(places / "published"))
    path = put(places / "published" / folder / "wiki.txt")
    put(places / "here" / "data" / "wiki.txt")  # the default: not looked at
    assert locate(Path("wiki.txt")) == path


def test_the_data_folder_itself_comes_before_the_folders_in_it(
    places: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NANOKNOW_DATA", str(places / "published"))
    put(places / "published" / "a" / "wiki.txt")
    path = put(places / "published" / "wiki.txt")
    assert locate(Path("wiki.txt")) == path


@pytest.mark.parametrize("folder", [".", "birthplaces"])
@pytest.mark.parametrize("setting", [None, ""])
def test_without_a_named_data_folder_it_is_data(
    places: Path, monkeypatch: pytest.MonkeyPatch, setting: str | None, folder: str
) -> None:
    if setting is not None:
        monkeypatch.setenv("NANOKNOW_DATA", setting)
    path = put(places / "here" / "data" / folder / "wiki.txt")
    assert locate(Path("wiki.txt")).absolute() == path


def test_a_name_with_its_folder_is_found_in_the_data_folder(places: Path) -> None:
    path = put(places / "here" / "data" / "tinyshakespeare" / "input.txt")
    assert locate(Path("tinyshakespeare/input.txt")).absolute() == path


def test_an_absolute_path_is_taken_as_it_is(places: Path) -> None:
    path = put(places / "elsewhere" / "wiki.txt")
    assert locate(path) == path


def test_an_absolute_path_to_nothing_is_refused_without_looking_elsewhere(places: Path) -> None:
    path = places / "elsewhere" / "wiki.txt"
    put(places / "here" / "data" / "wiki.txt")
    with pytest.raises(DataError) as caught:
        read_corpus(locate(path))
    assert str(caught.value) == f"{path}: no such file: check the name"


@pytest.mark.parametrize("name", ["wiki.txt", "x" * 300, "a/" * 3000 + "b", "a\0b"])
def test_a_file_that_is_nowhere_is_refused_with_the_places_and_how_to_get_it(
    places: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    folder = places / "published"
    (folder / "birthplaces").mkdir(parents=True)
    monkeypatch.setenv("NANOKNOW_DATA", str(folder))
    with pytest.raises(DataError) as caught:
        locate(Path(name))
    message = str(caught.value)
    shown = name.replace("\0", "\\x00")
    assert message.startswith(f"{shown}: no such file, here or in {folder}/")
    assert "nanoknow data fetch birthplaces" in message
