"""Bad inputs by the thousand: each is read right or refused in one line."""

from collections.abc import Callable

from hypothesis import strategies as st

from nanoknow.errors import NanoknowError
from nanoknow.system.device import choose_device
from tests.helpers.text_files import nfc

BLOCK = 24
CPU = choose_device("cpu", "float32")


def attempt(read: Callable[[], object], error: type[NanoknowError], named: str) -> object | None:
    """Read something; the only exception that may come of it is one line that names it."""
    try:
        return read()
    except error as refused:
        message = str(refused)
        assert message.startswith(named), message
        assert message.splitlines() == [message], message
        assert "\0" not in message, message
        return None


MARKS = [b"\xef\xbb\xbf", b"\r\n", b"\r", b"\n", b"\n\n", b"\t", b"\t\t", b"\0", b" ", b""]
INVALID = [b"\xff", b"\xc3", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xc0\xaf", b"\xe2\x82"]
ODD_TEXTS = (  # right to left by an override or by letters, combining, line ends to some
    "\u202eabc\u202c|\u05d0\u05d1\u05d2|\u0627\u0644\u0639\u0631\u0628\u064a\u0629|e\u0301|"
    "\u200d\U0001f469\u200d\U0001f467|\u2028|\u0085|\x0b\x0c\x1c\x1d\x1e|\ufeff|\ufffe\uffff|"
    "\U0010ffff|\u25a1|\u2047"  # the last two are the markers themselves
)
ODD = [*ODD_TEXTS.split("|"), "a" + "\u0300" * 40, "x" * 100]
LINES = ["Ada Lovelace. Born in London.", "Where was Ada born?\tLondon", "Bo\tRome", "Cleo."]
POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n"
PIECE = (
    st.sampled_from(LINES).map(str.encode)
    | st.sampled_from(ODD).map(str.encode)
    | st.sampled_from(MARKS)
    | st.sampled_from(MARKS)
    | st.text(max_size=8).map(lambda text: text.encode("utf-8", "surrogatepass"))
)
TEXTS = st.lists(PIECE, max_size=12).map(b"".join)
BROKEN = st.lists(PIECE | st.sampled_from(INVALID) | st.binary(max_size=4), max_size=12).map(
    b"".join
)
FILES = TEXTS | TEXTS | BROKEN | TEXTS.map(POINTER.__add__) | st.binary(max_size=80)


def lines_of(raw: bytes) -> list[str]:
    """Return the lines of a readable file, by Python alone."""
    text = nfc(raw.decode("utf-8-sig"))
    return text.replace("\r\n" if "\n" in text else "\r", "\n").split("\n")
