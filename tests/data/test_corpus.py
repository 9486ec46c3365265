"""Files read as the texts they are, in any encoding they may come in, or are refused by line."""

import gzip
import hashlib
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from nanoknow.data.corpus import Corpus, read_corpus
from nanoknow.data.questions import Question, QuestionSet, read_questions
from nanoknow.data.rows import form_of
from nanoknow.errors import DataError
from tests.helpers.bad_inputs import attempt
from tests.helpers.examples import examples
from tests.helpers.refused import refused
from tests.helpers.text_files import (
    BOM,
    ENCODINGS,
    FIELD,
    LINE,
    POINTER,
    READERS,
    both_readers,
    corpus_from_bytes,
    encoded,
    every_encoding,
    refusal,
)


@every_encoding
def test_the_encoding_changes_neither_documents_nor_questions(
    tmp_path: Path, encoding: dict[str, bool]
) -> None:
    path = tmp_path / "texts.tsv"
    lines = ["Where was Zo\u00eb born?\tK\u00f6ln", "Where was Bo born?\tLeeds"]
    raw = encoded(lines, **encoding)
    path.write_bytes(raw)
    questions = read_questions(path)
    assert questions.items == (
        Question("Where was Zo\u00eb born?", ("K\u00f6ln",), 1, 1),
        Question("Where was Bo born?", ("Leeds",), 2, 2),
    )
    corpus = read_corpus(path)
    # What follows a last line end is one more document, an empty one.
    assert corpus.documents == (*lines, *[""] * encoding["ended"])
    for text in (corpus, questions):
        assert text.name == str(path)
        assert text.sha256 == hashlib.sha256(raw).hexdigest()


@given(st.lists(LINE, max_size=6), FIELD, ENCODINGS)
def test_any_documents_read_back_the_same(
    lines: list[str], line: str, encoding: dict[str, bool]
) -> None:
    documents = [*lines, line]
    assume(form_of("\n".join(documents), "FILE", "text") is None)
    corpus = corpus_from_bytes(encoded(documents, **encoding), "FILE")
    assert corpus.documents == (*documents, *[""] * encoding["ended"])
    assert corpus.text == "\n".join(corpus.documents)


def test_an_empty_line_between_documents_is_an_empty_document() -> None:
    assert corpus_from_bytes(b"one\n\ntwo", "FILE").documents == ("one", "", "two")


@given(st.lists(FIELD, min_size=1, max_size=5), ENCODINGS, st.data())
@example(["ab", "c"], {"bom": True, "crlf": False, "ended": False}, None)
def test_a_byte_that_is_not_utf8_is_refused_with_its_line(
    lines: list[str], encoding: dict[str, bool], data: st.DataObject | None
) -> None:
    number = data.draw(st.integers(1, len(lines))) if data else len(lines)
    marked = [*lines]
    marked[number - 1] += "\ufeff"  # in place of the bad byte: LINE has none of these
    raw = encoded(marked, **encoding)
    head = len(BOM) if encoding["bom"] else 0
    raw = raw[:head] + raw[head:].replace("\ufeff".encode(), b"\xff")
    for read in READERS:
        assert refusal(read, raw).startswith(f"FILE:{number}: byte 0xff is not UTF-8")


@both_readers
@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b"", "FILE: an empty file"),
        (BOM, "FILE: an empty file"),
        (POINTER, "FILE:1: a Git LFS pointer, not the data: run 'git lfs pull'"),
        (gzip.compress(b"one\ttwo\n", mtime=0), "FILE:1: packed by gzip: unpack it with 'gunzip'"),
        (
            b"PK\3\4\x14\0\6\0",
            "FILE:1: a zip archive, as .xlsx and .ods are: save the sheet as CSV",
        ),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "FILE:1: an Office file, as .xls is: save the sheet"),
        (b"%PDF-1.7\n%\xe2\xe3", "FILE:1: a PDF: save its text"),
        (b"{\\rtf1\\ansi one}", "FILE:1: formatted text (RTF): save it as plain text"),
        (b"<!DOCTYPE html>\n<td>one", "FILE:1: a web page: save its text, or its table as CSV"),
        (b"one\ttwo\nthr\0ee\tfour\n", "FILE:2: a NUL character"),
        (BOM + b"one\n\0", "FILE:2: a NUL character"),
        ("one\ttwo".encode("utf-16"), "FILE:1: byte 0xff is not UTF-8"),
        ("K\u00f6ln\tGermany".encode("latin-1"), "FILE:1: byte 0xf6 is not UTF-8"),
    ],
)
def test_a_file_that_is_no_text_is_refused(
    read: Callable[[bytes, str], object], raw: bytes, message: str
) -> None:
    assert refusal(read, raw).startswith(message)


@pytest.mark.parametrize("raw", [b"\n", b"\n\n\n", b"\r\n\r\n", BOM + b"\n"])
def test_a_corpus_of_empty_lines_is_refused(raw: bytes) -> None:
    assert refusal(corpus_from_bytes, raw).startswith("FILE: holds only empty lines")


read_file = pytest.mark.parametrize("read", [read_corpus, read_questions])


@read_file
def test_a_folder_is_refused(tmp_path: Path, read: Callable[[Path], object]) -> None:
    message = refused(DataError, lambda: read(tmp_path))
    assert message == f"{tmp_path}: is a folder: name a file in it"


@read_file
@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("gone.txt", "no such file"),
        ("x" * 300, "File name too long"),
        ("a\0b", "no name of a file"),
    ],
)
def test_a_file_that_is_not_there_is_refused(
    tmp_path: Path, read: Callable[[Path], object], name: str, reason: str
) -> None:
    with pytest.raises(DataError, match=reason):
        read(tmp_path / name)


TEXT_BYTES = st.lists(
    st.sampled_from([b"a", b"\t", b"\t", b"\n", b"\r\n", b"\r", b" ", b"\0", b"\xff", BOM, b"\xc3"])
    | st.binary(max_size=3),
    max_size=12,
).map(b"".join)


@given(st.binary(max_size=60) | TEXT_BYTES | st.binary(max_size=9).map(POINTER.__add__))
@examples(3)
@example(b"\xed\xa0\x80")
@example(b"\t")
@example(BOM + BOM)
def test_any_bytes_are_a_text_or_refused_in_one_line(raw: bytes) -> None:
    for read in READERS:
        text = attempt(partial(read, raw, "FILE"), DataError, "FILE:")
        if isinstance(text, QuestionSet):
            assert {item.answer is not None for item in text.items} == {text.answered}
            assert all("\n" not in item.text for item in text.items)
        elif isinstance(text, Corpus):
            assert any(text.documents)


@pytest.mark.real_data
def test_the_biographies_are_2938_documents_the_last_one_empty(real_data: Path) -> None:
    corpus = read_corpus(real_data / "birthplaces" / "wiki.txt")
    assert len(corpus.text) == 418_352
    assert len(corpus.documents) == 2938
    assert [i for i, document in enumerate(corpus.documents) if not document] == [2937]
    assert sum(len(document) for document in corpus.documents) + 2937 == 418_352


@pytest.mark.real_data
def test_shakespeare_is_1115394_characters(real_data: Path) -> None:
    assert len(read_corpus(real_data / "tinyshakespeare" / "input.txt").text) == 1_115_394
