"""What the records of runs and checkpoints have in common: a format, and a seal."""

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nanoknow.errors import CheckpointError
from nanoknow.system.plain import to_json

FORMAT, FORMATS_READ = 2, (1, 2)
"""Of ``checkpoint.json`` and ``run.json``; before 2 they had no id."""


def require_format(file: Path, content: Mapping[str, Any]) -> None:
    """Refuse a record that a later version wrote.

    Raises:
        CheckpointError: names its format and, where it is recorded, the version.
    """
    if content.get("format") not in FORMATS_READ:
        why = f"format {content.get('format')!r}, and this version reads"
        readable = " and ".join(map(str, FORMATS_READ))
        raise CheckpointError(f"{file}: {of_another_version(f'{why} {readable}', content)}")


def sealed(content: dict[str, Any]) -> bytes:
    """Return a record's file: its content, and the SHA-256 of that."""
    seal = hashlib.sha256(to_json(content, sort_keys=True).encode()).hexdigest()
    return to_json({"sha256": seal, "content": content}, ensure_ascii=False).encode()


def unreadable(error: OSError) -> str:
    """Say that a file cannot be read, which tells nothing of what it holds."""
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        return (
            "is gone: if training has just replaced it, run the command again with the run's folder"
        )
    return f"cannot be read: {error.strerror}: fix that, and run the command again"


def of_another_version(why: str, content: Mapping[str, Any]) -> str:
    """Say that a record, or what goes with it, is whole and not what this version reads."""
    writer = re.sub(r"[^\w.+ -]", "?", str(content.get("version", "of the release that wrote it")))
    return f"{why}: use nanoknow {writer}"
