"""A run's saved answers: ``predictions/*.txt``, one a line, and all about each as ``.jsonl``."""

import json
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from nanoknow.data.questions import QuestionSet
from nanoknow.errors import naming
from nanoknow.evaluation.answers import Answer
from nanoknow.runs.checkpoint import Checkpoint
from nanoknow.runs.run import Run
from nanoknow.system.files import write_atomically
from nanoknow.system.plain import plain


def predictions_file(run: Run, checkpoint: Checkpoint, questions: QuestionSet) -> Path:
    """Return where the answers of a checkpoint to some questions are saved.

    Other questions of the same name, or another checkpoint, get files of their own.
    """
    step = int(checkpoint.record.progress["step"])
    name = f"{Path(questions.name).stem}-{questions.sha256[:8]}-step-{step}.txt"
    return run.path / "predictions" / name


def save_predictions(path: Path, answers: Sequence[Answer]) -> None:
    """Write answers to a ``predictions_file``.

    Raises:
        CheckpointError: it cannot be written.
    """
    lines = "".join(" ".join(a.answer.splitlines()) + "\n" for a in answers)
    details = "".join(json.dumps(plain(a), ensure_ascii=False) + "\n" for a in answers)
    with naming(path, "make the run's folder writable"):
        path.parent.mkdir(exist_ok=True)
        write_atomically(path, lines.encode())
        write_atomically(path.with_suffix(".jsonl"), details.encode())


def read_predictions(path: Path, questions: QuestionSet) -> list[Answer]:
    """Read the answers to some questions from a ``predictions_file``.

    There are none where the file is missing, cut short, of other questions, or in the format of
    release 0.1.0, whose accepted answers and verdicts were others.
    """
    try:
        lines = path.with_suffix(".jsonl").read_text(encoding="utf-8").splitlines()
        answers = [_parse(json.loads(line)) for line in lines]
    except (OSError, ValueError, RecursionError):
        return []
    same = [(a.question, a.gold) for a in answers] == [(q.text, q.gold) for q in questions.items]
    return answers if same else []


def _parse(row: Any) -> Answer:  # noqa: ANN401 - any JSON
    """Return an answer from its JSON.

    Raises:
        ValueError: it is none.
    """
    if not isinstance(row, dict) or set(row) != {field.name for field in fields(Answer)}:
        raise ValueError("other keys")
    gold, text, score = row["gold"], row["answer"], row["log_probability"]
    if not isinstance(gold, list) or not isinstance(text, str) or not isinstance(score, float):
        raise ValueError("other types")
    if not score <= 0.0:
        raise ValueError("not a logarithm of a probability")
    return Answer(**{**row, "gold": tuple(gold)})
