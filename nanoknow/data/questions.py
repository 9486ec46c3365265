"""Questions, with their answers where a file has them."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from nanoknow.data.reading import decoded, file_chunks
from nanoknow.errors import DataError


@dataclass(frozen=True)
class Question:
    """One question.

    Attributes:
        text: as it is in the file.
        gold: the accepted answers; empty where the file has none.
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
    """The questions of one file; either all of them have answers or none."""

    name: str
    items: tuple[Question, ...]
    sha256: str

    @property
    def answered(self) -> bool:
        """Whether the file has answers."""
        return bool(self.items[0].gold)

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
    return QuestionSet(name, tuple(items), hashlib.sha256(raw).hexdigest())


def _parse_line(line: str, number: int, name: str, answered: bool) -> Question:
    where = f"{name}:{number}"
    if not line.strip():
        raise DataError(f"{where}: an empty line: delete it")
    if not answered:
        return Question(line, (), number)
    parts = line.split("\t")
    if len(parts) == 1:
        raise DataError(f"{where}: no tab, where other lines have one: write question<TAB>answer")
    if len(parts) > 2:
        raise DataError(f"{where}: {len(parts) - 1} tabs: write question<TAB>answer with one tab")
    question, answer = parts
    for part, what in ((question, "question"), (answer, "answer")):
        if not part.strip():
            raise DataError(f"{where}: no {what}: write question<TAB>answer")
    return Question(question, (answer,), number)
