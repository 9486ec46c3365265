"""Provenance of a result: versions, revision, device, command."""

from __future__ import annotations

import hashlib
import platform
import shlex
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from nanoknow import __version__
from nanoknow.errors import printable

if TYPE_CHECKING:
    from nanoknow.system.device import Device


def command_line() -> str:
    """Return the command that started this process, quoted for a shell."""
    program = Path(sys.argv[0]).name.replace("__main__.py", "nanoknow")
    return printable(shlex.join([program, *sys.argv[1:]]))


def environment(device: Device) -> dict[str, str]:
    """Describe the software and hardware of a run, so that its results can be traced."""
    import numpy as np
    import torch

    return {
        "nanoknow": __version__,
        "revision": _git_revision(),
        "code": _hash_of_code(),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": np.__version__,
        "platform": platform.platform(),
        "device": device.name,
        "precision": device.precision,
        "command": command_line(),
    }


@cache  # a sweep's later runs still use the code that was imported at its start
def _hash_of_code() -> str:
    """Return a hash of the package's source, which may differ from the revision's."""
    files = sorted(Path(__file__).resolve().parents[1].rglob("*.py"))
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:12]


@cache
def _git_revision() -> str:
    root = Path(__file__).resolve().parents[2]
    if not (root / ".git").exists():
        return "installed package"
    command = ["git", "-C", str(root), "describe", "--always", "--dirty", "--abbrev=12"]
    try:
        result = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return "unknown"
    return result.stdout.strip()
