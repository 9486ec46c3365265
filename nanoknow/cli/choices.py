"""Values that are shown as choices and completed by the shell; nothing here loads torch."""

import os
from contextlib import suppress
from pathlib import Path
from typing import Any

from nanoknow.config.loading import shipped
from nanoknow.config.strict_yaml import read
from nanoknow.errors import CheckpointError
from nanoknow.runs.folders import run_folders, runs_folder


def one_of(*values: str) -> dict[str, Any]:
    """Return what shows values as choices; the command refuses others, with the nearest."""
    return {"metavar": "|".join(values), "autocompletion": lambda: list(values)}


def named_file(folder: str = "") -> dict[str, Any]:
    """Return what completes a shipped file's name, or a YAML file of the working directory."""
    return {
        "metavar": "NAME|FILE",
        "autocompletion": lambda: [*shipped(folder), *map(str, Path().glob("*.yaml"))],
    }


def run_names() -> list[str]:
    """Return the folders of the runs in the runs folder."""
    with suppress(CheckpointError):
        return [str(path) for path in run_folders(runs_folder(), under_way=True)]
    return []


def known(name: str | None) -> str | None:
    """Refuse a config that is not there, before anything is loaded.

    Raises:
        ConfigError: see ``read``.
    """
    if name is not None and name not in shipped() and not os.path.lexists(name):
        read(name, shipped(), "config")  # which says so; a pipe would be empty afterwards
    return name
