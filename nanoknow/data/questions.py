"""Questions, with their answers where a file has them."""

import hashlib
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Self

from nanoknow.data.reading import composed, decoded, file_chunks
from nanoknow.data.rows import Row, form_of, read_rows
from nanoknow.data.tokenizer import refuse_marks
from nanoknow.errors import DataError
from nanoknow.system.plain import to_json

FORMS = "a file of question<TAB>answer lines, or of columns 'question' and 'answer' (CSV, JSON)"
QUESTIONS_BYTES = 1 << 28
"""Largest file of questions, or of answers to them, in bytes: 256 MiB."""
# Without width and meaning: removed wherever they are.
INVISIBLE = re.compile("[\u200b\u2060\ufeff]")
# Removed only at the ends of a text: blanks and what Unicode calls default-ignorable. Joiners,
# marks of direction and variation selectors have a meaning within words.
EDGE = re.compile(
    r"^[\s\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e"
    r"\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\U000e0000-\U000e0fff]+"
)


@dataclass(frozen=True)
class Question:
    """One question.

    Attributes:
        text: what is asked, ``clean``.
        gold: the accepted answers, each ``clean``: its own, then those of other lines of the file
            that ask the same; empty if the file has no answers.
        line: the line of the file that it begins on, from 1; JSON objects may share a line.
        number: its place among the questions of the file, from 1.
    """

    text: str
    gold: tuple[str, ...]
    line: int
    number: int = 0

    @property
    def answer(self) -> str | None:
        """The first accepted answer, which is the one trained on."""
        return self.gold[0] if self.gold else None


@dataclass(frozen=True)
class QuestionSet:
    """The questions of one file; either all of them have answers or none.

    Attributes:
        stripped: number of lines that lost blanks at an end or invisible characters.
        skipped: questions of the file that are not in ``items``, as they are longer than a block.
    """

    name: str
    items: tuple[Question, ...]
    sha256: str
    stripped: int = 0
    skipped: tuple[Question, ...] = ()

    @property
    def notes(self) -> list[str]:
        """What was left out, in lines for the user."""
        words = "blanks at the ends and invisible characters left out of"
        notes = [f"{self.name}: {words} {self.stripped:,} lines"] if self.stripped else []
        if n := len(self.skipped):
            total = n + len(self.items)
            notes.append(f"{self.name}: {n:,} of {total:,} questions left out: longer than a block")
        return notes

    @property
    def answered(self) -> bool:
        """Whether the file has answers."""
        return bool(self.items[0].gold)

    @cached_property
    def texts(self) -> frozenset[str]:
        """The different texts of the questions."""
        return frozenset(item.text for item in self.items)

    def require_answers(self, purpose: str, flag: str = "--eval") -> Self:
        """Return the questions themselves, if they have answers.

        Args:
            purpose: what the answers are needed for: a verb, after ``to`` in the error.
            flag: the flag that names such files.

        Raises:
            DataError: they have no answers.
        """
        if self.answered:
            return self
        raise DataError(f"{self.name}: has no answers to {purpose}: name {FORMS} with {flag}")

    def characters(self, *, answers: bool) -> str:
        """Return the different characters of the questions and, if asked, of all answers."""
        texts = ("".join((q.text, *(q.gold if answers else ()))) for q in self.items)
        return "".join(dict.fromkeys("".join(texts)))


def read_questions(path: Path) -> QuestionSet:
    """Read questions from a file in any of their forms.

    These are ``question<TAB>answer`` lines, or questions alone if no line has a tab; or a table or
    JSON lines with columns ``question`` and ``answer`` or ``answers``, which may be a list in JSON.

    Raises:
        DataError: file:line, what is wrong, what to do.
    """
    return questions_from_bytes(file_chunks(path, QUESTIONS_BYTES), str(path))


def questions_from_bytes(raw: bytes | Iterable[bytes], name: str) -> QuestionSet:
    """Decode and check questions (see ``read_questions``), given whole or in chunks."""
    digest = hashlib.sha256()
    text = "".join(decoded([raw] if isinstance(raw, bytes) else raw, name, digest.update))
    form = form_of(text, name, "question")
    if form:
        rows = read_rows(form, text, name, "question", ("answer", "answers"))
        written = [(row.line, [row.text("question"), *_answers(row)]) for row in rows]
        has_answers = any(len(parts) > 1 for _, parts in written)
    else:
        has_answers = "\t" in text
        lines = enumerate(text.removesuffix("\n").split("\n"), start=1)
        written = [(i, _split(line, f"{name}:{i}", has_answers)) for i, line in lines]
    if not written:
        raise DataError(f"{name}: holds no rows: name {FORMS}")
    cleaned = [(line, list(map(clean, parts))) for line, parts in written]
    accepted: dict[str, dict[str, None]] = {}
    for line, parts in cleaned:
        _check(parts, f"{name}:{line}", has_answers)
        accepted.setdefault(parts[0], {}).update(dict.fromkeys(parts[1:]))
    items = (
        Question(text, tuple(dict.fromkeys((*own, *accepted[text]))), line, number)
        for number, (line, (text, *own)) in enumerate(cleaned, start=1)
    )
    stripped = sum(map(tuple.__ne__, written, cleaned))
    return QuestionSet(name, tuple(items), digest.hexdigest(), stripped)


def questions_to_jsonl(questions: Iterable[Question]) -> str:
    """Return JSON lines that ``questions_from_bytes`` reads as the same questions and answers."""
    rows = ({"question": q.text, **({"answers": q.gold} if q.gold else {})} for q in questions)
    return "".join(to_json(row, ensure_ascii=False) + "\n" for row in rows)


def clean(text: str) -> str:
    """Return a text ``composed``, without ``INVISIBLE``, and without ``EDGE`` at either end."""
    # Reversed for its end, as a pattern with ``$`` would take quadratic time.
    return composed(EDGE.sub("", EDGE.sub("", INVISIBLE.sub("", text))[::-1])[::-1])


def _split(line: str, where: str, answered: bool) -> list[str]:
    """Split a line into its question and, if the file has answers, its answer."""
    parts = line.split("\t")
    if not clean(line):
        raise DataError(f"{where}: an empty line: delete it")
    if answered and len(parts) == 1:
        raise DataError(f"{where}: no tab, where other lines have one: write question<TAB>answer")
    if len(parts) > 2:
        raise DataError(f"{where}: {len(parts) - 1} tabs: write question<TAB>answer with one tab")
    return parts


def _answers(row: Row) -> list[str]:
    """Return the answers of a row; a table's cell may hold a JSON list of them."""
    cell = row.values.get("answers")
    if isinstance(cell, dict) and "text" in cell:  # as SQuAD has them
        row.values["answers"] = cell["text"]
    elif isinstance(cell, str) and cell.lstrip().startswith("["):
        try:
            row.values["answers"] = json.loads(cell)
        except (ValueError, RecursionError):
            raise DataError(f'{row.where}: answers: no JSON list: write ["…", "…"]') from None
    return [*row.texts("answer"), *row.texts("answers")]


def _check(parts: list[str], where: str, answered: bool) -> None:
    """Check the parts of a line: a question, then its answers, each ``clean``."""
    what = "question" if not parts[0] else "answer"
    if not all(parts) or (answered and len(parts) == 1):
        raise DataError(f"{where}: no {what}: write question<TAB>answer, or fill both columns")
    for part in parts:
        refuse_marks(part, lambda _: where)
