"""Fetching published files, so that a file is there whole and verified, or not at all."""

import hashlib
import http.client
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Callable
from io import BufferedIOBase
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


def fetch(name: str, mirror: str | None, folder: Path | None, reporter: Reporter) -> list[Path]:
    """Fetch every file of a data set and verify it by its hash.

    Args:
        name: a key of ``DATASETS``.
        mirror: a folder with the files, or with their own folder, or an http(s) address to which
            their names are appended; None for the published address.
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

        folders = [folder or data_folder() / remote.folder for remote in files]
        return [fetch_file(*each, mirror, update) for each in zip(files, folders, strict=True)]


def fetch_file(
    remote: RemoteFile, folder: Path, mirror: str | None = None, progress: Progress | None = None
) -> Path:
    """Fetch one file.

    Args:
        remote: the file.
        folder: where it goes, made where it is missing.
        mirror: see ``fetch``.
        progress: called as bytes arrive, not for a file that exists already.

    Returns:
        Its path.

    Raises:
        DataError: the source cannot be reached, breaks off, or has another content; a different
            file of that name exists; the folder cannot be written.
    """
    target = folder / remote.name
    try:
        is_there = target.exists()
        source = target if is_there else _find_source(remote, mirror)
        if isinstance(source, Path):
            with source.open("rb") as file:
                raw = _read(file, remote, None if is_there else progress)
        else:
            raw = _download(source, remote, progress)
        found = hashlib.sha256(raw).hexdigest()
        if found != remote.sha256:
            advice = "run the command again, or try another --mirror: nothing of it was kept"
            raise DataError(
                f"{source} is not the published {remote.name} ({len(raw)} of {remote.size} bytes, "
                f"sha256 {found[:12]}…, expected {remote.sha256[:12]}…): "
                f"{'move it away and run the command again' if is_there else advice}"
            )
        if not is_there:
            folder.mkdir(parents=True, exist_ok=True)
            write_atomically(target, raw)
    except OSError as error:
        what = f"{remote.name} cannot be put into {folder} ({_reason(error)})"
        raise DataError(f"{what}: fix that, or choose another folder or --mirror") from error
    return target


def _find_source(remote: RemoteFile, mirror: str | None) -> Path | str:
    """Return the path of the file in a folder mirror, or else its address."""
    if mirror is None:
        return remote.base + remote.name
    if mirror.lower().startswith(("http://", "https://")):
        return f"{mirror.rstrip('/')}/{remote.name}"
    if "://" in mirror:
        raise DataError(f"--mirror {mirror}: give a folder, or an http or https address")
    for folder in (Path(mirror), Path(mirror) / remote.folder):
        if (folder / remote.name).is_file():
            return folder / remote.name
    what = f"no {remote.name} there nor in its subfolder {remote.folder}"
    raise DataError(f"--mirror {mirror}: {what}: give the folder that has it")


def _download(url: str, remote: RemoteFile, progress: Progress | None) -> bytes:
    """Return what is at an address."""
    try:
        with urllib.request.urlopen(url, timeout=TIMEOUT_SECONDS) as response:
            return _read(response, remote, progress)
    # ValueError: an address, given or redirected to, that cannot be parsed.
    except (OSError, http.client.HTTPException, ValueError) as error:
        if isinstance(error, urllib.error.HTTPError):
            error.close()
        advice = "check the connection, or name another source with --mirror FOLDER-or-URL"
        raise DataError(f"cannot fetch {url} ({_reason(error)}): {advice}") from error


def _read(source: BufferedIOBase, remote: RemoteFile, progress: Progress | None) -> bytes:
    """Return what a source holds; a part where it is more than the file, and so another one."""
    raw = b""
    while len(raw) <= remote.size and (chunk := source.read(CHUNK_BYTES)):
        raw += chunk
        if progress is not None:
            progress(remote.name, len(raw))
    return raw


def _reason(error: Exception) -> str:
    """Return an exception's message in one line; some of urllib's have several."""
    return " ".join(str(error).split()) or type(error).__name__
