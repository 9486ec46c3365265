"""Streams and signals: what is written is harmless to show, and what breaks ends no work."""

import ast
import io
import json
import os
import signal
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import TextIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nanoknow.errors import OutputError, printable
from nanoknow.system.plain import to_json
from nanoknow.system.reporter import Lines
from nanoknow.system.signals import stop_signals
from nanoknow.system.streams import Guarded, Printable

ORDINARY = [
    *(
        "Łódź, são\t¿qué?",
        "北京　中文",
        "العربية ١٢",
        "עברית",
        "हिन्दी",
        "می\u200cخواهم",
        "e\u0301o\u0308",
    ),
    *("👩\u200d💻 ❤\ufe0f 🏳\ufe0f\u200d🌈 \U0001fae9", "12\xa0% ⁇ □ “x” … ∞ \\x1b"),
]
COMMANDS = (  # of a display, or seen by nobody
    *map(chr, [*range(9), *range(10, 32), *range(127, 160)]),
    *"\xad\u061c\u180e\u200b\u200c\u200d\u200e\u200f\u2028\u2029\ufeff\ufff9\ufffe\uffff",
    *map(chr, [*range(0x202A, 0x202F), *range(0x2060, 0x2070), 0xD800, 0xDFFF, 0xE0001, 0xE0041]),
)
texts = st.text(st.sampled_from(COMMANDS) | st.characters())


@pytest.mark.parametrize("text", ORDINARY)
def test_ordinary_text_of_any_script_stays(text: str) -> None:
    assert printable(text) == text
    assert json.loads(to_json(text, ensure_ascii=False)) == text


@pytest.mark.parametrize("character", COMMANDS)
def test_what_commands_a_display_is_written_out(character: str) -> None:
    shown = printable(f"a{character}b")
    assert shown.isascii()
    assert shown.isprintable()
    assert ast.literal_eval(f"'{shown[1:-1]}'") == character
    assert printable("a\nb\t", lines=True) == "a\nb\t"


@given(texts)
def test_nothing_unseen_is_left_but_joiners_after_what_they_join(text: str) -> None:
    shown = printable(text, lines=True)
    assert printable(shown, lines=True) == shown
    for before, c in zip(" " + shown, shown, strict=False):
        if c not in "\n\t" and unicodedata.category(c) not in ("Zs", "Cn"):
            assert c.isprintable() or (c in "\u200c\u200d" and not before.isascii())
    assert shown.splitlines() == shown.removesuffix("\n").split("\n") or not shown


@given(st.dictionaries(texts, texts | st.lists(texts)))
def test_json_is_harmless_to_show_and_has_the_same_value(value: dict[str, object]) -> None:
    for layout in ({}, {"ensure_ascii": False}, {"ensure_ascii": False, "indent": 2}):
        text = to_json(value, **layout)
        assert json.loads(text) == value
        assert printable(text, lines=True) == text


@pytest.mark.parametrize("text", [*ORDINARY, "a\u200db\x1b\n\u202e", "\u200d"])
def test_a_stream_shows_the_same_whole_or_character_by_character(text: str) -> None:
    stream = io.StringIO()
    one = Printable(stream, is_result=True)
    for character in text:
        one.write(character)
    assert stream.getvalue() == printable(text, lines=True)


def broken() -> TextIO:
    """Return what writes into a pipe that nobody reads."""
    reader, writer = os.pipe()
    os.close(reader)
    return os.fdopen(writer, "w")


def full() -> TextIO:
    return Path("/dev/full").open("w")


@pytest.mark.parametrize(("opened", "code"), [(broken, 141), (full, 1)])
def test_a_stream_that_breaks_is_an_error_of_results_alone(
    opened: Callable[[], TextIO], code: int
) -> None:
    with opened() as stream:
        notes = Guarded(stream, is_result=False)
        notes.write("lost")
        notes.write("too")
    with opened() as stream:
        results = Guarded(stream, is_result=True)
        with pytest.raises(OutputError) as caught:
            results.write("lost")
        assert caught.value.exit_code == code
        results.write("what is still held back goes nowhere")


def test_notes_from_python_are_in_a_line_and_may_be_lost() -> None:
    log = io.StringIO()
    with Lines(log).progress("\x1b]2;a\x07\n", 1) as show:
        show(1, "\u202e")
    assert log.getvalue().startswith("\\x1b]2;a\\x07\\n  1/1  \\u202e  ")
    narrow = io.TextIOWrapper(io.BytesIO(), "ascii")
    Lines(narrow).note("⁇é")
    assert narrow.buffer.getvalue() == rb"\u2047\xe9" + b"\n"
    with broken() as stream:
        Lines(stream).note("lost")
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def test_a_closed_terminal_is_a_signal_that_hurries_nothing() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)  # by nohup, tests start ignoring it
    try:
        with stop_signals() as received:
            for _ in range(3):
                signal.raise_signal(signal.SIGHUP)
            assert received == [signal.SIGHUP]
        assert signal.getsignal(signal.SIGHUP) == signal.SIG_DFL
    finally:
        signal.signal(signal.SIGHUP, before)


def test_what_was_started_to_outlive_its_terminal_does() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with stop_signals() as received:
            signal.raise_signal(signal.SIGHUP)
            assert received == []
        assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)
