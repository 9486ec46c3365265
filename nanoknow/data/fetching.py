"""``nanoknow data make`` and ``data fetch``: the built-in world, and the published files."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from nanoknow.data.download import DATASETS, fetch
from nanoknow.data.sources import data_folder
from nanoknow.data.world.files import write_world
from nanoknow.data.world.make import make_world
from nanoknow.system.reporter import Reporter


def make(people: int, paraphrases: int, seed: int, out: Path) -> list[Path]:
    """Write the built-in world's files.

    Raises:
        DataError: the numbers are out of range, or other files are in the way.
    """
    return write_world(make_world(people, paraphrases, seed), out)


def fetch_files(name: str, mirror: str | None, out: Path | None, reporter: Reporter) -> list[Path]:
    """Download published files, verified by their hashes, into the data folder.

    Raises:
        DataError: unknown name, no network, or wrong bytes.
    """
    files = DATASETS.get(name, ())
    folder = out or data_folder() / (files[0].folder if files else name)
    total = sum(remote.size for remote in files)
    done: Counter[str] = Counter()
    with reporter.progress(f"fetch {name}", total) as show:

        def update(file: str, received: int, _size: int | None) -> None:
            done[file] = received
            show(done.total(), f"{file}  {done.total():,} bytes")

        return fetch(name, folder, mirror, update)
