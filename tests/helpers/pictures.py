"""Pictures, read as far as to see that they are whole."""

import struct
import zlib
from collections.abc import Callable
from typing import Any
from xml.etree import ElementTree

import pytest
from matplotlib.figure import Figure


def drawn_by(draw: Callable[[], object]) -> list[Figure]:
    """Return the figures that a function saves."""
    figures: list[Figure] = []
    save = Figure.savefig

    def keep(self: Figure, *arguments: Any, **named: Any) -> None:
        figures.append(self)
        save(self, *arguments, **named)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Figure, "savefig", keep)
        draw()
    return figures


def check_png(content: bytes) -> tuple[int, int]:
    """Walk a PNG's chunks with their checksums; return its width and height."""
    assert content[:8] == b"\x89PNG\r\n\x1a\n"
    offset, names = 8, []
    while offset < len(content):
        (length,) = struct.unpack(">I", content[offset : offset + 4])
        body = content[offset + 4 : offset + 8 + length]
        (checksum,) = struct.unpack(">I", content[offset + 8 + length : offset + 12 + length])
        assert zlib.crc32(body) == checksum
        names.append(body[:4])
        offset += 12 + length
    assert names[-1] == b"IEND"
    width, height = struct.unpack(">II", content[16:24])
    return width, height


def check_svg(content: bytes) -> None:
    assert ElementTree.fromstring(content).tag == "{http://www.w3.org/2000/svg}svg"
