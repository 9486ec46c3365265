"""Run folders: what was asked for, what happened, and which run to take.

A run folder holds ``run.json`` (what it is and where it comes from), ``config.yaml`` (the
resolved config), ``metrics.jsonl``, ``checkpoints/`` and ``predictions/``.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

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
        """Make a new run folder.

        Raises:
            CheckpointError: the folder is in use, or cannot be written.
        """
        try:
            path.mkdir(parents=True, exist_ok=True)
            if any(path.iterdir()):
                raise CheckpointError(
                    f"{path}: holds files already: name another folder with --out, or continue "
                    f"the run in it with --resume"
                )
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
                f"{path}: not a run folder: it has no run.json: name one that 'nanoknow pretrain' "
                f"or 'nanoknow finetune' made"
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
            raise CheckpointError(f"{self.path}: holds no checkpoint: train the run again")
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
            raise CheckpointError(
                f"{self.metrics_file}: {error.strerror}: the last checkpoint is intact: make room, "
                f"and continue with --resume"
            ) from None

    def forget_after(self, step: int) -> None:
        """Drop metrics of steps that are about to be made again."""
        kept = [m for m in self.metrics() if m.get("step", 0) <= step]
        lines = "".join(json.dumps(m) + "\n" for m in kept)
        write_atomically(self.metrics_file, lines.encode())


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
        "platform": platform.platform(),
        "device": device.name,
        "precision": device.precision,
        "command": " ".join([Path(sys.argv[0]).name, *sys.argv[1:]]),
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
