"""The table of runs that ``compare``, ``sweep``, ``law``, ``learn`` and ``demo`` share."""

import csv
import io
import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from nanoknow.errors import CheckpointError, ConfigError, naming, printable
from nanoknow.evaluation.compare import Comparison
from nanoknow.evaluation.scores import Score
from nanoknow.experiments.pipeline import PlannedRun
from nanoknow.runs.checkpoint import Checkpoint
from nanoknow.runs.finding import open_checkpoint
from nanoknow.runs.run import Run
from nanoknow.system.files import require_unread, require_writable, save_result
from nanoknow.system.plain import Result, plain, to_json

COLUMNS = (
    "row", "seed", "questions", "n_right", "n", "accuracy", "interval_95_low", "interval_95_high",
    "seconds", "device", "run",
)  # fmt: skip
"""Columns of the CSV; in JSON a row has the two ends of the interval in one list."""


@dataclass(frozen=True, repr=False)
class TableRow(Result):
    """A run's score on the questions of one file.

    Attributes:
        row: what the run is an instance of: a row of a sweep, a way of training, its own folder.
        seed: that it was trained with; None for answers that were made elsewhere.
        questions: the name of the questions.
        score: exact match, with its 95 % interval (Wilson, 1927).
        seconds: training time, pretraining included; None where the pretrained run is gone.
        device: device and precision that it was trained with.
        run: its folder, or the file of answers that were made elsewhere.
    """

    row: str
    seed: int | None
    questions: str
    score: Score
    seconds: float | None
    device: str
    run: str
    JSON: ClassVar = ("row", "seed", "questions", "*score", "seconds", "device", "run")


def table_row(
    row: str, run: Run, checkpoint: Checkpoint, questions: str, score: Score, first: float | None
) -> TableRow:
    """Return a run's row, from the records of the run and its checkpoint.

    Args:
        row: see ``TableRow``.
        run: the run that answered.
        checkpoint: the checkpoint of it that answered.
        questions: the name of the questions.
        score: the score on these.
        first: seconds of its first stage; None to read them from the run that it started from,
            which is not found if its folder was moved.
    """
    record, source, seconds = checkpoint.record, run.record.started_from, None
    with suppress(CheckpointError):
        if first is None or not source:
            first = open_checkpoint(Path(source))[1].record.seconds if source else 0.0
        seconds = round(first + record.seconds, 3)
    device = f"{record.device}, {record.precision}"
    return TableRow(row, record.seed, questions, score, seconds, device, str(run.path))


def rows_of_comparison(comparison: Comparison) -> list[TableRow]:
    """Return a row for each compared run."""
    questions = comparison.questions
    return [
        TableRow(each.run, None, questions, each.score, None, "", each.run)
        if Path(each.run).is_file()
        else table_row(each.run, *open_checkpoint(Path(each.run)), questions, each.score, None)
        for each in comparison.runs
    ]


def require_report(runs: Sequence[PlannedRun], path: Path, *beside: Path) -> None:
    """Refuse, before the work, a folder in which a report cannot be saved.

    Args:
        runs: the runs that it reports on; none of the files may be a text of theirs.
        path: the report's file; ``table.csv`` is written beside it.
        beside: further files to write there.

    Raises:
        ConfigError: one of the files cannot be written, or is a text of the runs.
    """
    texts = [text for run in runs for text in vars(run.config.data).values()]
    for each in (path, path.with_name("table.csv"), *beside):
        advice = "move it, or name another folder with --out"
        with naming(f"{each}: cannot be written", advice, ConfigError):
            require_writable(each, is_folder=False)
        require_unread(each, texts)


def save_report(path: Path, report: object, rows: Sequence[TableRow]) -> None:
    """Write a report as JSON, and ``table.csv`` beside it.

    Raises:
        ConfigError: they cannot be written.
    """
    save_result(path, to_json(report, indent=1).encode(), "the results")
    write_table(path.with_name("table.csv"), rows)


def write_table(path: Path, rows: Sequence[TableRow]) -> None:
    """Write a table as CSV; its texts are ``printable``, and no formulas in a spreadsheet.

    Raises:
        ConfigError: the file cannot be written.
    """
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    for row in rows:
        values = plain(row)
        values["interval_95_low"], values["interval_95_high"] = values.pop("interval_95")
        writer.writerow({name: _cell(value) for name, value in values.items()})
    save_result(path, text.getvalue().encode(), "the table")


def _cell(value: object) -> object:
    """Return a cell's value; an apostrophe is before what would be read as a formula."""
    return re.sub(r"^\s*[=+@-]", r"'\g<0>", printable(value)) if isinstance(value, str) else value
