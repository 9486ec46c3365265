"""Check whether texts and questions fit: what a model could learn, and what prevents it."""

from collections.abc import Sequence
from dataclasses import dataclass

from nanoknow.data.questions import Question
from nanoknow.facts.index import FactIndex


@dataclass(frozen=True)
class FitLine:
    """A requirement: for how many items it holds, and what to do if these are too few.

    Attributes:
        what: the requirement, as the report names it.
        n: for how many items it holds.
        of: how many items there are.
        remedy: what to do.
        first: the line of the first question for which it does not hold.
        least: share of the items below which the report adds the remedy.
    """

    what: str
    n: int
    of: int
    remedy: str
    first: int | None = None
    least: float = 0.5

    @property
    def is_bad(self) -> bool:
        """Whether it holds for too few items."""
        return self.n < self.least * self.of

    @property
    def finding(self) -> str:
        """For how many items it holds, with the remedy if these are too few."""
        where = f" (not line {self.first:,})" if self.first else ""
        advice = f": {self.remedy}" if self.is_bad else ""
        return f"{self.n:,} of {self.of:,}{where}{advice}"

    def __str__(self) -> str:
        return f"{self.what}: {self.finding}"


def judge_fit(
    facts: FactIndex, block_size: int, reach: int | None, evaluation: Sequence[Question] = ()
) -> dict[str, list[FitLine]]:
    """Check the corpus, and the training and evaluation questions if there are any.

    Args:
        facts: the training texts.
        block_size: characters of a document that an example can hold.
        reach: leading characters of a document that pretraining reads; None for all.
        evaluation: the evaluation questions.

    Returns:
        The lines of the report for ``corpus``, ``training`` and ``eval``.
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
    if "" in facts.corpus.documents[:-1]:  # blank lines probably separate paragraphs
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
