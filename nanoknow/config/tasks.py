"""The tasks as data: how a text becomes examples."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from nanoknow.config.values import Count, CountOrZero, Frozen, PerDocument, Portion, Share, Switch


class SpanCorruptionConfig(Frozen):
    """Pretraining: hide a span of a document, to be written after the rest.

    Attributes:
        has_marks: whether its vocabulary has a mask and a pad beside the text's characters.
    """

    has_marks: ClassVar[bool] = True
    kind: Literal["span_corruption"] = "span_corruption"
    min_truncation: Count = 4
    """Shortest truncation length, in characters."""
    max_truncation: Share = 0.875
    """Longest truncation, as a share of the block."""
    keep_empty_documents: Switch = False
    """Count empty lines, and the empty text after the last line end, as examples."""
    salient_spans: Portion = 0.0
    """Share of examples that hide salient words: those worth asking for."""
    salient_words: Literal["all", "answers", "ranked"] = "all"
    """all: names and years; answers: of these, in documents that have any, only those that answer
    some training question; ranked: the spans that are most probably answers, by a ranker that
    learns from the training questions."""
    context_dropout: Portion = 0.0
    """Share of these examples that keep, of the rest, only the subject's name and a few characters
    around the hidden word: short contexts."""
    context_width: CountOrZero = 24
    """Most characters that a short context keeps on either side. The width is proportional to the
    cube of a uniform draw: a third of the time a side keeps none, with a step more often."""
    context_step: Count = 1
    """Widths are multiples of this. If a latent spans two characters, 2 aligns a name with the
    latents as in a question, where the ten characters of 'Where was ' precede it."""
    name_in_place: Portion = 0.0
    """Share of short contexts that put the name where the hidden word was, and the word after a
    single mask, as an answer follows a question."""
    questions_per_document: PerDocument = 0.0
    """Training questions, with answers, that a batch has beside each of its documents."""
    cloze_loss: Literal["all", "hidden"] = "all"
    """hidden: in short contexts, only the hidden word carries loss."""

    @property
    def sources(self) -> tuple[str, ...]:
        """The roles of the texts that it trains on."""
        hides_answers = self.salient_spans > 0 and self.salient_words != "all"
        reads_questions = self.questions_per_document > 0 or hides_answers
        return ("corpus", "questions") if reads_questions else ("corpus",)


class QuestionAnsweringConfig(Frozen):
    """Finetuning: answer a question with nothing to read the answer from."""

    has_marks: ClassVar[bool] = True
    sources: ClassVar[tuple[str, ...]] = ("questions",)
    kind: Literal["question_answering"] = "question_answering"
    max_answer_length: Count | None = None
    """Most characters to decode; null: a quarter more than the longest training answer."""


class LanguageModelingConfig(Frozen):
    """Predict the next character of a running text, in windows of one block."""

    has_marks: ClassVar[bool] = False
    sources: ClassVar[tuple[str, ...]] = ("corpus",)
    kind: Literal["language_modeling"] = "language_modeling"
    stride: Count = 1
    """Characters from one window's start to the next."""


class DocumentModelingConfig(Frozen):
    """Predict every next character of a document; each document is an example."""

    has_marks: ClassVar[bool] = True
    kind: Literal["document_modeling"] = "document_modeling"
    questions_per_document: PerDocument = 0.0
    """Training questions, with answers, that a batch has beside each of its documents."""

    @property
    def sources(self) -> tuple[str, ...]:
        """The roles of the texts that it trains on."""
        return ("corpus", "questions") if self.questions_per_document else ("corpus",)


PretrainTaskConfig = Annotated[
    SpanCorruptionConfig | LanguageModelingConfig | DocumentModelingConfig,
    Field(discriminator="kind"),
]
TaskConfig = Annotated[
    SpanCorruptionConfig
    | QuestionAnsweringConfig
    | LanguageModelingConfig
    | DocumentModelingConfig,
    Field(discriminator="kind"),
]
