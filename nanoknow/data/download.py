"""Fetching published files, so that a file is there whole and verified, or not at all."""

import hashlib
import http.client
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from nanoknow.data.published import DATASETS, RemoteFile
from nanoknow.data.sources import data_folder
from nanoknow.errors import DataError, suggest
from nanoknow.system.files import write_atomically
from nanoknow.system.reporter import Reporter

TIMEOUT_SECONDS = 30.0
CHUNK_BYTES = 1 << 16

Progress = Callable[[str, int], None]
"""Called with a file's name and the bytes of it that have been received."""


def fetch(name: str, folder: Path | None, reporter: Reporter) -> list[Path]:
    """Fetch every file of a data set and verify it by its hash.

    Args:
        name: a key of ``DATASETS``.
        folder: where the files go, made where it is missing; None for their own in the data folder.
        reporter: shows how much has been received.

    Returns:
        The paths of the files.

    Raises:
        DataError: no such data set, or as in ``fetch_file``.
    """
    if name not in DATASETS:
        hint = suggest(name, DATASETS)
        raise DataError(f"unknown data set {name!r}.{hint} Available: {', '.join(DATASETS)}")
    files = DATASETS[name]
    received: Counter[str] = Counter()
    with reporter.progress(f"fetch {name}", sum(remote.size for remote in files)) as show:

        def update(file: str, n_bytes: int) -> None:
            received[file] = n_bytes
            show(received.total(), f"{file}  {received.total():,} bytes")

        return [fetch_file(each, folder or data_folder() / each.folder, update) for each in files]


def fetch_file(remote: RemoteFile, folder: Path, progress: Progress) -> Path:
    """Fetch one file.

    Args:
        remote: the file.
        folder: where it goes, made where it is missing.
        progress: called as bytes arrive, not for a file that exists already.

    Returns:
        Its path.

    Raises:
        DataError: the address cannot be reached, breaks off, or has another content; a different
            file of that name exists; the folder cannot be written.
    """
    target, source = folder / remote.name, remote.base + remote.name
    advice = "run the command again: nothing of it was kept"
    try:
        is_there = target.exists()
        if is_there:
            source, advice = str(target), "move it away and run the command again"
            with target.open("rb") as file:
                raw = file.read(remote.size + 1)
        else:
            raw = _download(source, remote, folder, progress)
        found = hashlib.sha256(raw).hexdigest()
        if found != remote.sha256:
            raise DataError(
                f"{source} is not the published {remote.name} ({len(raw)} of {remote.size} bytes, "
                f"sha256 {found[:12]}…, expected {remote.sha256[:12]}…): {advice}"
            )
        if not is_there:
            folder.mkdir(parents=True, exist_ok=True)
            write_atomically(target, raw)
    except OSError as error:
        what = f"{remote.name} cannot be put into {folder} ({error})"
        raise DataError(f"{what}: fix that, or choose another folder") from error
    return target


def _download(url: str, remote: RemoteFile, folder: Path, progress: Progress) -> bytes:
    """Return what is at an address; a part where it is more than the file, and so another one."""
    raw = b""
    try:
        with urllib.request.urlopen(url, timeout=TIMEOUT_SECONDS) as response:
            while len(raw) <= remote.size and (chunk := response.read(CHUNK_BYTES)):
                raw += chunk
                progress(remote.name, len(raw))
    # ValueError: an address that it redirects to, and that cannot be parsed.
    except (OSError, http.client.HTTPException, ValueError) as error:
        if isinstance(error, urllib.error.HTTPError):
            error.close()
        reason = " ".join(str(error).split()) or type(error).__name__  # some have several lines
        advice = f"check the connection, or put the file into {folder} by other means"
        raise DataError(f"cannot fetch {url} ({reason}): {advice}") from error
    return raw
