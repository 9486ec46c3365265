"""The experiment as data: frozen models, one owner for every value, no torch.

The defaults are the original experiment's sizes and rates; settings that fit only its data (a
schedule that ends at a fixed count, an empty document) are in ``configs/birthplaces.yaml``. A YAML
file overrides the defaults, flags and ``--set a.b=c`` override the file (see ``config.loading``).
"""

from typing import Annotated, Literal, Self, get_args

from pydantic import BaseModel, Field, Strict, model_validator

from nanoknow.config.models import ModelConfig, VanillaConfig
from nanoknow.config.tasks import (
    PretrainTaskConfig,
    QuestionAnsweringConfig,
    SpanCorruptionConfig,
    TaskConfig,
)
from nanoknow.config.values import (
    Count,
    CountOrZero,
    FileName,
    Fraction,
    Frozen,
    NonNegative,
    Positive,
    Rate,
    Switch,
    Tokens,
)
from nanoknow.config.world import WorldConfig

DocumentForm = Literal["lines", "paragraphs"]
PastBlock = Literal["recompute", "hop"]

StageName = Literal["pretrain", "finetune", "scratch"]


class DataConfig(Frozen):
    """Which texts to use. A role without a file is filled by the world, if one is configured."""

    corpus: FileName | None = None
    """Pretraining text, or rows (CSV, TSV, JSON) with a column ``text``."""
    documents: DocumentForm = "lines"
    """What counts as a document in plain text: each line, or each paragraph."""
    questions: FileName | None = None
    """Questions and answers to finetune on."""
    eval: FileName | None = None
    """Questions to evaluate on."""
    world: WorldConfig | None = None
    skip_long: Switch = False
    """Leave out questions longer than a block instead of refusing them."""

    def over(self, base: "DataConfig") -> "DataConfig":
        """Return ``base`` with the values that were set here in place of its own."""
        given = {key: value for key, value in self if key in self.model_fields_set and value}
        return base.model_copy(update=given)


class OptimizerConfig(Frozen):
    """AdamW (Loshchilov & Hutter, 2019), or Muon (Jordan et al., 2024) for the blocks' matrices."""

    learning_rate: Rate = 6e-4
    """The peak rate."""
    betas: tuple[Fraction, Fraction] = (0.9, 0.95)
    weight_decay: NonNegative = 0.1
    decay: Literal["all_but_biases", "linear_weights"] = "all_but_biases"
    matrix_optimizer: Literal["adamw", "muon"] = "adamw"
    """muon: for the blocks' linear weights, AdamW for the rest, both at ``learning_rate``."""
    grad_clip: Positive = 1.0


class ScheduleConfig(Frozen):
    """Linear warm-up, then a cosine, over the tokens seen; padding up to the block counts."""

    warmup_tokens: CountOrZero = 512 * 20
    decay_tokens: Tokens | None = None
    """Where the cosine reaches its end, past which it rises again; null: after the last epoch."""
    final_share: Fraction = 0.1
    """The lowest rate, as a share of the peak."""

    @model_validator(mode="after")
    def _decay_follows_warmup(self) -> Self:
        decay, warmup = self.decay_tokens, self.warmup_tokens
        if decay is not None and decay <= warmup:
            raise ValueError(f"decay_tokens {decay} must be more than warmup_tokens {warmup}")
        return self


class StageConfig(Frozen):
    """The training of one run: its task, length, optimizer and schedule."""

    task: TaskConfig
    epochs: Count
    batch_size: Count
    optimizer: OptimizerConfig = OptimizerConfig()
    schedule: ScheduleConfig = ScheduleConfig()
    checkpoint_minutes: Positive = 5.0
    """Minutes between checkpoints."""
    log_every: Count = 10
    """Steps between two lines of metrics.jsonl."""


class PretrainConfig(StageConfig):
    """Pretraining; also language modelling."""

    task: PretrainTaskConfig = SpanCorruptionConfig()
    epochs: Count = 650
    batch_size: Count = 128
    optimizer: OptimizerConfig = OptimizerConfig(learning_rate=6e-3)
    held_out: Fraction = 0.0
    """Share of a running text that is held out at its end, to log the loss on."""

    @model_validator(mode="after")
    def _holds_back_of_a_running_text(self) -> Self:
        if self.held_out and self.task.kind != "language_modeling":
            raise ValueError(f"held_out is for task.kind language_modeling, not {self.task.kind}")
        return self


class FinetuneConfig(StageConfig):
    """Finetuning on questions, starting from a pretrained run."""

    task: QuestionAnsweringConfig = QuestionAnsweringConfig()
    epochs: Count = 10
    batch_size: Count = 256
    evaluate_every: Count | None = 1
    """Epochs between evaluations on the eval questions; null: never."""


class ScratchConfig(FinetuneConfig):
    """Finetuning of fresh weights: ``finetune --from scratch``."""

    epochs: Count = 75
    evaluate_every: Count | None = 5


class SampleConfig(Frozen):
    """How text is sampled."""

    context: Annotated[str, Strict(), Field(min_length=1)] = "O God, O God!"
    length: Count = 2000
    temperature: Positive = 1.0
    top_k: Count | None = 10
    past_block: PastBlock = "recompute"
    """How to go on when the block is full. recompute: read the last block again for each character,
    as the original did; hop: read its last half again, then use the cache, many times faster."""
    weights: Literal["full", "int8"] = "full"
    """int8 (on a CPU): round the blocks' weights to eight bits and multiply in bfloat16; 1.5 times
    as fast with hop, whose speed is limited by reading weights from memory."""


class ExperimentConfig(Frozen):
    """Everything that decides what a command computes."""

    seed: CountOrZero = 0
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    data: DataConfig = DataConfig()
    model: ModelConfig = VanillaConfig()
    pretrain: PretrainConfig = PretrainConfig()
    finetune: FinetuneConfig = FinetuneConfig()
    scratch: ScratchConfig = ScratchConfig()
    sample: SampleConfig = SampleConfig()

    def stage(self, name: StageName) -> StageConfig:
        """Return the training settings of a stage."""
        return {"pretrain": self.pretrain, "finetune": self.finetune, "scratch": self.scratch}[name]

    def with_answer_length(self, length: int | None) -> Self:
        """Return the config with ``length`` in place of each ``max_answer_length`` of null."""
        stages: dict[str, FinetuneConfig] = {"finetune": self.finetune, "scratch": self.scratch}
        for name, stage in stages.items():
            if stage.task.max_answer_length is None:
                task = stage.task.model_copy(update={"max_answer_length": length})
                stages[name] = stage.model_copy(update={"task": task})
        return self.model_copy(update=stages)


def union_members() -> dict[str, type[BaseModel]]:
    """Return the members of the discriminated unions by their tag."""
    unions = [get_args(annotated)[0] for annotated in (ModelConfig, TaskConfig)]
    members = [cls() for union in unions for cls in get_args(union)]
    return {getattr(each, "variant", None) or each.kind: type(each) for each in members}
