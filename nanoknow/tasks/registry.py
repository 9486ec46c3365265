"""The tasks by name; a new task is one line here."""

from __future__ import annotations

from typing import Any

from nanoknow.config import TaskConfig
from nanoknow.data.corpus import Corpus, QuestionSet
from nanoknow.data.tokenizer import Tokenizer
from nanoknow.errors import ConfigError
from nanoknow.tasks.base import Task
from nanoknow.tasks.language_modeling import LanguageModeling
from nanoknow.tasks.question_answering import QuestionAnswering
from nanoknow.tasks.span_corruption import SpanCorruption

TASKS: dict[str, Any] = {
    "span_corruption": SpanCorruption,
    "question_answering": QuestionAnswering,
    "language_modeling": LanguageModeling,
}


def build_task(
    config: TaskConfig,
    corpus: Corpus | None,
    questions: QuestionSet | None,
    tokenizer: Tokenizer,
    block_size: int,
) -> Task:
    """Make a task from whichever text it trains on.

    Raises:
        ConfigError: that text is not named.
        DataError: the text does not suit the task.
    """
    member = TASKS[config.kind]
    source = corpus if member.source == "corpus" else questions
    if source is None:
        raise ConfigError(
            f"data.{member.source}: {config.kind} trains on it: name it with --{member.source} FILE"
        )
    task: Task = member(source, tokenizer, config, block_size)
    return task
