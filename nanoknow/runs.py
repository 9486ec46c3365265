"""Run folders: what was asked for, what happened, and which run to take.

A run folder holds ``run.json`` (what it is and where it comes from), ``config.yaml`` (the
resolved config), ``metrics.jsonl``, ``checkpoints/`` and ``predictions/``.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from pydantic import BaseModel, ConfigDict, ValidationError

from nanoknow import __version__
from nanoknow.checkpoint import Checkpoint, list_checkpoints, read_checkpoint
from nanoknow.config import ExperimentConfig
from nanoknow.config_file import dump_config, load_config
from nanoknow.data.tokenizer import describe
from nanoknow.device import Device
from nanoknow.errors import CheckpointError
from nanoknow.files import write_atomically
from nanoknow.lock import LOCK_FILE, RunLock, command_line

Stage = Literal["pretrain", "finetune", "scratch"]
FORMAT = 1


class RunRecord(BaseModel):
    """What ``run.json`` says: everything about a run that does not change while it trains.

    Attributes:
        stage: the part of the config that it trains by.
        created: UTC, ISO 8601.
        started_from: the checkpoint whose weights and vocabulary it started with.
        data: name and SHA-256 of each text by its role.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: int = FORMAT
    stage: Stage
    task: str
    variant: str
    n_parameters: int
    seed: int
    created: str
    started_from: str | None
    data: dict[str, dict[str, str]]


@dataclass(frozen=True)
class Run:
    """A run folder."""

    path: Path
    record: RunRecord

    @classmethod
    def create(cls, path: Path, record: RunRecord, config: ExperimentConfig) -> Run:
        """Make a new run in a folder of ``new_folder``, whose lock is held.

        Raises:
            CheckpointError: the folder holds files, or cannot be written.
        """
        require_unused(path)
        try:
            run = cls(path, record)
            run.checkpoints.mkdir()
            write_atomically(path / "config.yaml", dump_config(config).encode())
            write_atomically(path / "run.json", record.model_dump_json(indent=1).encode())
        except OSError as error:
            raise CheckpointError(
                f"{path}: {error.strerror}: name a folder that can be written with --out"
            ) from None
        return run

    @classmethod
    def open(cls, path: Path) -> Run:
        """Open a run folder.

        Raises:
            CheckpointError: it is not one.
        """
        try:
            raw = (path / "run.json").read_bytes()
            record = RunRecord.model_validate_json(raw)
        except OSError:
            raise CheckpointError(
                f"{path}: not a run folder, or one that ended before its first step: it has no "
                f"run.json: name one that 'nanoknow pretrain' or 'nanoknow finetune' made"
            ) from None
        except ValidationError as error:
            raise CheckpointError(
                f"{path / 'run.json'}: damaged: {error.errors()[0]['msg']}: train the run again"
            ) from None
        if record.format != FORMAT:
            raise CheckpointError(
                f"{path / 'run.json'}: format {record.format}, and this version reads {FORMAT}"
            )
        return cls(path, record)

    @property
    def checkpoints(self) -> Path:
        """The folder of its checkpoints."""
        return self.path / "checkpoints"

    @property
    def metrics_file(self) -> Path:
        """What happened, a JSON object a line."""
        return self.path / "metrics.jsonl"

    @property
    def config(self) -> ExperimentConfig:
        """The resolved config."""
        return load_config(str(self.path / "config.yaml"))

    def latest(self) -> Checkpoint:
        """Read its last checkpoint.

        Raises:
            CheckpointError: there is none, or it is damaged.
        """
        found = list_checkpoints(self.checkpoints)
        if not found:
            raise CheckpointError(
                f"{self.path}: holds no checkpoint: delete the folder, and train the run again"
            )
        return read_checkpoint(found[-1])

    def metrics(self) -> Iterator[dict[str, Any]]:
        """Read what was recorded, oldest first; a last line that was cut short is left out."""
        try:
            lines = self.metrics_file.read_text(encoding="utf-8", errors="replace")
        except FileNotFoundError:
            return
        except OSError as error:
            raise CheckpointError(f"{self.metrics_file}: {error.strerror}") from None
        for number, line in enumerate(lines.splitlines(keepends=True), start=1):
            if not line.endswith("\n"):
                return
            try:
                values = json.loads(line)
            except ValueError:
                values = None
            if not isinstance(values, dict):
                raise CheckpointError(f"{self.metrics_file}:{number}: damaged: delete the line")
            yield values

    def record_metrics(self, kind: str, **values: object) -> None:
        """Append one line to the metrics."""
        try:
            with self.metrics_file.open("a", encoding="utf-8") as file:
                file.write(json.dumps({"kind": kind, **values}) + "\n")
        except OSError as error:
            intact = list_checkpoints(self.checkpoints)
            advice = (
                f"{intact[-1].name} is intact: mend that, and continue with --resume"
                if intact
                else "the run has no checkpoint left: train it again"
            )
            raise CheckpointError(f"{self.metrics_file}: {error.strerror}: {advice}") from None

    def forget_after(self, step: int) -> None:
        """Drop metrics of steps that are about to be made again.

        Raises:
            CheckpointError: they cannot be read or written; what was there stays.
        """
        kept = [m for m in self.metrics() if m.get("step", 0) <= step]
        lines = "".join(json.dumps(m) + "\n" for m in kept)
        try:
            for left_by_a_kill in self.path.glob(f".{self.metrics_file.name}.*.tmp"):
                left_by_a_kill.unlink()
            write_atomically(self.metrics_file, lines.encode())
        except OSError as error:
            raise CheckpointError(
                f"{self.metrics_file}: {error.strerror}: training needs a folder that can be "
                f"written"
            ) from None


