"""A file is there whole or not at all, is written by no link, and is of no other kind."""

import os
import secrets
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from nanoknow.system import files
from nanoknow.system.files import (
    append,
    open_regular,
    read_regular,
    replacing,
    require_writable,
    write_atomically,
)


@pytest.mark.parametrize("content", [b"whole", [b"wh", b"", b"ole"], iter([b"who", b"le"])])
def test_bytes_are_written_whole_or_by_pieces(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"what was there before")
    write_atomically(path, content)
    assert path.read_bytes() == b"whole"
    assert list(tmp_path.iterdir()) == [path]


def test_content_that_fails_half_way_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    def pieces() -> Iterator[bytes]:
        yield b"new"
        raise OSError("disk full")

    path = tmp_path / "file"
    path.write_bytes(b"old")
    with pytest.raises(OSError, match="disk full"):
        write_atomically(path, pieces())
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


# --- by no link


@pytest.fixture
def victim(tmp_path: Path) -> Path:
    """A file elsewhere, that links lead to; it must stay as it is."""
    (tmp_path / "elsewhere").mkdir()
    path = tmp_path / "elsewhere" / "victim"
    path.write_bytes(b"precious")
    return path


def test_a_link_is_replaced_and_not_followed(tmp_path: Path, victim: Path) -> None:
    for target in (victim, tmp_path / "nothing"):
        path = tmp_path / "file"
        path.symlink_to(target)
        write_atomically(path, b"new")
        assert not path.is_symlink()
        assert path.read_bytes() == b"new"
        path.unlink()
    assert victim.read_bytes() == b"precious"
    assert not (tmp_path / "nothing").exists()


def test_names_of_temporary_files_are_not_known_before(
    tmp_path: Path, victim: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []
    for _ in range(2):
        with replacing(tmp_path / "file"):
            seen += [path.name for path in tmp_path.glob(".file.*")]
    assert len(set(seen)) == 2
    monkeypatch.setattr(secrets, "token_hex", lambda _: "0" * 16)  # and if one were
    (tmp_path / f".file.{'0' * 16}.tmp").symlink_to(victim)
    with pytest.raises(FileExistsError):
        write_atomically(tmp_path / "file", b"new")
    with pytest.raises(FileExistsError):
        require_writable(tmp_path / "file", is_folder=False)
    assert victim.read_bytes() == b"precious"


def test_nothing_is_appended_by_a_link(tmp_path: Path, victim: Path) -> None:
    path = tmp_path / "metrics"
    append(path, b"a")
    append(path, b"b")
    assert path.read_bytes() == b"ab"
    for target in (victim, tmp_path / "nothing"):
        path.unlink()
        path.symlink_to(target)
        with pytest.raises(OSError, match="is a link"):
            append(path, b"c")
    assert victim.read_bytes() == b"precious"
    assert not (tmp_path / "nothing").exists()


def test_a_link_laid_at_the_last_moment_is_not_followed_either(
    tmp_path: Path, victim: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "require_regular", lambda *_, **__: None)
    (tmp_path / "metrics").symlink_to(victim)
    with pytest.raises(OSError, match="Too many levels of symbolic links"):
        append(tmp_path / "metrics", b"c")
    assert victim.read_bytes() == b"precious"


@pytest.mark.parametrize("age", [0, 30 * 3600], ids=["now", "a day ago"])
def test_what_killed_processes_left_is_swept_when_it_is_a_day_old(
    tmp_path: Path, age: int, victim: Path
) -> None:
    left = tmp_path / ".page.html.0123456789abcdef.tmp"
    others = [tmp_path / name for name in (".page.html.123.tmp", "a.0123456789abcdef.tmp")]
    for path in (left, *others):
        path.write_bytes(b"half")
        os.utime(path, (time.time() - age,) * 2)
    write_atomically(tmp_path / "file", b"new")
    assert left.exists() == (age == 0)
    assert all(path.exists() for path in others)


# --- of no other kind

KINDS = {"pipe": os.mkfifo, "folder": os.mkdir, "device": lambda path: path.symlink_to("/dev/zero")}


@pytest.mark.timeout(20)
@pytest.mark.parametrize("kind", KINDS)
def test_what_is_no_regular_file_is_neither_opened_nor_replaced(tmp_path: Path, kind: str) -> None:
    path, link = tmp_path / "file", tmp_path / "link"
    KINDS[kind](path)
    link.symlink_to(path)
    before = path.lstat()
    for each in (path, link):
        for call in (
            lambda each=each: open_regular(each),
            lambda each=each: read_regular(each),
            lambda each=each: append(each, b"a"),
            lambda each=each: write_atomically(each, b"a"),
            lambda each=each: require_writable(each, is_folder=False),
        ):
            with pytest.raises(OSError, match=r"no regular file|is a folder"):
                call()
    assert (path.lstat().st_ino, path.lstat().st_mode) == (before.st_ino, before.st_mode)
    assert sorted(tmp_path.iterdir()) == [path, link]


def test_a_pipe_that_appears_at_the_last_moment_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "require_regular", lambda *_, **__: None)
    os.mkfifo(tmp_path / "pipe")
    assert read_regular(tmp_path / "pipe") == b""
    with pytest.raises(OSError, match="No such device"):
        append(tmp_path / "pipe", b"a")


def test_a_regular_file_is_read_by_a_link_and_up_to_a_limit(tmp_path: Path, victim: Path) -> None:
    (tmp_path / "link").symlink_to(victim)
    assert read_regular(tmp_path / "link", 8) == b"precious"
    with pytest.raises(OSError, match="over 7 bytes"):
        read_regular(tmp_path / "link", 7)


def test_a_folder_that_is_a_link_is_written_in(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "runs").symlink_to(tmp_path / "disk")
    write_atomically(tmp_path / "runs" / "file", b"a")
    append(tmp_path / "runs" / "file", b"b")
    require_writable(tmp_path / "runs" / "deep" / "er", is_folder=True)
    assert (tmp_path / "disk" / "file").read_bytes() == b"ab"
    assert [path.name for path in (tmp_path / "disk").iterdir()] == ["file"]


@pytest.mark.parametrize("name", ["x" * 255, "é" * 127], ids=["bytes", "letters"])
def test_the_longest_name_that_a_file_can_have_is_written(tmp_path: Path, name: str) -> None:
    require_writable(tmp_path / name, is_folder=False)
    write_atomically(tmp_path / name, b"whole")
    assert [file.name for file in tmp_path.iterdir()] == [name]
