"""The tasks as data: how an example is made of a text."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from nanoknow.config.values import Count, CountOrZero, Frozen, PerDocument, Portion, Share, Switch


class SpanCorruptionConfig(Frozen):
    """Pretraining: hide a stretch of a document and write it after the rest.

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
    """Count empty lines, and the nothing after the last line end, as examples."""
    salient_spans: Portion = 0.0
    """Share of examples that hide what is worth asking for: salient words."""
    salient_words: Literal["all", "answers", "ranked"] = "all"
    """all: names and years; answers: those of them that some training question has for an answer,
    where a document has such; ranked: the spans that are most probably answers, as the training
    questions teach a ranker."""
    context_dropout: Portion = 0.0
    """Share of these examples that keep of the rest only the subject's name and a little around the
    hidden word: short contexts."""
    context_width: CountOrZero = 24
    """Characters that a short context keeps at most on either side, mostly fewer: the width is
    drawn as a cube, so that a third of the time a side keeps none (more often with a step)."""
    context_step: Count = 1
    """Widths are multiples of it. Where latents span two characters, 2 puts a name on the same ones
    as a question does, where the ten characters of 'Where was ' come before it."""
    name_in_place: Portion = 0.0
    """Share of short contexts that have the name where the hidden word was, and the word after a
    single mask, as a question has a name and an answer."""
    questions_per_document: PerDocument = 0.0
    """Training questions beside each document of a batch, with their answers."""
    cloze_loss: Literal["all", "hidden"] = "all"
    """hidden: of short contexts only the hidden word is to be predicted."""

    @property
    def sources(self) -> tuple[str, ...]:
        """The texts that it trains on, by role."""
        hides_answers = self.salient_spans > 0 and self.salient_words != "all"
        reads_questions = self.questions_per_document > 0 or hides_answers
        return ("corpus", "questions") if reads_questions else ("corpus",)


class QuestionAnsweringConfig(Frozen):
    """Finetuning: answer a question with nothing to read the answer from."""

    has_marks: ClassVar[bool] = True
    sources: ClassVar[tuple[str, ...]] = ("questions",)
    kind: Literal["question_answering"] = "question_answering"
    max_answer_length: Count | None = None
    """Characters to decode at most; null: by the longest training answer."""


class LanguageModelingConfig(Frozen):
    """Predict the next character of a running text, in windows of a block."""

    has_marks: ClassVar[bool] = False
    sources: ClassVar[tuple[str, ...]] = ("corpus",)
    kind: Literal["language_modeling"] = "language_modeling"
    stride: Count = 1
    """Characters from one window's start to the next."""


class DocumentModelingConfig(Frozen):
    """Predict every next character of a document, a document an example."""

    has_marks: ClassVar[bool] = True
    kind: Literal["document_modeling"] = "document_modeling"
    questions_per_document: PerDocument = 0.0
    """Training questions beside each document of a batch, with their answers."""

    @property
    def sources(self) -> tuple[str, ...]:
        """The texts that it trains on, by role."""
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
