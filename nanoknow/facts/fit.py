"""Whether texts fit each other: what a model could know of them, and what keeps it from it."""

from collections.abc import Sequence
from dataclasses import dataclass

from nanoknow.data.questions import Question
from nanoknow.facts.index import FactIndex


@dataclass(frozen=True)
class FitLine:
    """One thing that has to hold, of how many it does, and what to do where it rarely does.

    Attributes:
        first: the line of the first question of which it does not hold.
        least: below this share of all a line says what to do.
    """

    what: str
    n: int
    of: int
    remedy: str
    first: int | None = None
    least: float = 0.5

    @property
    def is_bad(self) -> bool:
        """Whether it holds of too few."""
        return self.n < self.least * self.of

    @property
    def finding(self) -> str:
        """Of how many it holds, with the remedy where it is needed."""
        where = f" (not line {self.first:,})" if self.first else ""
        advice = f": {self.remedy}" if self.is_bad else ""
        return f"{self.n:,} of {self.of:,}{where}{advice}"

    def __str__(self) -> str:
        return f"{self.what}: {self.finding}"


def judge_fit(
    facts: FactIndex, block_size: int, reach: int | None, evaluation: Sequence[Question] = ()
) -> dict[str, list[FitLine]]:
    """Judge the ``corpus`` and, by role, the ``training`` and ``eval`` questions, where there are.

    Args:
        facts: the training texts.
        block_size: characters of a document that an example can hold.
        reach: characters of a document that are read; None for all.
        evaluation: other questions.
    """
    roles = {"training": facts.questions, "eval": evaluation}
    found = {role: _questions_that_fit(facts, each, reach) for role, each in roles.items() if each}
    return {"corpus": _documents_that_fit(facts, block_size), **found}


def _documents_that_fit(facts: FactIndex, block_size: int) -> list[FitLine]:
    lengths = [len(document) for document in facts.corpus.documents]
    n = max(1, len(lengths) - (not lengths[-1]))  # nothing follows the last line end
    form = "is the form right (a document a line, --documents paragraphs, a table, JSON)?"
    most = 10 * block_size
    n_long = sum(length > most for length in lengths)
    about = "begin each with the name that questions have, or give each in a column 'name'"
    return [
        FitLine("documents that are not empty", sum(map(bool, lengths)), n, form),
        FitLine(f"documents of up to {most:,} characters", n - n_long, n, form),
        FitLine("documents with a subject", sum(map(bool, facts.names)), n, about, least=1.0),
    ]


def _questions_that_fit(
    facts: FactIndex, questions: Sequence[Question], reach: int | None
) -> list[FitLine]:
    def line(what: str, fitting: Sequence[Question], remedy: str) -> FitLine:
        others = (each.line for each in {*questions} - {*fitting})
        return FitLine(what, len(fitting), len(questions), remedy, min(others, default=None))

    named = [question for question in questions if facts.indices_about(question.text)]
    same = "write names in them as documents have them, give a column 'name', or add documents"
    lines = [line("questions that name a subject", named, same)]
    if not any(question.gold for question in questions):
        return lines
    held = [question for question in named if facts.in_documents(question)]
    within = held if reach is None else [q for q in held if facts.in_documents(q, reach)]
    add = "what no document says to the letter is guessed, not known: write answers as documents do"
    add += ", and the subject's name (no pronoun, no title apart) into each document"
    if "" in facts.corpus.documents[:-1]:  # blank lines: between paragraphs?
        add += ", or read documents of several lines with --documents paragraphs"
    lines.append(line("answers in a document about the subject", held, add))
    if len(within) < len(held):
        advice = "raise model.block_size, or hide by pretrain.task.context_dropout"
        lines.append(line(f"answers in the first {reach:,} characters of it", within, advice))
    right, n = facts.finder.cross_validated
    if n and questions is not facts.questions:
        right, n = facts.finder.n_right(held), len(held)
    if n:
        remedy = "write one subject a document, fewer forms of sentence, or more training questions"
        lines.append(FitLine("answers found in documents by other questions", right, n, remedy))
    return lines
