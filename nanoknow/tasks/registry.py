"""The tasks by name; a new task is one line here."""

from __future__ import annotations

from typing import Any, TypeGuard

from nanoknow.config.tasks import QuestionAnsweringConfig, SpanCorruptionConfig, TaskConfig
from nanoknow.data.corpus import Corpus
from nanoknow.data.questions import QuestionSet
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
    return (own, "questions") if _reads_both(config) else (own,)


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
    if _reads_both(config):
        return _build_with_questions(
            config, texts["corpus"], texts["questions"], tokenizer, block_size
        )
    member = TASKS[config.kind]
    task: Task = member(texts[member.source], tokenizer, config, block_size)
    return task


def _reads_both(config: TaskConfig) -> TypeGuard[SpanCorruptionConfig]:
    return isinstance(config, SpanCorruptionConfig) and (
        config.questions_per_document > 0
        or (config.salient_spans > 0 and config.salient_words == "answers")
    )


def _build_with_questions(
    config: SpanCorruptionConfig,
    corpus: Corpus,
    questions: QuestionSet,
    tokenizer: Tokenizer,
    block_size: int,
) -> Task:
    answers = {question.answer for question in questions.items if question.answer}
    wanted = answers if config.salient_words == "answers" else set()
    documents = SpanCorruption(corpus, tokenizer, config, block_size, wanted)
    if not config.questions_per_document:
        return documents
    asked = QuestionAnswering(questions, tokenizer, QuestionAnsweringConfig(), block_size)
    return WithQuestions(documents, asked, config.questions_per_document)
