"""A run: what was asked for, and what happened.

A run folder holds ``run.json`` (what it is and where it comes from), ``config.yaml`` (the
resolved config), ``metrics.jsonl``, ``checkpoints/`` and ``predictions/``.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from nanoknow.config.experiment import ExperimentConfig
from nanoknow.config.loading import dump_config, load_config
from nanoknow.config.messages import explain
from nanoknow.data.sources import Texts, found_again
from nanoknow.errors import CheckpointError, DataError, NanoknowError, naming
from nanoknow.runs.checkpoint import Checkpoint, read_checkpoint
from nanoknow.runs.folders import NAME_ANOTHER, list_checkpoints, no_run, require_unused
from nanoknow.runs.metrics import read_metrics
from nanoknow.runs.records import RunRecord, of_another_version, require_format, unreadable
from nanoknow.system.files import append, open_regular, read_regular, write_atomically
from nanoknow.system.plain import to_json

START_END = ("start", "end")
"""Kinds of metrics around a training session; ``end`` is there only if it ended as planned."""


@dataclass(frozen=True)
class Run:
    """A run folder."""

    path: Path
    record: RunRecord

    @classmethod
    def create(cls, path: Path, record: RunRecord, config: ExperimentConfig) -> Run:
        """Make a new run in a folder made by ``new_folder``, whose lock the caller holds.

        Raises:
            CheckpointError: the folder holds files, or cannot be written.
        """
        require_unused(path)
        run = cls(path, record)
        with naming(path, NAME_ANOTHER):
            run.checkpoints.mkdir(exist_ok=True)
            write_atomically(path / "config.yaml", dump_config(config).encode())
            write_atomically(path / "run.json", to_json(record, indent=1).encode())
        return run

    @classmethod
    def open(cls, path: Path) -> Run:
        """Open a run folder.

        Raises:
            CheckpointError: the folder is not a run, or not yet, or its record is damaged.
        """
        file, content = path / "run.json", {}
        try:
            content = json.loads(read_regular(file))
            require_format(file, content)
            return cls(path, RunRecord.model_validate(content))
        except (FileNotFoundError, NotADirectoryError):
            raise no_run(path) from None
        except OSError as error:
            raise CheckpointError(f"{file}: {unreadable(error)}") from None
        except ValidationError as error:
            why = explain(error.errors()[0], str(file), {}, {}, RunRecord)
            raise CheckpointError(of_another_version(why, content)) from None
        except (ValueError, AttributeError, RecursionError):
            raise CheckpointError(f"{file}: no JSON object: put a copy of it back") from None

    @property
    def checkpoints(self) -> Path:
        """The folder of the run's checkpoints."""
        return self.path / "checkpoints"

    @property
    def resume_command(self) -> str:
        """The command that continues the run."""
        command = "pretrain" if self.record.stage == "pretrain" else "finetune"
        return f"nanoknow {command} --resume --out {shlex.quote(str(self.path))}"

    @property
    def metrics_file(self) -> Path:
        """The file of what is recorded in training; see ``read_metrics``."""
        return self.path / "metrics.jsonl"

    @cached_property
    def config(self) -> ExperimentConfig:
        """The resolved config, read on first use, with the paths that its texts have now."""
        file = self.path / "config.yaml"
        with naming(file, "the run needs it: make it readable, or put a copy of it back"):
            open_regular(file).close()
        config = load_config(str(file))
        return config.model_copy(update={"data": found_again(config.data, self.record.data)})

    def require_same_texts(self, texts: Texts) -> None:
        """Refuse texts that are not those that the run was made with.

        Raises:
            DataError: a text is not the same (the first is named), or cannot be read.
        """
        now, recorded = texts.hashes(), self.record.data
        for role in texts.roles:
            here, then = (each.get(role, {}).get("sha256", "none") for each in (now, recorded))
            if here != then:
                raise DataError(
                    f"{(now.get(role) or recorded[role])['name']}: SHA-256 {here[:12]} here, "
                    f"and {then[:12]} when {self.path} was trained: put the old {role} back, name "
                    f"it with --{role}, or start a new run"
                )

    def with_config(self, config: ExperimentConfig) -> Run:
        """Write another config into the run's folder, and return the run with it.

        Raises:
            CheckpointError: it cannot be written; what was there stays.
        """
        with naming(self.path / "config.yaml", "training needs a folder that can be written"):
            write_atomically(self.path / "config.yaml", dump_config(config).encode())
        return Run(self.path, self.record)

    @cached_property
    def is_half_made(self) -> bool:
        """Whether the run lacks epochs and its last training session did not end as planned.

        It was killed or interrupted, failed, or is under way. A run without a checkpoint counts as
        half-made; one that cannot be read does not. Computed on first use.
        """
        with suppress(NanoknowError):
            if not list_checkpoints(self.checkpoints):
                return True
            planned = self.config.stage(self.record.stage).epochs
            if self.latest().record.progress["epoch"] < planned:
                ends = [m["kind"] == "end" for m in self.metrics() if m.get("kind") in START_END]
                return ends[-1:] != [True]
        return False

    def latest(self) -> Checkpoint:
        """Read the run's last checkpoint.

        Raises:
            CheckpointError: there is none, or it is damaged.
        """
        found = list_checkpoints(self.checkpoints)
        if not found:
            advice = "wait for its first; else name another run, or start one in another folder"
            raise CheckpointError(f"{self.path}: holds no checkpoint: if it is starting, {advice}")
        return self.own(read_checkpoint(found[-1]))

    def own(self, checkpoint: Checkpoint) -> Checkpoint:
        """Return a checkpoint if it is this run's.

        Raises:
            CheckpointError: it was copied from another run's folder, or is of another kind.
        """
        record, ours = checkpoint.record, self.record
        if record.run != ours.id:
            raise CheckpointError(
                f"{checkpoint.path}: belongs to run {record.run or 'without an id'}, and "
                f"{self.path} is run {ours.id or 'without an id'}: move it back into its own folder"
            )
        task = record.config.stage(ours.stage).task if record.config else record.task
        variant, kind = record.model.variant, record.task.kind
        if (ours.variant, ours.task) != (variant, kind) or task != record.task:
            raise CheckpointError(
                f"{checkpoint.path}: of a {variant}, {kind} run, and {self.path / 'run.json'} says "
                f"otherwise: put copies of both back"
            )
        return checkpoint

    def metrics(self) -> Iterator[dict[str, Any]]:
        """Yield what was recorded in training; see ``read_metrics``."""
        return read_metrics(self.metrics_file)

    def record_metrics(self, kind: str, **values: object) -> None:
        """Append one line to the metrics."""
        try:
            append(self.metrics_file, (to_json({"kind": kind, **values}) + "\n").encode())
        except OSError as error:
            intact = list_checkpoints(self.checkpoints)
            advice = (
                f"{intact[-1].name} is intact: fix that, and continue with '{self.resume_command}'"
                if intact
                else "the run has no checkpoint left: train it again"
            )
            raise CheckpointError(f"{self.metrics_file}: {error.strerror}: {advice}") from None

    def forget_after(self, step: int) -> None:
        """Drop the metrics of steps after ``step``, which are about to be trained again.

        Raises:
            CheckpointError: they cannot be read or written; what was there stays.
        """
        kept = [m for m in self.metrics() if m.get("step", 0) <= step]
        lines = "".join(to_json(m) + "\n" for m in kept)
        with naming(self.metrics_file, "training needs a folder that can be written"):
            for left_by_a_kill in self.path.glob(".*.tmp"):
                left_by_a_kill.unlink()
            write_atomically(self.metrics_file, lines.encode())
