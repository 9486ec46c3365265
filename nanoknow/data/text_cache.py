"""Large texts are encoded once, into files that later runs map into memory instead of reading.

They are in ``$XDG_CACHE_HOME/nanoknow`` (``~/.cache/nanoknow``), by the text's path, size and time
of change, and may be deleted at any time. What nobody has read for 30 days is deleted when another
is made.
"""

import hashlib
import json
import os
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

import numpy as np

from nanoknow.data.coding import Codes
from nanoknow.system.files import open_regular, read_regular, replacing, write_atomically
from nanoknow.system.plain import to_json

MAPPED_FROM = 64 << 20
"""Bytes of a text from which on it is mapped."""
FORMAT = 2
UNREAD = 30 * 86400
"""Seconds after which a file is deleted."""

Encoded = tuple[str, str, Codes]
"""Of a text: SHA-256, the characters, sorted, and the codes."""


def mapped(path: Path, encode: Callable[[IO[bytes]], Encoded]) -> Encoded | None:
    """Return a large text mapped into memory, encoded now where it is not yet.

    Args:
        path: of the text.
        encode: encodes it into a file.

    Returns:
        None where it is small, no regular file, or nothing can be written.
    """
    try:
        found = path.stat()
        if not path.is_file() or found.st_size < MAPPED_FROM:
            return None
        place = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "nanoknow"
        place.mkdir(parents=True, exist_ok=True)
        key = f"{FORMAT} {path.resolve()} {found.st_size} {found.st_mtime_ns}"
        name = hashlib.sha256(key.encode(errors="surrogateescape")).hexdigest()[:32]
        codes, record = place / f"{name}.codes", place / f"{name}.json"
        if (known := _open(codes, record)) is None:
            for old in place.iterdir():
                with suppress(OSError):  # a folder, or what another process has just deleted
                    if old.stat().st_atime < time.time() - UNREAD:
                        old.unlink()
            with replacing(codes) as file:
                sha256, characters, made = encode(file)
                about = {"sha256": sha256, "characters": characters, "width": made.dtype.str}
                del made
            write_atomically(record, to_json(about).encode())
            known = _open(codes, record)
        return known
    except (OSError, RuntimeError, ValueError):  # no home; a NUL in the name, which reading refuses
        return None


def _open(codes: Path, record: Path) -> Encoded | None:
    """Map a file of codes; None where it is not there, or not what its record says."""
    with suppress(OSError, ValueError, KeyError, TypeError), open_regular(codes) as file:
        about: dict[str, Any] = json.loads(read_regular(record))
        # Copied on write, as torch wants memory that could be written; nothing writes it.
        return about["sha256"], about["characters"], np.memmap(file, about["width"], "c")
    return None
