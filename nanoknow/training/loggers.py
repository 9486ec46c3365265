"""Write a run's metrics for TensorBoard, into ``tensorboard/`` in its folder.

Each session writes them again from ``metrics.jsonl``, which is the record, so that steps that a
resumed run repeats are there once. The package is an extra, imported only when it is asked for.
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
"""Which values of each kind of metrics are shown, and under which tag."""

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
    """Write the metrics that a run has recorded so far, and yield a function that adds more.

    The time of a point is that of the run's creation plus its seconds of training, so that a pause
    between two sessions leaves no gap.

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
        # The rest of the name is the time, the host and the process: without a random part it could
        # be guessed, and a link placed there.
        writer = require_tensorboard()(folder, filename_suffix=f".{secrets.token_hex(8)}")
    try:
        for metrics in run.metrics():
            log(metrics["kind"], metrics)
        yield log
    finally:
        with naming(folder, ADVICE):
            writer.close()
