"""``nanoknow compare``: several runs on the same questions, pair by pair."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path

from nanoknow.config.experiment import DataConfig
from nanoknow.data.questions import QuestionSet
from nanoknow.data.sources import Texts
from nanoknow.errors import ConfigError, DataError
from nanoknow.evaluation.answers import Answer
from nanoknow.evaluation.compare_figure import plot_comparison
from nanoknow.evaluation.comparison import Comparison, compare_answers
from nanoknow.evaluation.evaluate import evaluate, predictions_file
from nanoknow.runs.checkpoint import Checkpoint
from nanoknow.runs.finding import open_checkpoint
from nanoknow.runs.run import Run
from nanoknow.system.reporter import Reporter

FEWEST = 2


def compare(
    paths: Sequence[Path], data: DataConfig, device: str, plot: Path | None, reporter: Reporter
) -> Comparison:
    """Compare runs by their answers to the same questions.

    What a run's last checkpoint has answered before is read from its predictions; what it has
    not is asked now.

    Args:
        paths: run or checkpoint folders, two or more.
        data: names the questions; else they are those that every one of the runs was made with.
        device: ``auto``, ``cpu``, ``cuda`` or ``cuda:N``.
        plot: a picture to draw, .png or .svg.
        reporter: is told where answers are from.

    Raises:
        CheckpointError: one of them is no run that answers questions.
        ConfigError: fewer than two, the same one twice, a picture that cannot be written, or
            runs made with different questions where none are named.
        DataError: the questions cannot be read, or have no answers.
    """
    if len(paths) < FEWEST:
        raise ConfigError("compare: name two runs or more")
    opened = [open_checkpoint(path) for path in paths]
    places = [checkpoint.path.resolve() for _, checkpoint in opened]
    for i, place in enumerate(places):
        if place in places[:i]:
            raise ConfigError(f"{paths[i]}: is named twice: name different runs")
    questions = _questions(opened, data)
    if not questions.answered:
        raise DataError(
            f"{questions.name}: has no answers to compare by: name a file of question<TAB>answer "
            f"lines with --eval"
        )
    answers = [
        _answers(path, run, checkpoint, questions, data, device, reporter)
        for path, (run, checkpoint) in zip(paths, opened, strict=True)
    ]
    result = compare_answers(questions.name, list(map(str, paths)), answers)
    if plot is not None:
        plot_comparison(result, plot)
    return result


def _questions(opened: Sequence[tuple[Run, Checkpoint]], data: DataConfig) -> QuestionSet:
    """Return the questions named, or those that all of the runs have in common.

    Raises:
        ConfigError: they have different ones.
    """
    if data.eval is not None:
        return Texts.find(data, ("eval",)).require_eval()
    (first, checkpoint), *others = opened
    asked = checkpoint.record.data.get("eval")
    for run, other in others:
        theirs = other.record.data.get("eval")
        if (asked or {}).get("sha256") != (theirs or {}).get("sha256"):
            names = [each["name"] if each else "no questions" for each in (asked, theirs)]
            raise ConfigError(
                f"{first.path} was made with {names[0]}, and {run.path} with {names[1]}: name the "
                f"questions for all of them with --eval FILE"
            )
    return Texts(first.config.data).require_eval()


def _answers(
    path: Path,
    run: Run,
    checkpoint: Checkpoint,
    questions: QuestionSet,
    data: DataConfig,
    device: str,
    reporter: Reporter,
) -> list[Answer]:
    """Read what a run answered before, or ask it now."""
    saved = predictions_file(checkpoint, run, questions).with_suffix(".jsonl")
    answers = _read_answers(saved)
    wanted = [(q.text, q.answer) for q in questions.items]
    if [(a.question, a.gold) for a in answers] == wanted:
        reporter.note(f"{path}: answers read from {saved}")
        return answers
    reporter.note(f"{path}: asked now")
    return evaluate(path, data, device, reporter).answers


def _read_answers(path: Path) -> list[Answer]:
    """Read saved answers; none where they are not there, or not whole."""
    names = {field.name for field in fields(Answer)}
    try:
        rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    except (OSError, ValueError, RecursionError):
        return []
    if not all(isinstance(row, dict) and set(row) == names for row in rows):
        return []
    answers = [Answer(**row) for row in rows]
    return answers if all(map(_is_whole, answers)) else []


def _is_whole(answer: Answer) -> bool:
    score: object = answer.log_probability
    return isinstance(answer.answer, str) and isinstance(score, float) and score <= 0.0
