"""A large text is encoded once, and mapped into memory from then on."""

import hashlib
import os
import time
from pathlib import Path

import numpy as np
import pytest
import torch

from nanoknow.data.corpus import UNREAD, corpus_from_chunks, read_corpus
from nanoknow.errors import DataError

MAPPED_FROM = 3 << 20  # of a text: less than ordinarily, to be read sooner
LINE = "To be, or not to be: that is the question — é\n".encode()


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("large") / "play.txt"
    path.write_bytes(LINE * (MAPPED_FROM // len(LINE) + 1))
    return path


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr("nanoknow.data.corpus.MAPPED_FROM", MAPPED_FROM)
    return tmp_path / "nanoknow"


def test_it_is_the_text_and_read_no_second_time(large: Path, cache: Path) -> None:
    first = read_corpus(large)
    assert isinstance(first.codes, np.memmap)
    made = {path.name: path.stat().st_mtime_ns for path in cache.iterdir()}
    assert sorted(Path(name).suffix for name in made) == [".codes", ".json"]
    os.utime(large, ns=(0, large.stat().st_mtime_ns))  # read, not changed
    second = read_corpus(large)
    assert {path.name: path.stat().st_mtime_ns for path in cache.iterdir()} == made
    in_memory = corpus_from_chunks([LINE, LINE], "two lines")
    assert first.sha256 == second.sha256 == hashlib.sha256(large.read_bytes()).hexdigest()
    assert first.characters == second.characters == in_memory.characters
    n = len(in_memory.codes)
    assert np.array_equal(second.codes[:n], in_memory.codes)
    assert np.array_equal(first.codes, second.codes)
    torch.from_numpy(second.codes)  # which warns of memory that cannot be written
    large.write_bytes(large.read_bytes()[:-1] + b"x")
    assert read_corpus(large).sha256 != first.sha256


def test_where_nothing_can_be_kept_it_is_read(large: Path, cache: Path) -> None:
    cache.write_text("a file where the folder would be")
    assert not isinstance(read_corpus(large).codes, np.memmap)


def test_a_damaged_record_is_no_obstacle_and_a_bad_text_leaves_nothing(
    large: Path, cache: Path, tmp_path: Path
) -> None:
    codes = read_corpus(large).codes
    [record] = cache.glob("*.json")
    whole = record.read_text()
    for damage in ("", '{"sha256": 1, "characters": "a", "width": "nothing"}'):
        record.write_text(damage)
        assert np.array_equal(read_corpus(large).codes, codes)
        assert record.read_text() == whole
    record.with_suffix(".codes").unlink()
    assert isinstance(read_corpus(large).codes, np.memmap)
    bad = tmp_path / "bad.txt"
    bad.write_bytes(large.read_bytes() + b"\xff")
    before = sorted(cache.iterdir())
    with pytest.raises(DataError, match="not UTF-8"):
        read_corpus(bad)
    assert sorted(cache.iterdir()) == before


def test_what_nobody_has_read_for_30_days_is_deleted_when_another_is_made(
    large: Path, cache: Path, tmp_path: Path
) -> None:
    one, other = tmp_path / "one.txt", tmp_path / "other.txt"
    for text in (one, other):
        os.link(large, text)
        read_corpus(text)
    former = set(cache.iterdir())
    (cache / "making-killed").touch()
    (cache / "somebody's folder").mkdir()  # which stays, and is no obstacle
    for file in cache.iterdir():
        os.utime(file, (time.time() - UNREAD - 1,) * 2)
    read_corpus(other)
    read = {file for file in former if file.stat().st_atime > time.time() - UNREAD}
    assert sorted(file.suffix for file in read) == [".codes", ".json"]
    assert isinstance(read_corpus(large).codes, np.memmap)
    left = set(cache.iterdir())
    assert left & former == read
    assert sorted(path.suffix for path in left - former) == ["", ".codes", ".json"]
