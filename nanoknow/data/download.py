"""Fetching published files, so that a file is there whole and verified, or not at all."""

import hashlib
import http
import http.client
import os
import shutil
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BufferedIOBase
from pathlib import Path

from nanoknow.data.published import DATASETS, RemoteFile
from nanoknow.data.sources import data_folder
from nanoknow.errors import DataError, suggest
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

        return [
            fetch_file(remote, folder or data_folder() / remote.folder, mirror, update)
            for remote in files
        ]


def fetch_file(
    remote: RemoteFile, folder: Path, mirror: str | None = None, progress: Progress | None = None
) -> Path:
    """Fetch one file.

    The bytes go to ``<name>.part``, which gets the final name only when its hash is right. A part
    that a broken connection left is continued from its end, where the server supports that.

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
        if target.exists():
            _check_existing(target, remote)
            return target
        source = _find_source(remote, mirror)
        folder.mkdir(parents=True, exist_ok=True)
        with _locked_part(target) as (part, file):
            if isinstance(source, Path):
                file.truncate(0)
                with source.open("rb") as original:
                    shutil.copyfileobj(original, file)
            else:
                _download(remote, source, file, progress)
            file.flush()
            os.fsync(file.fileno())
            found = _hash(file)
            if found != remote.sha256:
                part.unlink()
                raise DataError(
                    f"{source} is not the published {remote.name} (sha256 {found[:12]}…, expected "
                    f"{remote.sha256[:12]}…), nothing of it was kept: try another --mirror"
                )
            part.replace(target)
    except OSError as error:
        raise DataError(
            f"{remote.name} cannot be put into {folder} ({_reason(error)}): fix that, or choose "
            f"another folder or --mirror"
        ) from error
    return target


def _check_existing(target: Path, remote: RemoteFile) -> None:
    with target.open("rb") as file:
        found = _hash(file)
    if found != remote.sha256:
        raise DataError(
            f"{target} exists with sha256 {found[:12]}… where {remote.sha256[:12]}… is expected: "
            "move it away and run the command again"
        )


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
    raise DataError(
        f"--mirror {mirror}: no {remote.name} there nor in its subfolder {remote.folder}: "
        "give the folder that has it"
    )


@contextmanager
def _locked_part(target: Path) -> Iterator[tuple[Path, BufferedIOBase]]:
    """Open the part file for reading and appending, locked against other processes.

    Without the lock, a second process could go on writing into a file that the first one has
    already checked and renamed.
    """
    import fcntl  # only here: Windows has none

    part = target.with_name(f"{target.name}.part")
    with part.open("a+b") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # Between opening and locking, the first process may have renamed or removed it.
            ours = os.path.samestat(part.stat(), os.fstat(file.fileno()))
        except (BlockingIOError, FileNotFoundError):
            ours = False
        if not ours:
            raise DataError(f"{part} is in use by another process: wait for it, then run again")
        try:
            yield part, file
        finally:
            if file.seek(0, os.SEEK_END) == 0:
                part.unlink(missing_ok=True)


def _download(
    remote: RemoteFile, url: str, file: BufferedIOBase, progress: Progress | None
) -> None:
    """Write what is at an address to a file, continuing what it already has if possible."""
    held = file.seek(0, os.SEEK_END)
    if held >= remote.size:
        if _hash(file) == remote.sha256:  # stopped between the last byte and the renaming
            return
        held = 0
    try:
        response, start = _open_url(url, held, remote.size)
    # ValueError: an address, given or redirected to, that cannot be parsed.
    except (OSError, http.client.HTTPException, ValueError) as error:
        if isinstance(error, urllib.error.HTTPError):
            error.close()
        raise DataError(
            f"cannot fetch {url} ({_reason(error)}): check the connection, or name another source "
            "with --mirror FOLDER-or-URL"
        ) from error
    with response:
        file.truncate(start)
        have = start
        for chunk in _chunks(response, url):
            file.write(chunk)
            have += len(chunk)
            if progress is not None:
                progress(remote.name, have)
            if have > remote.size:  # some other file, perhaps a huge one: its hash will not fit
                return
        ended_as_announced = (
            response.headers.get("Content-Length") == str(have - start)
            or response.headers.get("Transfer-Encoding", "").lower() == "chunked"
        )
    if have < remote.size and not ended_as_announced:
        raise DataError(_broken_off(url, f"{have} of {remote.size} bytes are here"))


def _open_url(url: str, held: int, size: int) -> tuple[http.client.HTTPResponse, int]:
    """Return an open response, and where in the file its first byte belongs: 0 or ``held``."""
    if held:
        request = urllib.request.Request(url, headers={"Range": f"bytes={held}-"})
        try:
            response: http.client.HTTPResponse = urllib.request.urlopen(
                request, timeout=TIMEOUT_SECONDS
            )
        except urllib.error.HTTPError as error:  # perhaps only the range is refused
            error.close()
        else:
            if response.status == http.HTTPStatus.OK:
                return response, 0
            if response.headers.get("Content-Range") == f"bytes {held}-{size - 1}/{size}":
                return response, held
            response.close()
    return urllib.request.urlopen(url, timeout=TIMEOUT_SECONDS), 0


def _chunks(response: http.client.HTTPResponse, url: str) -> Iterator[bytes]:
    try:
        while chunk := response.read(CHUNK_BYTES):
            yield chunk
    except (OSError, http.client.HTTPException) as error:
        raise DataError(_broken_off(url, _reason(error))) from error


def _broken_off(url: str, reason: str) -> str:
    return f"the connection to {url} broke off ({reason}): run the command again to carry on"


def _hash(file: BufferedIOBase) -> str:
    file.seek(0)
    return hashlib.file_digest(file, "sha256").hexdigest()


def _reason(error: Exception) -> str:
    """Return an exception's message in one line; some of urllib's have several."""
    return " ".join(str(error).split()) or type(error).__name__
