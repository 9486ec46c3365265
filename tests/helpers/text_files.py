"""Files of texts and questions, in every encoding they may come in."""

import unicodedata
from collections.abc import Callable
from itertools import product

import pytest
from hypothesis import strategies as st

from nanoknow.data.corpus import Corpus, corpus_from_chunks
from nanoknow.data.questions import QuestionSet, questions_from_bytes
from nanoknow.errors import DataError
from tests.helpers.refused import refused

BOM = b"\xef\xbb\xbf"
POINTER = (
    b"version https://git-lfs.github.com/spec/v1\n"
    b"oid sha256:823bb536fca77c8b5a15b34b0dead6355d0cf1f806e822464bca28806c2fd055\nsize 421868\n"
)


def corpus_from_bytes(raw: bytes, name: str) -> Corpus:
    return corpus_from_chunks([raw], name)


READERS: list[Callable[[bytes, str], Corpus | QuestionSet]] = [
    corpus_from_bytes,
    questions_from_bytes,
]
both_readers = pytest.mark.parametrize("read", READERS)


UNSEEN = "\u200b\u2060\ufeff"
DIRECTIONS = "\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u3164\uffa0\U000e0000\U000e0041" + "".join(
    chr(i)
    for first, end in (
        (0x180B, 0x1810),
        (0x200C, 0x2010),
        (0x202A, 0x202F),
        (0x2061, 0x2070),
        (0xFE00, 0xFE10),
    )
    for i in range(first, end)
)


def nfc(text: str) -> str:
    return unicodedata.normalize("NFC", text)


# A line of a file: no line ends and no NUL; "\ufeff" would be a byte order mark at the start.
LINE = st.text(
    st.characters(codec="utf-8", exclude_characters="\n\r\t\0\ufeff\u25a1\u2047"), max_size=12
).map(nfc)
FIELD = LINE.filter(lambda text: bool(seen(f"\t{text}").strip()))
PAIRS = st.lists(st.tuples(FIELD, FIELD), min_size=1, max_size=6)


def encoded(lines: list[str], *, bom: bool, crlf: bool, ended: bool) -> bytes:
    end = "\r\n" if crlf else "\n"
    text = end.join(lines) + (end if ended else "")
    return (BOM if bom else b"") + text.encode()


def seen(line: str) -> str:
    """Return a line of questions as it is read, found character by character."""
    parts = ["".join(c for c in part if c not in UNSEEN) for part in line.split("\t")]
    for i, part in enumerate(parts):
        shown = [j for j, c in enumerate(part) if not (c.isspace() or is_ignorable(c))]
        parts[i] = part[shown[0] : shown[-1] + 1] if shown else ""
    return nfc("\t".join(parts))


def is_ignorable(character: str) -> bool:
    return character in UNSEEN + DIRECTIONS or 0xE0000 <= ord(character) < 0xE1000


WAYS = ("bom", "crlf", "ended")
ENCODINGS = st.fixed_dictionaries({way: st.booleans() for way in WAYS})
every_encoding = pytest.mark.parametrize(
    "encoding",
    [dict(zip(WAYS, flags, strict=True)) for flags in product((False, True), repeat=3)],
    ids=lambda encoding: "+".join(name for name, on in encoding.items() if on) or "plain",
)


def pairs_of(questions: QuestionSet) -> list[tuple[str, str | None]]:
    return [(item.text, item.answer) for item in questions.items]


def refusal(read: Callable[[bytes, str], object], raw: bytes) -> str:
    return refused(DataError, lambda: read(raw, "FILE"))
