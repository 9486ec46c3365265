"""The tasks by name; a new task is one line here."""

from __future__ import annotations

from typing import Any

from nanoknow.config import QuestionAnsweringConfig, SpanCorruptionConfig, TaskConfig
from nanoknow.data.corpus import Corpus, QuestionSet
from nanoknow.data.tokenizer import Tokenizer
from nanoknow.errors import ConfigError
from nanoknow.tasks.base import Task
from nanoknow.tasks.language_modeling import LanguageModeling
from nanoknow.tasks.mixed import WithQuestions
from nanoknow.tasks.question_answering import QuestionAnswering
from nanoknow.tasks.span_corruption import SpanCorruption

TASKS: dict[str, Any] = {
    "span_corruption": SpanCorruption,
    "question_answering": QuestionAnswering,
    "language_modeling": LanguageModeling,
}


def sources(config: TaskConfig) -> tuple[str, ...]:
    """Return the roles of the texts that a task trains on, its own first."""
    own = TASKS[config.kind].source
    return (own, "questions") if _questions_per_document(config) else (own,)


def build_task(
    config: TaskConfig,
    corpus: Corpus | None,
    questions: QuestionSet | None,
    tokenizer: Tokenizer,
    block_size: int,
) -> Task:
    """Make a task from the texts it trains on.

    Raises:
        ConfigError: one of them is not named.
        DataError: a text does not suit the task.
    """
    texts: dict[str, Any] = {"corpus": corpus, "questions": questions}
    for role in sources(config):
        if texts[role] is None:
            raise ConfigError(
                f"data.{role}: {config.kind} trains on it: name it with --{role} FILE"
            )
    member = TASKS[config.kind]
    task: Task = member(texts[member.source], tokenizer, config, block_size)
    per_document = _questions_per_document(config)
    if not per_document:
        return task
    asked = QuestionAnswering(texts["questions"], tokenizer, QuestionAnsweringConfig(), block_size)
    return WithQuestions(task, asked, per_document)


def _questions_per_document(config: TaskConfig) -> float:
    return config.questions_per_document if isinstance(config, SpanCorruptionConfig) else 0.0
