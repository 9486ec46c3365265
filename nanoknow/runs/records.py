"""What the records of runs and checkpoints have in common: a format, and a seal."""

import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nanoknow.errors import CheckpointError

FORMAT, FORMATS_READ = 2, (1, 2)
"""Of ``checkpoint.json`` and ``run.json``; before 2 they had no id."""


def require_format(file: Path, content: Mapping[str, Any]) -> None:
    """Refuse a record that a later version wrote.

    Raises:
        CheckpointError: names its format and, where it is recorded, the version.
    """
    if content.get("format") not in FORMATS_READ:
        writer = re.sub(r"[^\w.+ -]", "?", str(content.get("version") or "of a later release"))
        raise CheckpointError(
            f"{file}: format {content.get('format')!r}, and this version reads "
            f"{' and '.join(map(str, FORMATS_READ))}: use nanoknow {writer}"
        )


def sealed(content: dict[str, Any]) -> bytes:
    """Return a record's file: its content, and the SHA-256 of that."""
    seal = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
    return json.dumps({"sha256": seal, "content": content}, ensure_ascii=False).encode()
