"""A text reads the same however its bytes are cut, and is refused with the same words."""

import hashlib
import itertools
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from nanoknow.data import reading
from nanoknow.data.corpus import corpus_from_chunks, read_corpus
from nanoknow.data.reading import LFS_POINTER, OTHER_FORMATS, decoded
from nanoknow.errors import DataError
from tests.helpers.examples import examples
from tests.helpers.text_files import nfc

BOM = b"\xef\xbb\xbf"
PARTS = [b"a", b"\n", b"\r", b"\r\n", b"\0", "é".encode(), "日".encode(), "😀".encode(), BOM]
PARTS += [part.encode() for part in ("\u0323", "\u0301", "각", "\u1100", "\u1161", "\u11a8")]
BROKEN = [b"\xff", b"\xc3", b"\xe6\x97", b"\xf0\x9f\x98", b"\xed\xa0\x80", *OTHER_FORMATS]
BYTES = st.sampled_from([PARTS, PARTS + BROKEN]).flatmap(
    lambda parts: st.lists(st.sampled_from(parts), max_size=14).map(b"".join)
)


def plain(raw: bytes) -> str:
    """Read a whole file at once: what reading it in pieces has to equal."""
    for start, what in OTHER_FORMATS.items():
        if raw.startswith(start):
            return f"refused: FILE:1: {what}"
    raw, nul, _ = raw.removeprefix(BOM).partition(b"\0")  # after which nothing is read
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        line, byte = raw[: error.start].count(b"\n") + 1, raw[error.start]
        return f"refused: FILE:{line}: byte 0x{byte:02x} is not UTF-8: save the file as UTF-8"
    if nul:
        line = text.count("\n") + 1
        return f"refused: FILE:{line}: a NUL character: is this a text file?"
    text = text.replace("\r\n" if "\n" in text else "\r", "\n")
    return nfc(text) or "refused: FILE: an empty file: was it written completely?"


def cut(raw: bytes, sizes: list[int]) -> Iterator[bytes]:
    """Cut bytes into pieces of these sizes, over and over; 0 is an empty piece."""
    while raw:
        for size in sizes:
            yield raw[:size]
            raw = raw[size:]


def outcome(read: Callable[[Iterator[bytes]], str], pieces: Iterator[bytes]) -> str:
    try:
        return read(pieces)
    except DataError as error:
        return f"refused: {error}"


def joined(pieces: Iterator[bytes]) -> str:
    return "".join(decoded(pieces, "FILE"))


@given(raw=BYTES, sizes=st.lists(st.integers(0, 5), min_size=1, max_size=4).filter(any))
@examples(4)
@example(raw=BOM, sizes=[1])
@example(raw=BOM[:2], sizes=[1])
@example(raw=BOM + BOM + b"a", sizes=[2])
@example(raw=b"a\r\nb\r\r\n", sizes=[1])
@example(raw=b"a\r", sizes=[1])
@example(raw=BOM + b"a\rb\r", sizes=[1])
@example(raw="a\u0323\u0301\na\u0301\u0323\u1100\u1161\u11a8".encode(), sizes=[1])
@example(raw="a\n\n日".encode()[:-1], sizes=[1])
@example(raw=b"a\n\0\n\xff", sizes=[1])
@example(raw=LFS_POINTER, sizes=[3])
@example(raw=LFS_POINTER[:-1], sizes=[3])
def test_any_cut_of_any_bytes_reads_as_the_whole_does(raw: bytes, sizes: list[int]) -> None:
    assert outcome(joined, cut(raw, sizes)) == outcome(joined, iter([raw])) == plain(raw)


@given(raw=BYTES, size=st.integers(1, 5))
def test_a_corpus_is_the_same_however_its_bytes_are_cut(raw: bytes, size: int) -> None:
    def read(pieces: Iterator[bytes]) -> str:
        corpus = corpus_from_chunks(pieces, "FILE")
        assert corpus.sha256 == hashlib.sha256(raw).hexdigest()
        assert corpus.text == plain(raw)
        return f"{corpus.characters!r} {corpus.codes.tolist()}"

    assert outcome(read, cut(raw, [size])) == outcome(read, iter([raw]))


def test_a_file_longer_than_a_piece_reads_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "CHUNK", 3)
    path = tmp_path / "wiki.txt"
    path.write_bytes(BOM + "Zoë. Köln.\r\n日本\r\n".encode())
    corpus = read_corpus(path)
    assert corpus.documents == ("Zoë. Köln.", "日本", "")
    assert corpus.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    path.write_bytes("Zoë\r\n日本\r\nK".encode() + b"\xf6ln")
    with pytest.raises(DataError, match=r"wiki\.txt:3: byte 0xf6 is not UTF-8"):
        read_corpus(path)


def test_a_corpus_takes_little_more_than_a_byte_a_character_while_it_is_read() -> None:
    piece = "Zoë was born in Köln.\n".encode() * 40_000
    tracemalloc.start()
    corpus = corpus_from_chunks(itertools.repeat(piece, 60), "FILE")
    held, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    n = len(corpus.codes)
    assert n == 60 * len(piece.decode()) == 60 * 40_000 * 22
    assert held < 1.01 * n + 1e6
    assert most < 1.15 * n + 50 * len(piece)
