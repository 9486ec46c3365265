"""A file is there whole or not at all."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from nanoknow.system.files import write_atomically


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
