"""What the page of ``nanoknow play`` receives."""

from dataclasses import dataclass

from nanoknow.evaluation.ask import Reply
from nanoknow.evaluation.scores import Score


@dataclass(frozen=True)
class Written:
    """A character of an answer.

    Attributes:
        character: empty where the answer ends.
        alternatives: the most probable ones there, with their probabilities.
        attended: (characters of the question,) mean weight over layers and heads; 0 for those that
            the vocabulary lacks.
    """

    character: str
    alternatives: list[tuple[str, float]]
    attended: list[float]


@dataclass(frozen=True)
class Worth:
    """What a probability was worth so far: of answers about as probable as this one.

    Attributes:
        score: those to evaluation questions; None without any.
        n_invented: those about invented names.
        invented: all that were asked about these.
    """

    score: Score | None
    n_invented: int
    invented: int


@dataclass(frozen=True)
class Played:
    """A question that was asked on the page.

    Attributes:
        reply: the answers, the evidence and the doubt.
        written: the characters of the most probable answer, its end last.
        worth: of that answer's probability.
        beside: what another run says.
    """

    reply: Reply
    written: list[Written]
    worth: Worth
    beside: Reply | None


@dataclass(frozen=True)
class Introduction:
    """What the page says of a run before anything is asked.

    Attributes:
        documents: how many it has read; None if none, or where they are not available.
        example: a question to begin with.
        score: of the evaluation questions; None where there are none with answers.
        right, wrong, invented: confidences, ascending.
    """

    run: str
    model: str
    documents: int | None
    eval: str | None
    beside: str | None
    example: str | None
    score: Score | None
    right: list[float]
    wrong: list[float]
    invented: list[float]


@dataclass(frozen=True)
class Lesson:
    """A document, and what training made of it.

    Attributes:
        where: ``file:line``.
        examples: what the model reads of each, and what it learns to write after that.
    """

    where: str
    document: str
    examples: list[tuple[str, str]]