def new_folder(path: Path) -> Path:
    """Make the folder of a new run, and return it.

    Raises:
        CheckpointError: it cannot be made.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CheckpointError(
            f"{path}: {error.strerror}: name a folder that can be written with --out"
        ) from None
    return path


def require_free(path: Path) -> None:
    """Refuse a folder where another process trains, or that holds files, before any work is done.

    Raises:
        CheckpointError: names the process, or says what to do.
    """
    if (path / LOCK_FILE).exists():
        with RunLock(path):
            pass
    require_unused(path)


def require_unused(path: Path) -> None:
    """Refuse a folder that holds more than a lock.

    Raises:
        CheckpointError: it does, or cannot be looked into.
    """
    try:
        held = {file.name for file in path.iterdir()} if path.exists() else set()
    except OSError as error:
        raise CheckpointError(
            f"{path}: {error.strerror}: name a folder that can be written with --out"
        ) from None
    if held - {LOCK_FILE}:
        raise CheckpointError(
            f"{path}: holds files already: name another folder with --out, or continue the run in "
            f"it with --resume"
        )


def runs_folder() -> Path:
    """Return where runs live: ``NANOKNOW_RUNS``, or ``./runs``."""
    return Path(os.environ.get("NANOKNOW_RUNS") or "runs")


def new_run_path(stage: Stage, variant: str) -> Path:
    """Return a fresh folder name that sorts by time."""
    stamp = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
    base = runs_folder() / f"{stamp}-{stage}-{variant}"
    path, n = base, 1
    while path.exists():
        n += 1
        path = base.with_name(f"{base.name}-{n}")
    return path


def open_checkpoint(path: Path) -> tuple[Run, Checkpoint]:
    """Open a run's last checkpoint, or one checkpoint by its own folder in its run.

    Raises:
        CheckpointError: it is neither, or is damaged.
    """
    try:
        is_checkpoint = (path / "checkpoint.json").exists()
    except OSError as error:
        raise CheckpointError(f"{path}: {error.strerror}: name a run folder") from None
    if is_checkpoint:
        return Run.open(Path(os.path.relpath(path.absolute().parent.parent))), read_checkpoint(path)
    run = Run.open(path)
    return run, run.latest()


def latest_run(
    task: str, characters: str, maker: str, if_named: str = ""
) -> tuple[Run, Checkpoint]:
    """Find the newest run of a task that has learned something and holds some characters.

    Args:
        task: its kind.
        characters: what the run will be asked to read.
        maker: the command that makes such a run, for the error.
        if_named: what a run that lacks characters does when it is named, for the error.

    Raises:
        CheckpointError: there is none, or the newest one is damaged.
    """
    folder = runs_folder()
    lacking = ""
    for run in sorted(_runs_in(folder), key=lambda r: (r.record.created, r.path), reverse=True):
        if run.record.task != task or not list_checkpoints(run.checkpoints):
            continue
        checkpoint = run.latest()
        if not checkpoint.record.progress["step"]:
            continue
        unknown = checkpoint.record.tokenizer.unknown(characters)
        if not unknown:
            return run, checkpoint
        lacking = lacking or f" ({run.path} lacks {describe(unknown[:1])}{if_named})"
    raise CheckpointError(
        f"{folder}{os.sep}: no {task} run fits{lacking}: name one, or make one with '{maker}'"
    )


def newest_run() -> Run:
    """Find the newest run of any task, whether it has learned something or not.

    Raises:
        CheckpointError: there is none.
    """
    folder = runs_folder()
    newest = max(_runs_in(folder), key=lambda r: (r.record.created, r.path), default=None)
    if newest is None:
        raise CheckpointError(f"{folder}{os.sep}: holds no run: name one")
    return newest


def _runs_in(folder: Path) -> Iterator[Run]:
    """Open the run folders at any depth, and pass over what cannot be read as one."""
    for path in folder.glob("**/run.json"):
        try:
            yield Run.open(path.parent)
        except CheckpointError:
            continue


def describe_run(run: Run, checkpoint: Checkpoint) -> str:
    """Name a run for a note: its folder, what it is, how far it came."""
    record = checkpoint.record
    planned = getattr(run.config, run.record.stage).epochs
    return (
        f"{run.path} ({record.model.variant}, {record.task.kind}, "
        f"epoch {record.progress['epoch']} of {planned})"
    )


def environment(device: Device) -> dict[str, str]:
    """Describe what a run runs on, so that a figure can be traced."""
    return {
        "nanoknow": __version__,
        "revision": _git_revision(),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": np.__version__,
        "platform": platform.platform(),
        "device": device.name,
        "precision": device.precision,
        "command": command_line(),
    }


def _git_revision() -> str:
    root = Path(__file__).resolve().parent.parent
    if not (root / ".git").exists():
        return "installed package"
    command = ["git", "-C", str(root), "describe", "--always", "--dirty", "--abbrev=12"]
    try:
        result = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return "unknown"
    return result.stdout.strip()
