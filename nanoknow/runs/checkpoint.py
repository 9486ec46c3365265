"""Checkpoints that describe themselves, appear whole or not at all, and are refused if damaged.

A checkpoint is a folder ``step-00001234`` of three files: ``model.safetensors``,
``training.safetensors`` (optimizer and random state) and ``checkpoint.json``, which holds the
model's config, the vocabulary, the task, the place in the data, the hashes of the data, and the
SHA-256 of the other two files and of itself. No pickle is read or written. torch is imported only
where tensors are read or written, so that a run can be looked up without it.
"""

from __future__ import annotations

import hashlib
import json
import secrets
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import ValidationError
from safetensors import SafetensorError

from nanoknow.config.messages import explain
from nanoknow.config.older_keys import with_present_keys
from nanoknow.errors import CheckpointError, ConfigError, naming
from nanoknow.runs.folders import list_checkpoints
from nanoknow.runs.records import (
    CheckpointRecord,
    of_another_version,
    require_format,
    sealed,
    unreadable,
)
from nanoknow.system.files import open_regular, read_regular, sync_folder, write_atomically

if TYPE_CHECKING:
    from torch import Tensor

    from nanoknow.models.base import CharacterModel
    from nanoknow.system.device import Device

MODEL_FILE, TRAINING_FILE = "model.safetensors", "training.safetensors"
RECORD_FILE = "checkpoint.json"
TENSOR_BYTES = 1 << 34
"""Most bytes of a file of tensors; a larger one is refused."""
KEPT = 2
"""Checkpoints that stay in a run: the last, and one to fall back on."""


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint whose record has been read and verified; tensors are read when asked for."""

    path: Path
    record: CheckpointRecord

    def load_model(self, device: Device) -> CharacterModel:
        """Rebuild the model with its weights on a device, ready to evaluate.

        Raises:
            CheckpointError: the file is damaged, or does not hold this model's weights.
            NonFiniteError: the weights, or logits computed from them, are not finite.
        """
        from nanoknow.models.registry import build_model, outline, shapes

        weights, sizes = self._read(MODEL_FILE), (self.record.model, len(self.record.vocabulary))
        n, found = self.record.model.n_layers, shapes(weights)
        expected = shapes(outline(*sizes)) if n <= len(found) else {"blocks": f"one of {n}"}
        if found != expected:
            odd = sorted(expected.items() ^ found.items())[0][0]
            there = f"{expected.get(odd, 'unknown')} in a {self.record.model.variant} of its size"
            why = f"{odd[:80]} is {found.get(odd, 'missing')} here and {there}"
            raise _refusal(self.path / MODEL_FILE, of_another_version(why, vars(self.record)))
        model = build_model(*sizes)
        model.load_state_dict(weights)
        model.origin = str(self.path)
        model.to(device.torch_device).require_sound()
        return model

    def load_training_state(self) -> dict[str, Tensor]:
        """Read optimizer and random state.

        Raises:
            CheckpointError: the file is damaged.
        """
        return self._read(TRAINING_FILE)

    def _read(self, name: str) -> dict[str, Tensor]:
        from safetensors import torch as safetensors

        path = self.path / name
        try:
            # Hashed before any of it is kept in memory.
            with open_regular(path, TENSOR_BYTES) as file:
                if hashlib.file_digest(file, "sha256").hexdigest() != self.record.files.get(name):
                    raise _damaged(path, "its bytes are not those that were written")
                file.seek(0)
                return dict(safetensors.load(file.read()))
        except OSError as error:
            raise _refusal(path, unreadable(error)) from None
        except (SafetensorError, KeyError, ValueError, TypeError, RuntimeError) as error:
            # The bytes are those that were written. All but the first come from types and sizes.
            raise _refusal(path, of_another_version(str(error)[:200], vars(self.record))) from None


def save_checkpoint(
    folder: Path, record: CheckpointRecord, weights: dict[str, Tensor], training: dict[str, Tensor]
) -> Path:
    """Write a checkpoint into ``folder``, whole or not at all, and drop the oldest.

    Returns:
        The checkpoint's own folder.

    Raises:
        CheckpointError: the disk is full or the folder cannot be written; what was there stays.
    """
    from safetensors import torch as safetensors

    final = folder / f"step-{int(record.progress['step']):08d}"
    partial = folder / f".{final.name}.{secrets.token_hex(8)}.partial"
    with naming(f"{final}: not saved", "free or name a folder that can be written"):
        for left_by_a_kill in folder.glob(".step-*.partial"):
            shutil.rmtree(left_by_a_kill, ignore_errors=True)
        folder.mkdir(exist_ok=True)  # and not its parents: a run folder that has gone stays gone
        partial.mkdir()
        try:
            hashes = {}
            for name, tensors in ((MODEL_FILE, weights), (TRAINING_FILE, training)):
                raw = safetensors.save({key: t.contiguous().cpu() for key, t in tensors.items()})
                write_atomically(partial / name, raw)
                hashes[name] = hashlib.sha256(raw).hexdigest()
            content = record.model_copy(update={"files": hashes}).model_dump(mode="json")
            write_atomically(partial / RECORD_FILE, sealed(content))
            partial.rename(final)  # refused where this step is saved already, which stays
        finally:
            shutil.rmtree(partial, ignore_errors=True)
        sync_folder(folder)
    for old in list_checkpoints(folder)[:-KEPT]:
        shutil.rmtree(old, ignore_errors=True)
    return final


def read_checkpoint(path: Path) -> Checkpoint:
    """Read and verify a checkpoint's record.

    Raises:
        CheckpointError: it is missing or damaged, or another version wrote it.
    """
    file = path / RECORD_FILE
    try:
        raw = read_regular(file)
        content = json.loads(raw)["content"]
        # Compare bytes: with another space the values would be the same.
        intact = isinstance(content, dict) and raw == sealed(content)
    except OSError as error:
        raise _refusal(file, unreadable(error)) from None
    except (ValueError, KeyError, TypeError, RecursionError):
        raise _damaged(file, "cut short or not a record") from None
    if not intact:
        raise _damaged(file, "its contents are not those that were written")
    require_format(file, content)
    try:
        present = with_present_keys(content, ".".join)
        return Checkpoint(path, CheckpointRecord.model_validate(present))
    except ConfigError as error:
        raise CheckpointError(f"{file}: {error}") from None
    except ValidationError as error:
        why = explain(error.errors()[0], "", {}, {}, CheckpointRecord)
        raise _refusal(file, of_another_version(why, content)) from None


def _damaged(file: Path, why: str) -> CheckpointError:
    """Return the error for bytes that are not those written, the only reason to delete them."""
    return _refusal(file, f"damaged: {why}: train it again", f"delete {file.parent} to go on from")


def _refusal(file: Path, why: str, going_on: str = "name") -> CheckpointError:
    """Return an error about a file, with advice to go on from the checkpoint before its own."""
    older = [p.name for p in list_checkpoints(file.parent.parent) if p.name < file.parent.name]
    before = f", or {going_on} the one before it, {older[-1]}" if older else ""
    return CheckpointError(f"{file}: {why}{before}")
