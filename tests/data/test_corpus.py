"""Files read as the texts they are, in any encoding they may come in, or are refused by line."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from nanoknow.data.corpus import Corpus, corpus_from_pieces, read_corpus
from nanoknow.data.questions import Question, QuestionSet, questions_from_bytes, read_questions
from nanoknow.data.sources import locate
from nanoknow.errors import DataError

BOM = b"\xef\xbb\xbf"
POINTER = (
    b"version https://git-lfs.github.com/spec/v1\n"
    b"oid sha256:823bb536fca77c8b5a15b34b0dead6355d0cf1f806e822464bca28806c2fd055\nsize 421868\n"
)


def corpus_from_bytes(raw: bytes, name: str) -> Corpus:
    return corpus_from_pieces([raw], name)


READERS: list[Callable[[bytes, str], Corpus | QuestionSet]] = [
    corpus_from_bytes,
    questions_from_bytes,
]
both_readers = pytest.mark.parametrize("read", READERS)

# A line of a file: no line ends and no NUL; "\ufeff" would be a byte order mark at the start.
LINE = st.text(st.characters(codec="utf-8", exclude_characters="\n\r\t\0\ufeff"), max_size=12)
FIELD = LINE.filter(lambda text: bool(text.strip()))
PAIRS = st.lists(st.tuples(FIELD, FIELD), min_size=1, max_size=6)


def encoded(lines: list[str], *, bom: bool, crlf: bool, ended: bool) -> bytes:
    end = "\r\n" if crlf else "\n"
    text = end.join(lines) + (end if ended else "")
    return (BOM if bom else b"") + text.encode()


ENCODINGS = st.fixed_dictionaries(
    {"bom": st.booleans(), "crlf": st.booleans(), "ended": st.booleans()}
)
every_encoding = pytest.mark.parametrize(
    "encoding",
    [
        {"bom": bom, "crlf": crlf, "ended": ended}
        for bom in (False, True)
        for crlf in (False, True)
        for ended in (False, True)
    ],
    ids=lambda encoding: "+".join(name for name, on in encoding.items() if on) or "plain",
)


def pairs_of(questions: QuestionSet) -> list[tuple[str, str | None]]:
    return [(item.text, item.answer) for item in questions.items]


def refusal(read: Callable[[bytes, str], object], raw: bytes) -> str:
    with pytest.raises(DataError) as caught:
        read(raw, "FILE")
    message = str(caught.value)
    assert len(message.splitlines()) == 1
    return message


# --- reading


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
        Question("Where was Zo\u00eb born?", "K\u00f6ln", 1),
        Question("Where was Bo born?", "Leeds", 2),
    )
    corpus = read_corpus(path)
    # What follows a last line end is one more document, an empty one.
    assert corpus.documents == (*lines, *[""] * encoding["ended"])
    for text in (corpus, questions):
        assert text.name == str(path)
        assert text.sha256 == hashlib.sha256(raw).hexdigest()


@given(PAIRS, ENCODINGS)
@settings(max_examples=100)
@example([("q", "a")], {"bom": True, "crlf": True, "ended": False})
@example([("a\u2028b\x85c", "\x0b\x1c.")], {"bom": False, "crlf": True, "ended": True})
def test_any_pairs_read_back_the_same(
    pairs: list[tuple[str, str]], encoding: dict[str, bool]
) -> None:
    raw = encoded([f"{question}\t{answer}" for question, answer in pairs], **encoding)
    questions = questions_from_bytes(raw, "FILE")
    assert pairs_of(questions) == pairs
    assert [item.line for item in questions.items] == list(range(1, len(pairs) + 1))
    assert questions.answered


@given(st.lists(FIELD, min_size=1, max_size=6), ENCODINGS)
@settings(max_examples=50)
def test_lines_without_any_tab_are_questions_without_answers(
    lines: list[str], encoding: dict[str, bool]
) -> None:
    questions = questions_from_bytes(encoded(lines, **encoding), "FILE")
    assert pairs_of(questions) == [(line, None) for line in lines]
    assert not questions.answered


@given(st.lists(LINE, max_size=6), FIELD, ENCODINGS)
@settings(max_examples=100)
def test_any_documents_read_back_the_same(
    lines: list[str], line: str, encoding: dict[str, bool]
) -> None:
    documents = [*lines, line]
    corpus = corpus_from_bytes(encoded(documents, **encoding), "FILE")
    assert corpus.documents == (*documents, *[""] * encoding["ended"])
    assert corpus.text == "\n".join(corpus.documents)


def test_an_empty_line_between_documents_is_an_empty_document() -> None:
    assert corpus_from_bytes(b"one\n\ntwo", "FILE").documents == ("one", "", "two")


# --- refusing


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b"a\tb\nc d\ne\tf\n", "FILE:2: no tab, where other lines have one: write question<TAB>"),
        (b"c d\na\tb\n", "FILE:1: no tab, where other lines have one"),
        (b"a\tb\nc", "FILE:2: no tab, where other lines have one"),
        (b"a\tb\nc\td\te\n", "FILE:2: 2 tabs: write question<TAB>answer with one tab"),
        (b"a\t\tb\n", "FILE:1: 2 tabs"),
        (b"a\tb\nc\t\n", "FILE:2: no answer: write question<TAB>answer"),
        (b"a\t  \n", "FILE:1: no answer"),
        (b"\tb\n", "FILE:1: no question"),
        (b"a\tb\n\nc\td\n", "FILE:2: an empty line: delete it"),
        (b"a\tb\r\n\r\n", "FILE:2: an empty line"),
        (b"a\n \nb\n", "FILE:2: an empty line"),
        (b"\t\n", "FILE:1: an empty line"),
        (b"\n", "FILE:1: an empty line"),
    ],
)
def test_a_line_that_is_no_question_and_answer_is_refused_with_its_line(
    raw: bytes, message: str
) -> None:
    assert refusal(questions_from_bytes, raw).startswith(message)
    assert refusal(questions_from_bytes, BOM + raw).startswith(message)


@given(st.lists(FIELD, min_size=1, max_size=5), ENCODINGS, st.data())
@settings(max_examples=100)
@example(["ab", "c"], {"bom": True, "crlf": False, "ended": False}, None)
def test_a_byte_that_is_not_utf8_is_refused_with_its_line(
    lines: list[str], encoding: dict[str, bool], data: st.DataObject | None
) -> None:
    number = data.draw(st.integers(1, len(lines))) if data else len(lines)
    marked = [*lines]
    marked[number - 1] += "\ufeff"  # stands for the bad byte: LINE has none of these
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
    with pytest.raises(DataError) as caught:
        read(tmp_path)
    assert str(caught.value) == f"{tmp_path}: is a folder: name a file in it"


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
@settings(max_examples=300)
@example(b"\xed\xa0\x80")
@example(b"\t")
@example(BOM + BOM)
def test_any_bytes_are_a_text_or_refused_in_one_line(raw: bytes) -> None:
    for read in READERS:
        try:
            text = read(raw, "FILE")
        except DataError:
            assert refusal(read, raw).startswith("FILE:")
            continue
        if isinstance(text, QuestionSet):
            assert {item.answer is not None for item in text.items} == {text.answered}
            assert all("\n" not in item.text for item in text.items)
        else:
            assert any(text.documents)


# --- finding


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


# --- the published files


@pytest.mark.real_data
def test_the_biographies_are_2938_documents_the_last_one_empty(real_data: Path) -> None:
    corpus = read_corpus(real_data / "birthplaces" / "wiki.txt")
    assert len(corpus.text) == 418_352
    assert len(corpus.documents) == 2938
    assert [i for i, document in enumerate(corpus.documents) if not document] == [2937]
    assert sum(len(document) for document in corpus.documents) + 2937 == 418_352


@pytest.mark.real_data
@pytest.mark.parametrize(
    ("name", "lines", "repeated", "non_ascii"),
    [("birth_places_train.tsv", 2000, 9, 124), ("birth_dev.tsv", 500, 0, 17)],
)
def test_the_answered_questions_are_as_many_as_published(
    real_data: Path, name: str, lines: int, repeated: int, non_ascii: int
) -> None:
    questions = read_questions(real_data / "birthplaces" / name)
    assert questions.answered
    assert [item.line for item in questions.items] == list(range(1, lines + 1))
    times = Counter(item.text for item in questions.items)
    assert Counter(times.values()) == Counter({1: lines - 2 * repeated, 2: repeated})
    answers = {(item.text, item.answer) for item in questions.items}
    assert len(answers) == lines  # a question that stands twice has different answers
    beyond = [item for item in questions.items if not f"{item.text}{item.answer}".isascii()]
    assert len(beyond) == non_ascii


@pytest.mark.real_data
def test_the_test_questions_have_no_answers(real_data: Path) -> None:
    questions = read_questions(real_data / "birthplaces" / "birth_test_inputs.tsv")
    assert len(questions.items) == 437
    assert not questions.answered
    assert {item.answer for item in questions.items} == {None}


@pytest.mark.real_data
def test_one_name_stands_in_both_train_and_dev(real_data: Path) -> None:
    folder = real_data / "birthplaces"
    train = {item.text for item in read_questions(folder / "birth_places_train.tsv").items}
    dev = {item.text for item in read_questions(folder / "birth_dev.tsv").items}
    assert train & dev == {"Where was George Stone born?"}


@pytest.mark.real_data
def test_shakespeare_is_1115394_characters(real_data: Path) -> None:
    assert len(read_corpus(real_data / "tinyshakespeare" / "input.txt").text) == 1_115_394
