"""Fetching published files: each is stored whole and verified, or not at all, within minutes."""

import hashlib
import time
import urllib.request
from concurrent.futures import Future
from pathlib import Path
from threading import Thread
from urllib.error import HTTPError

from nanoknow.data.published import DATASETS, RemoteFile
from nanoknow.data.sources import data_folder
from nanoknow.errors import DataError, naming, suggest
from nanoknow.system.files import read_regular, save_result
from nanoknow.system.reporter import Reporter

SECONDS, SECONDS_OF_SILENCE = 300.0, 30.0
"""Longest that a fetch may take, and that a server may be silent."""


def fetch(name: str, folder: Path | None, reporter: Reporter) -> list[Path]:
    """Fetch the files of a data set that are missing, and verify all of them by their hashes.

    Args:
        name: a key of ``DATASETS``.
        folder: where they go, created if missing; None for their own in the data folder.
        reporter: is told the total size.

    Returns:
        The paths of the files.

    Raises:
        ConfigError: a file cannot be written.
        DataError: no such data set; or a file cannot be fetched in time, or has other content.
    """
    if name not in DATASETS:
        hint = suggest(name, DATASETS)
        raise DataError(f"unknown data set {name!r}.{hint} Available: {', '.join(DATASETS)}")
    files, until = DATASETS[name], time.monotonic() + SECONDS
    reporter.note(f"fetching {name}: {sum(remote.size for remote in files):,} bytes")
    return [fetch_file(each, folder or data_folder() / each.folder, until) for each in files]


def fetch_file(remote: RemoteFile, folder: Path, until: float) -> Path:
    """Fetch a file before a time on the monotonic clock, and return its path; see ``fetch``."""
    target, url = folder / remote.name, remote.base + remote.name
    with naming(target, "move it away, or name another --out", DataError):
        is_there = target.exists()
        raw = read_regular(target) if is_there else _download(url, target, remote.size + 1, until)
        if (found := hashlib.sha256(raw).hexdigest()) != remote.sha256:
            advice = "move it away and run" if is_there else "nothing of it was kept: run"
            raise DataError(
                f"{target if is_there else url} is not the published {remote.name} (sha256 "
                f"{found[:12]}…, expected {remote.sha256[:12]}…): {advice} the command again"
            )
        if not is_there:
            save_result(target, raw, "the file")
    return target


def _download(url: str, target: Path, size: int, until: float) -> bytes:
    """Return up to ``size`` bytes from an address; a thread reads, as any byte may be late."""
    answer: Future[bytes] = Future()

    def read() -> None:
        try:
            with urllib.request.urlopen(url, timeout=SECONDS_OF_SILENCE) as response:
                answer.set_result(response.read(size))
        except Exception as error:
            if isinstance(error, HTTPError):
                error.close()
            answer.set_exception(error)

    Thread(target=read, daemon=True).start()
    try:
        return answer.result(until - time.monotonic())
    except Exception as error:  # whatever urllib raises for what a server, or a redirect, answers
        said = error if isinstance(error, HTTPError) else getattr(error, "reason", error)
        words = getattr(said, "strerror", None) or " ".join(str(said).split())
        why = words or f"not all came within {SECONDS:.0f} seconds"
        advice = f"check the connection, or put it there yourself, as {target}"
        raise DataError(f"cannot fetch {url} ({why}): {advice}") from error
