"""Questions, with their answers where a file has them."""

import hashlib
import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Self

from nanoknow.data.reading import decoded, file_chunks
from nanoknow.data.tokenizer import refuse_marks
from nanoknow.errors import DataError

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
        gold: the accepted answers, each ``clean``; empty where the file has none.
        line: of the file, from 1.
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
    """

    name: str
    items: tuple[Question, ...]
    sha256: str
    stripped: int = 0

    @property
    def notes(self) -> list[str]:
        """What was left out, for the user."""
        words = "blanks at the ends and invisible characters left out of"
        return [f"{self.name}: {words} {self.stripped:,} lines"] if self.stripped else []

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
        what = f"no answers to {purpose}: name a file of question<TAB>answer lines with {flag}"
        raise DataError(f"{self.name}: has {what}")

    def characters(self, *, answers: bool) -> str:
        """Return each character of the questions once, and of the answers too when asked."""
        texts = (q.text + (q.answer or "" if answers else "") for q in self.items)
        return "".join(dict.fromkeys("".join(texts)))


def read_questions(path: Path) -> QuestionSet:
    """Read ``question<TAB>answer`` lines, or questions alone when no line has a tab.

    Raises:
        DataError: file:line, what is wrong, what to do.
    """
    return questions_from_bytes(b"".join(file_chunks(path)), str(path))


def questions_from_bytes(raw: bytes, name: str) -> QuestionSet:
    """Check and decode a file of questions (see ``read_questions``)."""
    lines = "".join(decoded([raw], name)).removesuffix("\n").split("\n")
    answered = any("\t" in line for line in lines)
    items = [_parse_line(line, i, name, answered) for i, line in enumerate(lines, start=1)]
    kept = ("\t".join((item.text, *item.gold)) for item in items)
    stripped = sum(map(str.__ne__, lines, kept))
    return QuestionSet(name, tuple(items), hashlib.sha256(raw).hexdigest(), stripped)


def clean(text: str) -> str:
    """Return a text without ``INVISIBLE``, and ``EDGE`` at its ends, in linear time."""
    return EDGE.sub("", EDGE.sub("", INVISIBLE.sub("", text))[::-1])[::-1]


def _parse_line(line: str, number: int, name: str, answered: bool) -> Question:
    where = f"{name}:{number}"
    if not clean(line):
        raise DataError(f"{where}: an empty line: delete it")
    refuse_marks(line, lambda _: where)
    if not answered:
        return Question(clean(line), (), number)
    parts = line.split("\t")
    if len(parts) == 1:
        raise DataError(f"{where}: no tab, where other lines have one: write question<TAB>answer")
    if len(parts) > 2:
        raise DataError(f"{where}: {len(parts) - 1} tabs: write question<TAB>answer with one tab")
    question, answer = map(clean, parts)
    for part, what in ((question, "question"), (answer, "answer")):
        if not part:
            raise DataError(f"{where}: no {what}: write question<TAB>answer")
    return Question(question, (answer,), number)
