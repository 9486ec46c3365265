"""From a task's config to the task; a new task is one case here."""

from typing import TypeVar

from nanoknow.config.tasks import (
    LanguageModelingConfig,
    QuestionAnsweringConfig,
    SpanCorruptionConfig,
    TaskConfig,
)
from nanoknow.data.corpus import Corpus
from nanoknow.data.questions import QuestionSet
from nanoknow.data.tokenizer import Tokenizer
from nanoknow.errors import ConfigError
from nanoknow.tasks.base import Task
from nanoknow.tasks.language_modeling import LanguageModeling
from nanoknow.tasks.mixed import WithQuestions
from nanoknow.tasks.question_answering import QuestionAnswering
from nanoknow.tasks.span_corruption import SpanCorruption

Text = TypeVar("Text", Corpus, QuestionSet)


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

    def require(text: Text | None, role: str) -> Text:
        if text is None:
            raise ConfigError(
                f"data.{role}: {config.kind} trains on it: name it with --{role} FILE"
            )
        return text

    match config:
        case LanguageModelingConfig():
            return LanguageModeling(require(corpus, "corpus"), tokenizer, config, block_size)
        case QuestionAnsweringConfig():
            asked = require(questions, "questions")
            return QuestionAnswering(asked, tokenizer, config, block_size)
        case SpanCorruptionConfig():
            text = require(corpus, "corpus")
            if "questions" not in config.sources:
                return SpanCorruption(text, tokenizer, config, block_size)
            asked = require(questions, "questions")
            answers = {question.answer for question in asked.items if question.answer}
            wanted = answers if config.salient_words == "answers" else set()
            documents = SpanCorruption(text, tokenizer, config, block_size, wanted)
            if not config.questions_per_document:
                return documents
            examples = QuestionAnswering(asked, tokenizer, QuestionAnsweringConfig(), block_size)
            return WithQuestions(documents, examples, config.questions_per_document)
