"""Public data sets, pinned by address and SHA-256, fetched so that no half-written file is seen."""

from __future__ import annotations

import fcntl
import hashlib
import http
import http.client
import os
import shutil
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from nanoknow.errors import DataError, suggest

TIMEOUT_SECONDS = 30.0
CHUNK_BYTES = 1 << 16

# Called with a file's name, the bytes it has so far, and the bytes it will have.
Progress = Callable[[str, int, int | None], None]


@dataclass(frozen=True)
class RemoteFile:
    """A published file, pinned by what it contains.

    Attributes:
        name: File name, here as well as at the end of an address.
        base: The address where it is published, http or https, up to and with the last slash.
        folder: Subfolder of a folder mirror in which it may lie.
        size: Its length in bytes.
        sha256: Hash of its content, 64 lower-case hexadecimal digits.
    """

    name: str
    base: str
    folder: str
    size: int
    sha256: str


# Stanford CS224N, "Self-Attention, Transformers, and Pretraining"; Wikipedia text (CC BY-SA).
_BIRTHPLACES = (
    "https://raw.githubusercontent.com/shasha3493/Self-Attention-Transformers-and-Pretraining/"
    "eab1999259a197e84baea59193081c77271a742d/"
)
# A public-domain text, in the selection of Andrej Karpathy's char-rnn.
_SHAKESPEARE = (
    "https://raw.githubusercontent.com/karpathy/char-rnn/"
    "6f9487a6fe5b420b7ca9afb0d7c078e37c1d1b4e/data/tinyshakespeare/"
)

# fmt: off
DATASETS: dict[str, tuple[RemoteFile, ...]] = {
    "birthplaces": (
        RemoteFile("wiki.txt", _BIRTHPLACES, "birthplaces", 419_253,
                   "823bb536fca77c8b5a15b34b0dead6355d0cf1f806e822464bca28806c2fd055"),
        RemoteFile("birth_places_train.tsv", _BIRTHPLACES, "birthplaces", 79_923,
                   "02364dfca78e23d2583a19f03a2d8cddd90ee3e1a3795ddec7f0addadea30b0d"),
        RemoteFile("birth_dev.tsv", _BIRTHPLACES, "birthplaces", 20_041,
                   "101a56073eba0db9aad5e2aaf1aa9bf8bdae966ae3aaed8fc8cda5edfa7856da"),
        RemoteFile("birth_test_inputs.tsv", _BIRTHPLACES, "birthplaces", 13_880,
                   "5ccd3b2a1682e0daf90d59488aef8805ef21b9d35795cc3bdabdea79d293aa1f"),
    ),
    "shakespeare": (
        RemoteFile("input.txt", _SHAKESPEARE, "tinyshakespeare", 1_115_394,
                   "86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed"),
    ),
}
# fmt: on


def fetch(
    name: str, directory: Path, mirror: str | None = None, progress: Progress | None = None
) -> list[Path]:
    """Fetch every file of a data set into `directory`; returns their paths.

    Args:
        name: A key of DATASETS.
        directory: Made where it is missing.
        mirror: A folder with the files (or with their subfolder), or an http(s) address to which
            their names are appended; None for the published address.
        progress: Called as the bytes of each file arrive, not for a file that is already there.

    Raises:
        DataError: As fetch_file; or there is no such data set.
    """
    if name not in DATASETS:
        hint = suggest(name, DATASETS)
        raise DataError(f"unknown data set {name!r}.{hint} Available: {', '.join(DATASETS)}")
    return [fetch_file(remote, directory, mirror, progress) for remote in DATASETS[name]]


def fetch_file(
    remote: RemoteFile,
    directory: Path,
    mirror: str | None = None,
    progress: Progress | None = None,
) -> Path:
    """Fetch one file into `directory` (see fetch); returns its path.

    The bytes go to `<name>.part`, which gets the final name only when its hash is right. A part
    left by a cut connection is carried on from where it ends, when the server can do that.

    Raises:
        DataError: The source cannot be reached, breaks off, or holds another content; a different
            file stands under the final name; `directory` cannot be written.
    """
    target = directory / remote.name
    try:
        if target.exists():
            _check_present(target, remote)
            return target
        source = _find_source(remote, mirror)
        directory.mkdir(parents=True, exist_ok=True)
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
            f"{remote.name} cannot be put into {directory} ({_reason(error)}): mend that, or "
            f"choose another folder or --mirror"
        ) from error
    return target


def _check_present(target: Path, remote: RemoteFile) -> None:
    with target.open("rb") as file:
        found = _hash(file)
    if found != remote.sha256:
        raise DataError(
            f"{target} exists with sha256 {found[:12]}… where {remote.sha256[:12]}… is expected: "
            "move it away and run the command again"
        )


def _find_source(remote: RemoteFile, mirror: str | None) -> Path | str:
    """The path of the file in a folder mirror, or else the address of the file."""
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
        "give the folder that holds it"
    )


@contextmanager
def _locked_part(target: Path) -> Iterator[tuple[Path, BinaryIO]]:
    """The part file, open for reading and appending, and ours alone until the block ends.

    Without the lock, a second process could write on into a file that the first one has already
    checked and renamed.
    """
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


def _download(remote: RemoteFile, url: str, file: BinaryIO, progress: Progress | None) -> None:
    """Bring `file` to what stands at `url`, carrying on from what it already holds if possible."""
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
                progress(remote.name, have, remote.size)
            if have > remote.size:  # some other file, perhaps a huge one: its hash will not fit
                return
        ended_as_announced = (
            response.headers.get("Content-Length") == str(have - start)
            or response.headers.get("Transfer-Encoding", "").lower() == "chunked"
        )
    if have < remote.size and not ended_as_announced:
        raise DataError(_broken_off(url, f"{have} of {remote.size} bytes are here"))


def _open_url(url: str, held: int, size: int) -> tuple[http.client.HTTPResponse, int]:
    """An open response, and the place in the file, 0 or `held`, to which its first byte belongs."""
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


def _hash(file: BinaryIO) -> str:
    file.seek(0)
    digest = hashlib.sha256()
    while chunk := file.read(CHUNK_BYTES):
        digest.update(chunk)
    return digest.hexdigest()


def _reason(error: Exception) -> str:
    """What an exception says, in one line; some urllib texts have several."""
    return " ".join(str(error).split()) or type(error).__name__
