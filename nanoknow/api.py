"""nanoknow from Python: ``nanoknow.load(run)`` answers a question and samples text."""

from pathlib import Path

from nanoknow.generation.opened_run import OpenedRun
from nanoknow.runs.finding import open_checkpoint
from nanoknow.system.device import choose_device


def load(run: str | Path, device: str = "auto") -> OpenedRun:
    """Load a run folder's last checkpoint, or one checkpoint by its own folder.

    Args:
        run: made by ``nanoknow pretrain`` or ``nanoknow finetune``.
        device: ``auto``, ``cpu``, ``cuda`` or ``cuda:N``.

    Raises:
        CheckpointError: it is missing or damaged.
        ConfigError: the device does not exist.
    """
    opened, checkpoint = open_checkpoint(Path(run))
    chosen = choose_device(device)
    return OpenedRun(opened, checkpoint, chosen, checkpoint.load_model(chosen))
