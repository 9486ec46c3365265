"""Build the task that a config describes; a new task is one case here."""

from nanoknow.config.tasks import (
    DocumentModelingConfig,
    LanguageModelingConfig,
    QuestionAnsweringConfig,
    SpanCorruptionConfig,
    TaskConfig,
)
from nanoknow.data.corpus import Corpus
from nanoknow.data.questions import QuestionSet
from nanoknow.data.sources import Text, required
from nanoknow.data.tokenizer import Tokenizer
from nanoknow.facts.index import FactIndex
from nanoknow.tasks.base import Task
from nanoknow.tasks.document_modeling import DocumentModeling
from nanoknow.tasks.hiding import find_hiding
from nanoknow.tasks.language_modeling import LanguageModeling
from nanoknow.tasks.mixed import WithQuestions
from nanoknow.tasks.question_answering import QuestionAnswering
from nanoknow.tasks.span_corruption import SpanCorruption


def build_task(
    config: TaskConfig,
    corpus: Corpus | None,
    questions: QuestionSet | None,
    tokenizer: Tokenizer,
    block_size: int,
    facts: FactIndex | None = None,
) -> Task:
    """Make a task from the texts it trains on.

    Args:
        config: the task's config.
        corpus: the corpus; needed if the task trains on one.
        questions: the training questions; likewise.
        tokenizer: encodes the characters of the texts.
        block_size: the model's block size.
        facts: the index of these texts, if the caller has one; it is costly to make twice.

    Raises:
        ConfigError: a text that the task trains on is not named.
        DataError: a text does not suit the task.
    """

    def require(text: Text | None, role: str) -> Text:
        what = f"data.{role}: {config.kind} trains on it"
        return required(text, f"{what}: name it with --{role} FILE")

    documents: Task
    match config:
        case LanguageModelingConfig():
            return LanguageModeling(require(corpus, "corpus"), tokenizer, config, block_size)
        case QuestionAnsweringConfig():
            asked = require(questions, "questions")
            return QuestionAnswering(asked, tokenizer, config, block_size)
        case DocumentModelingConfig():
            documents = DocumentModeling(require(corpus, "corpus"), tokenizer, block_size)
        case SpanCorruptionConfig():
            text = require(corpus, "corpus")
            taught = require(questions, "questions") if "questions" in config.sources else None
            hiding = None
            if config.salient_spans:
                hiding = find_hiding(facts or FactIndex(text, taught), config.salient_words)
            documents = SpanCorruption(text, tokenizer, config, block_size, hiding)
    if not config.questions_per_document:
        return documents
    mixed_in = require(questions, "questions")
    examples = QuestionAnswering(mixed_in, tokenizer, QuestionAnsweringConfig(), block_size)
    return WithQuestions(documents, examples, config.questions_per_document)
