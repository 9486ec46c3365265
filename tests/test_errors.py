"""An error is one line, whatever it quotes."""

from hypothesis import given
from hypothesis import strategies as st

from nanoknow.errors import DataError, Interrupted, printable


@given(st.text())
def test_an_error_is_one_printable_line(quoted: str) -> None:
    text = str(DataError(f"file:1: {quoted}: delete it"))
    assert text == printable(text)
    assert text.splitlines() == [text]
    assert text.startswith("file:1: ")
    assert text.endswith(": delete it")


def test_what_can_be_printed_stays_and_control_characters_are_escaped() -> None:
    assert str(DataError("Łódź 北京 □ \u2047")) == "Łódź 北京 □ \u2047"
    assert str(DataError("a\nb\x1b[31m\x00")) == "a\\nb\\x1b[31m\\x00"
    assert str(Interrupted("stopped\r", 2)) == "stopped\\r"
