"""The data that the page of ``nanoknow play`` receives, as JSON."""

from dataclasses import dataclass

from nanoknow.evaluation.ask import Reply
from nanoknow.evaluation.scores import Score


@dataclass(frozen=True)
class Written:
    """A character of an answer.

    Attributes:
        character: the character written; empty where the answer ends.
        alternatives: the most probable characters there, with their probabilities.
        attended: for each character of the question, the attention weight, mean over layers and
            heads; 0 for characters that the vocabulary lacks.
    """

    character: str
    alternatives: list[tuple[str, float]]
    attended: list[float]


@dataclass(frozen=True)
class Worth:
    """How right the answers are that the run gave with about the same probability.

    Attributes:
        score: of such answers to evaluation questions; None without any.
        n_invented: number of such answers about invented names.
        invented: number of all answers about invented names.
    """

    score: Score | None
    n_invented: int
    invented: int


@dataclass(frozen=True)
class Played:
    """The reply to a question that was asked on the page.

    Attributes:
        reply: the answers, the evidence and the doubt.
        written: the characters of the most probable answer, its end last.
        worth: what that answer's probability is worth.
        beside: the reply of another run.
    """

    reply: Reply
    written: list[Written]
    worth: Worth
    beside: Reply | None


@dataclass(frozen=True)
class Introduction:
    """What the page says about a run before anything is asked.

    Attributes:
        documents: number of documents it has read; None if it read none, or they are not available.
        eval: the name of the evaluation questions.
        beside: the folder of the other run.
        example: a question to begin with.
        score: on the evaluation questions; None where there are none with answers.
        right, wrong, invented: confidences of right answers, of wrong ones, and of answers about
            invented names, ascending.
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
    """A document, and examples that pretraining makes of it.

    Attributes:
        where: ``file:line``.
        examples: of each, the text that the model reads, and what it learns to write after that.
    """

    where: str
    document: str
    examples: list[tuple[str, str]]
