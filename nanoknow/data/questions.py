"""Questions, with their answers where a file has them."""

import hashlib
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Self

from nanoknow.data.reading import decoded, file_chunks, lines_of
from nanoknow.data.rows import Row, as_text, form_of, read_rows
from nanoknow.data.tokenizer import refuse_marks
from nanoknow.errors import DataError

FORMS = "a file of question<TAB>answer lines, or of columns 'question' and 'answer' (CSV, JSONL)"
# Of no width and no meaning: no part of a text, wherever they are.
INVISIBLE = re.compile("[\u200b\u2060\ufeff]")
# No part of a text at its ends: blanks and what Unicode calls default-ignorable. Joiners, marks of
# direction and variation selectors have a meaning within words.
EDGE = re.compile(
    r"^[\s\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e"
    r"\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\U000e0000-\U000e0fff]+"
)


@dataclass(frozen=True)
class Question:
    """One question.

    Attributes:
        text: ``clean``.
        gold: the accepted answers, each ``clean``: its own, then those of its file's other lines
            that ask the same; empty where the file has none.
        line: of the file, from 1: where it begins.
    """

    text: str
    gold: tuple[str, ...]
    line: int

    @property
    def answer(self) -> str | None:
        """The first accepted answer: what training learns."""
        return self.gold[0] if self.gold else None


@dataclass(frozen=True)
class QuestionSet:
    """The questions of one file; either all of them have answers or none.

    Attributes:
        stripped: of how many lines blanks at an end, or invisible characters, were left out.
        skipped: questions of the file that are not among the items, as they are too long.
    """

    name: str
    items: tuple[Question, ...]
    sha256: str
    stripped: int = 0
    skipped: tuple[Question, ...] = ()

    @property
    def notes(self) -> list[str]:
        """What was left out, for the user."""
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
        """What is asked, each once."""
        return frozenset(item.text for item in self.items)

    def require_answers(self, purpose: str, flag: str = "--eval") -> Self:
        """Return them.

        Args:
            purpose: what answers are needed for, after ``to``.
            flag: that names such files.

        Raises:
            DataError: they have no answers.
        """
        if self.answered:
            return self
        raise DataError(f"{self.name}: has no answers to {purpose}: name {FORMS} with {flag}")

    def characters(self, *, answers: bool) -> str:
        """Return each character of the questions once, and of all answers too when asked."""
        texts = ("".join((q.text, *(q.gold if answers else ()))) for q in self.items)
        return "".join(dict.fromkeys("".join(texts)))


def read_questions(path: Path) -> QuestionSet:
    """Read questions in any of their forms.

    ``question<TAB>answer`` lines, or questions alone when no line has a tab; or a table or JSON
    lines with columns ``question`` and ``answer`` or ``answers``, which may be a list in JSON.

    Raises:
        DataError: file:line, what is wrong, what to do.
    """
    return questions_from_bytes(b"".join(file_chunks(path)), str(path))


def questions_from_bytes(raw: bytes, name: str) -> QuestionSet:
    """Check and decode a file of questions (see ``read_questions``)."""
    text = "".join(decoded([raw], name))
    form = form_of(text, name, "question")
    if form is None:
        lines = text.removesuffix("\n").split("\n")
        answered = "\t" in text
        items = [_parse_line(line, i, name, answered) for i, line in enumerate(lines, start=1)]
        kept = ("\t".join((item.text, *item.gold)) for item in items)
        stripped = sum(map(str.__ne__, lines, kept))
    else:
        rows = read_rows(form, lines_of([text]), name, "question", ("answer", "answers"))
        items, stripped = [], 0
        for row in rows:
            written = [row.text("question"), *_answers(row)]
            cleaned = [clean(each) for each in written]
            stripped += cleaned != written
            items.append(_question(cleaned, row.line, row.where))
        if not items:
            raise DataError(f"{name}: holds no rows: name {FORMS}")
        lacking = next((item for item in items if not item.gold), None)
        if lacking and any(item.gold for item in items):
            raise DataError(f"{name}:{lacking.line}: no answer, where other rows have one: add it")
    accepted: dict[str, dict[str, None]] = {}
    for item in items:
        accepted.setdefault(item.text, {}).update(dict.fromkeys(item.gold))
    every = (tuple(dict.fromkeys((*item.gold, *accepted[item.text]))) for item in items)
    merged = tuple(replace(q, gold=gold) for q, gold in zip(items, every, strict=True))
    return QuestionSet(name, merged, hashlib.sha256(raw).hexdigest(), stripped)


def questions_to_jsonl(questions: Iterable[Question]) -> str:
    """Return JSON lines that ``questions_from_bytes`` reads as the same questions and answers."""
    rows = ({"question": q.text, **({"answers": q.gold} if q.gold else {})} for q in questions)
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def clean(text: str) -> str:
    """Return a text without ``INVISIBLE``, and ``EDGE`` at its ends, in linear time."""
    return EDGE.sub("", EDGE.sub("", INVISIBLE.sub("", text))[::-1])[::-1]


def _parse_line(line: str, number: int, name: str, answered: bool) -> Question:
    where = f"{name}:{number}"
    if not clean(line):
        raise DataError(f"{where}: an empty line: delete it")
    parts = line.split("\t")
    if answered and len(parts) == 1:
        raise DataError(f"{where}: no tab, where other lines have one: write question<TAB>answer")
    if len(parts) > 2:
        raise DataError(f"{where}: {len(parts) - 1} tabs: write question<TAB>answer with one tab")
    return _question(list(map(clean, parts)), number, where)


def _question(parts: list[str], line: int, where: str) -> Question:
    """Check a question and its answers, in this order, each ``clean``."""
    for i, part in enumerate(parts):
        if not part:
            what = "answer" if i else "question"
            raise DataError(f"{where}: no {what}: write question<TAB>answer, or fill both columns")
        refuse_marks(part, lambda _: where)
    return Question(parts[0], tuple(parts[1:]), line)


def _answers(row: Row) -> Iterator[str]:
    """Yield the answers of a row, of either column: a text, or a list in JSON."""
    for column in ("answer", "answers"):
        value, where = row.values.get(column), f"{row.where}: {column}"
        if column == "answers" and isinstance(value, str) and value.lstrip().startswith("["):
            try:
                value = json.loads(value)
            except (ValueError, RecursionError):
                raise DataError(f'{where}: no JSON list: write it as ["…", "…"]') from None
        if isinstance(value, list):
            yield from (as_text("" if each is None else each, where) for each in value)
        elif value is not None and value != "":
            yield row.text(column)
