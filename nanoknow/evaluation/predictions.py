"""A run's saved answers: ``predictions/*.txt``, one a line, and all about each as ``.jsonl``."""

from collections.abc import Sequence
from pathlib import Path

from nanoknow.data.questions import QUESTIONS_BYTES, QuestionSet
from nanoknow.errors import naming
from nanoknow.evaluation.answers import Answer
from nanoknow.generation.opened_run import OpenedRun
from nanoknow.system.files import read_regular, write_atomically
from nanoknow.system.plain import plain, to_json
from nanoknow.system.reporter import Reporter


def save_predictions(
    opened: OpenedRun, questions: QuestionSet, answers: Sequence[Answer], reporter: Reporter
) -> Path:
    """Write answers into the run's folder, and return their file.

    Other questions of the same name, or another checkpoint, get files of their own. The line of a
    question that was skipped is empty, and each row of the details has the run's id. What was
    there is never read for its answers; where it was something else, that is noted.

    Raises:
        CheckpointError: it cannot be written.
    """
    run, step = opened.run, int(opened.checkpoint.record.progress["step"])
    name = f"{Path(questions.name).stem}-{questions.sha256[:8]}-step-{step}.txt"
    path = run.path / "predictions" / name
    by_line = {question.line: "" for question in questions.skipped}
    for question, answer in zip(questions.items, answers, strict=True):
        by_line[question.line] = " ".join(answer.answer.splitlines())
    lines = "".join(by_line[line] + "\n" for line in sorted(by_line))
    rows = ({"run": run.record.id, **plain(a)} for a in answers)
    details = "".join(to_json(row, ensure_ascii=False) + "\n" for row in rows)
    with naming(path, "make the run's folder writable"):
        path.parent.mkdir(exist_ok=True)
        for file, text in ((path, lines), (path.with_suffix(".jsonl"), details)):
            if file.exists() and read_regular(file, QUESTIONS_BYTES) != text.encode():
                reporter.note(f"{file}: held something else: written again")
            write_atomically(file, text.encode())
    return path
