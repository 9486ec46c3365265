"""A run's metrics for TensorBoard, in ``tensorboard/`` of its folder.

They are written again in each session from ``metrics.jsonl``, which is the record: what a resumed
run makes again is there once. The package is an extra of nanoknow, imported when it is asked for.
"""

import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from nanoknow.errors import ConfigError, naming
from nanoknow.runs.run import Run

FOLDER, ADVICE = "tensorboard", "fix that, or leave --tensorboard out"
TAGS = {
    ("step", "loss"): "loss/step",
    ("epoch", "loss"): "loss/epoch",
    ("accuracy", "accuracy"): "accuracy",
    ("step", "learning_rate"): "learning rate",
    ("step", "grad_norm"): "gradient norm",
}
"""What is shown of each kind of metrics, and under which name."""

Log = Callable[[str, dict[str, Any]], None]
"""Called with the kind of some metrics, and their values."""


def require_tensorboard() -> Any:  # noqa: ANN401 - a class that may not be installed
    """Return the class that writes event files.

    Raises:
        ConfigError: the package is not installed.
    """
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        raise ConfigError(
            "--tensorboard: needs the package tensorboard: install it with 'pip install "
            "tensorboard', or leave the flag out"
        ) from None
    return SummaryWriter


@contextmanager
def open_event_log(run: Run) -> Iterator[Log]:
    """Write what a run has recorded so far, and yield what writes on.

    The time of a point is the run's own seconds of training after it was made, so that a pause
    between two sessions takes no room.

    Raises:
        CheckpointError: the folder cannot be written.
        ConfigError: the package is not installed.
    """
    folder, began = run.path / FOLDER, datetime.fromisoformat(run.record.created).timestamp()

    def log(kind: str, values: dict[str, Any]) -> None:
        for (of, key), tag in TAGS.items():
            if of == kind and key in values:
                at = began + values.get("seconds", 0.0)
                with naming(folder, ADVICE):
                    writer.add_scalar(tag, values[key], values.get("step", 0), walltime=at)

    with naming(folder, ADVICE):
        for earlier in folder.glob("events.out.tfevents.*"):
            earlier.unlink()
        # By the rest of its name, which has the time and the process, a link could be laid ready.
        writer = require_tensorboard()(folder, filename_suffix=f".{secrets.token_hex(8)}")
    try:
        for metrics in run.metrics():
            log(metrics["kind"], metrics)
        yield log
    finally:
        with naming(folder, ADVICE):
            writer.close()
