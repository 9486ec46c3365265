"""The experiment as data: frozen models, one owner for every value, no torch.

The defaults are the original experiment's sizes and rates; what fits its data alone (a schedule
that ends at a fixed count, an empty document) stands in ``configs/birthplaces.yaml``. A YAML file
changes what it names, flags and ``--set a.b=c`` change that on top (see ``config_file``).
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, Self, get_args

from pydantic import BaseModel, ConfigDict, Field, Strict, model_validator

Count = Annotated[int, Strict(), Field(ge=1, lt=2**63)]
CountOrZero = Annotated[int, Strict(), Field(ge=0, lt=2**63)]
Fraction = Annotated[float, Strict(), Field(ge=0.0, lt=1.0)]
Portion = Annotated[float, Strict(), Field(ge=0.0, le=1.0)]
Share = Annotated[float, Strict(), Field(gt=0.0, le=1.0)]
Positive = Annotated[float, Strict(), Field(gt=0.0)]
NonNegative = Annotated[float, Strict(), Field(ge=0.0)]
Switch = Annotated[bool, Strict()]
PastBlock = Literal["recompute", "hop"]

MIN_PEOPLE = 10
"""Of a built-in world, so that dev and test have two each."""


class Frozen(BaseModel):
    """Base of every config: immutable, no unknown keys, no NaN or infinity."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", allow_inf_nan=False, validate_default=True
    )


class WorldConfig(Frozen):
    """The built-in synthetic world (``nanoknow data make`` writes it to files)."""

    people: Annotated[int, Strict(), Field(ge=MIN_PEOPLE, lt=2**63)] = 1000
    paraphrases: Count = 3
    seed: CountOrZero = 0

    def __str__(self) -> str:
        return (
            f"built-in world (people {self.people}, paraphrases {self.paraphrases}, "
            f"seed {self.seed})"
        )


class DataConfig(Frozen):
    """Which texts to use. A role without a file is filled by the world, where there is one."""

    corpus: Path | None = Field(None, description="pretraining text, a document a line")
    questions: Path | None = Field(None, description="question<TAB>answer pairs to finetune on")
    eval: Path | None = Field(None, description="questions to evaluate on")
    world: WorldConfig | None = None


class TransformerConfig(Frozen):
    """What every model variant shares."""

    n_layers: Count = 4
    n_heads: Count = 8
    d_model: Count = 256
    block_size: Annotated[int, Strict(), Field(ge=8, lt=2**63)] = 128
    dropout: Fraction = 0.1
    positions: Literal["learned", "rotary"] = "learned"
    qk_norm: bool = Field(
        default=False,
        description="divide each head's queries and keys by their root mean square",
    )

    @model_validator(mode="after")
    def _heads_divide_width(self) -> Self:
        if self.d_model % self.n_heads:
            raise ValueError(
                f"n_heads {self.n_heads} must divide d_model {self.d_model} without remainder"
            )
        if self.positions == "rotary" and self.d_model // self.n_heads % 2:
            raise ValueError(
                f"rotary positions turn pairs: d_model {self.d_model} over n_heads {self.n_heads} "
                f"must be even"
            )
        return self


class VanillaConfig(TransformerConfig):
    """The ordinary causal transformer."""

    variant: Literal["vanilla"] = "vanilla"


class PerceiverConfig(TransformerConfig):
    """The transformer whose trunk works on ``bottleneck_dim`` latents."""

    variant: Literal["perceiver"] = "perceiver"
    bottleneck_dim: Count = 64
    latents: Literal["first", "spread"] = Field(
        "first",
        description="first: latent j reads j + 1 characters, so that the trunk sees the first "
        "bottleneck_dim of a text, as the original has it; spread: what they read grows evenly "
        "to the whole block, and a character reads those that are complete and what came since",
    )

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.n_layers < 2:
            raise ValueError("a perceiver needs n_layers of 2 or more: one projects down, one up")
        if self.bottleneck_dim > self.block_size:
            raise ValueError(
                f"bottleneck_dim {self.bottleneck_dim} must not exceed block_size {self.block_size}"
            )
        return self

    @property
    def latent_span(self) -> int:
        """Characters that the last latent reads; the others' shares of them grow evenly."""
        return self.bottleneck_dim if self.latents == "first" else self.block_size

    def latent_end(self, j: int) -> int:
        """Return how many characters latent j reads, the first of a text: ⌈(j + 1)·span/m⌉."""
        return -(-(j + 1) * self.latent_span // self.bottleneck_dim)

    def n_latents(self, length: int) -> int:
        """Return how many latents are complete after ``length`` characters."""
        span = self.latent_span
        return min(length, span) * self.bottleneck_dim // span


ModelConfig = Annotated[VanillaConfig | PerceiverConfig, Field(discriminator="variant")]


class SpanCorruptionConfig(Frozen):
    """Pretraining: hide a stretch of a document and write it after the rest."""

    kind: Literal["span_corruption"] = "span_corruption"
    min_truncation: Count = Field(4, description="shortest truncation length, in characters")
    max_truncation: Share = Field(0.875, description="longest truncation, as a share of the block")
    keep_empty_documents: Switch = Field(
        False, description="count empty lines, and the nothing after the last line end, as examples"
    )
    shuffle_clauses: Portion = Field(
        0.0,
        description="share of examples that read what follows a document's name in another order, "
        "cut after any of , ; . ! ?",
    )
    salient_spans: Portion = Field(
        0.0, description="share of examples that hide a name, a place or a year"
    )
    salient_words: Literal["all", "answers"] = Field(
        "all",
        description="answers: of a document's names, places and years those that are the answer "
        "of some training question, where it has such",
    )
    context_dropout: Portion = Field(
        0.0,
        description="share of those that keep of the rest only the subject's name and a little of "
        "what stands around the hidden word",
    )
    context_width: CountOrZero = Field(
        24,
        description="characters kept at most on either side of it then, mostly fewer: the width is "
        "drawn as a cube, so that a third of the time a side keeps none (or, in steps, more often)",
    )
    context_step: Count = Field(
        1,
        description="the widths come in multiples of it; where latents span two characters, 2 "
        "keeps a name in step with them as after ten characters of a question: 'Where was '",
    )
    name_in_place: Portion = Field(
        0.0,
        description="share of these that put the name where the hidden word stood, and the word "
        "after a single mask, which is how a question holds a name and an answer",
    )
    questions_per_document: NonNegative = Field(
        0.0, description="training questions beside each document of a batch, with their answers"
    )
    scraps_loss: Literal["all", "hidden"] = Field(
        "all", description="hidden: of these, only the hidden word is to be predicted"
    )


class QuestionAnsweringConfig(Frozen):
    """Finetuning: answer a question with nothing to read the answer from."""

    kind: Literal["question_answering"] = "question_answering"
    max_answer_length: Count = Field(32, description="characters to decode at most")


class LanguageModelingConfig(Frozen):
    """Predict the next character of a running text, in windows of a block."""

    kind: Literal["language_modeling"] = "language_modeling"
    stride: Count = Field(1, description="characters from one window's start to the next")


PretrainTaskConfig = Annotated[
    SpanCorruptionConfig | LanguageModelingConfig, Field(discriminator="kind")
]
TaskConfig = Annotated[
    SpanCorruptionConfig | QuestionAnsweringConfig | LanguageModelingConfig,
    Field(discriminator="kind"),
]


class OptimizerConfig(Frozen):
    """AdamW (Loshchilov & Hutter, 2019), or Muon (Jordan et al., 2024) for the blocks' matrices."""

    learning_rate: Positive = Field(6e-4, description="the peak rate")
    betas: tuple[Fraction, Fraction] = (0.9, 0.95)
    weight_decay: NonNegative = 0.1
    decay: Literal["all_but_biases", "linear_weights"] = "all_but_biases"
    matrices: Literal["adamw", "muon"] = Field(
        "adamw", description="muon: for the linear layers of the blocks; one rate serves both"
    )
    grad_clip: Positive = 1.0
    average: Fraction = Field(
        0.0,
        description="share that an average of the weights keeps at each step; it is what is saved, "
        "evaluated and finetuned, in place of the last weights; 0: no average",
    )


class ScheduleConfig(Frozen):
    """Linear warm-up, then a cosine. Counted in positions seen, padding included."""

    warmup_positions: CountOrZero = 512 * 20
    decay_positions: Count | None = Field(
        None, description="where the cosine ends; null: at the end of the planned epochs"
    )
    final_share: Fraction = Field(0.1, description="the lowest rate, as a share of the peak")

    @model_validator(mode="after")
    def _decay_follows_warmup(self) -> Self:
        if self.decay_positions is not None and self.decay_positions <= self.warmup_positions:
            raise ValueError(
                f"decay_positions {self.decay_positions} must be more than warmup_positions "
                f"{self.warmup_positions}"
            )
        return self


class StageConfig(Frozen):
    """One stretch of training."""

    epochs: Count
    batch_size: Count
    optimizer: OptimizerConfig = OptimizerConfig()
    schedule: ScheduleConfig = ScheduleConfig()
    checkpoint_minutes: Positive = Field(5.0, description="minutes between checkpoints")
    log_every: Count = Field(10, description="steps between two lines of metrics.jsonl")


class PretrainConfig(StageConfig):
    """Pretraining; also language modelling."""

    task: PretrainTaskConfig = SpanCorruptionConfig()
    epochs: Count = 650
    batch_size: Count = 128
    optimizer: OptimizerConfig = OptimizerConfig(learning_rate=6e-3)


class FinetuneConfig(StageConfig):
    """Finetuning on questions, starting from a pretrained run."""

    task: QuestionAnsweringConfig = QuestionAnsweringConfig()
    epochs: Count = 10
    batch_size: Count = 256
    evaluate_every: Count | None = Field(
        1, description="epochs between accuracies on the eval questions; null: never"
    )


class ScratchConfig(FinetuneConfig):
    """The same on fresh weights: ``finetune --from scratch``."""

    epochs: Count = 75
    evaluate_every: Count | None = 5


class AugmentConfig(Frozen):
    """The reader that writes questions and answers from open documents (``data augment``)."""

    before: Count = Field(48, description="characters it sees in front of a candidate")
    after: CountOrZero = Field(24, description="characters it sees behind it")
    reader: VanillaConfig = VanillaConfig(n_layers=2, n_heads=4, d_model=128, positions="rotary")
    training: FinetuneConfig = FinetuneConfig(
        epochs=8,
        batch_size=64,
        optimizer=OptimizerConfig(learning_rate=2e-3, matrices="muon"),
        schedule=ScheduleConfig(warmup_positions=200_000),
        evaluate_every=None,
    )

    @property
    def longest(self) -> int:
        """Characters that a candidate may have; with the answer there are five more."""
        return self.reader.block_size - self.before - self.after - 5

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.longest < 1:
            raise ValueError(
                f"the reader's block_size {self.reader.block_size} leaves no room for a word "
                f"between before {self.before} and after {self.after}"
            )
        return self


class SampleConfig(Frozen):
    """How text is sampled."""

    context: Annotated[str, Strict(), Field(min_length=1)] = "O God, O God!"
    length: Count = 2000
    temperature: Positive = 1.0
    top_k: Count | None = 10
    past_block: PastBlock = Field(
        "recompute",
        description="recompute: read the last block anew for each character, as the original "
        "did; hop: keep half a block and go on by the cache, many times faster",
    )
    weights: Literal["full", "int8"] = Field(
        "full",
        description="int8: round those of the blocks to eight bits and multiply in bfloat16, on a "
        "CPU; with hop, which waits for the weights to come from memory, half as fast again",
    )


class ExperimentConfig(Frozen):
    """Everything that decides what a command computes."""

    seed: CountOrZero = 0
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    data: DataConfig = DataConfig()
    model: ModelConfig = VanillaConfig()
    pretrain: PretrainConfig = PretrainConfig()
    finetune: FinetuneConfig = FinetuneConfig()
    scratch: ScratchConfig = ScratchConfig()
    augment: AugmentConfig = AugmentConfig()
    sample: SampleConfig = SampleConfig()


def union_members() -> dict[str, type[BaseModel]]:
    """Return the members of the discriminated unions by their tag."""
    unions = [get_args(annotated)[0] for annotated in (ModelConfig, TaskConfig)]
    classes = [cls for union in unions for cls in get_args(union)]
    tags = ((cls, cls.model_fields.get("variant") or cls.model_fields["kind"]) for cls in classes)
    return {get_args(field.annotation)[0]: cls for cls, field in tags}
