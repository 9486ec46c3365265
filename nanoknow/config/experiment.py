"""The experiment as data: frozen models, one owner for every value, no torch.

The defaults are the original experiment's sizes and rates; what fits its data alone (a schedule
that ends at a fixed count, an empty document) is in ``configs/birthplaces.yaml``. A YAML file
changes what it names, flags and ``--set a.b=c`` change that on top (see ``config.loading``).
"""

from pathlib import Path
from typing import Annotated, Literal, Self, get_args

from pydantic import BaseModel, BeforeValidator, Field, Strict, model_validator

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
    Fraction,
    Frozen,
    NonNegative,
    Positive,
    Switch,
    Tokens,
)

DocumentForm = Literal["lines", "paragraphs"]
PastBlock = Literal["recompute", "hop"]

StageName = Literal["pretrain", "finetune", "scratch"]

MIN_PEOPLE = 10
"""Of a built-in world, so that dev and test have two each."""


Relation = Literal["birthplace", "birth date", "university", "employer", "profession", "code"]
RELATIONS: tuple[Relation, ...] = get_args(Relation)
"""Kinds of facts about the people of a world that has several."""
Skewed = Literal["birthplace", "university", "employer", "profession"]


def _first_relations(value: object) -> object:
    """Return so many relations, where a number of them is given."""
    if type(value) is not int:
        return value
    if not 1 <= value <= len(RELATIONS):
        raise ValueError(f"must be 1 to {len(RELATIONS)} relations, or their names (got {value})")
    return RELATIONS[:value]


class DrawnConfig(Frozen):
    """A corpus of statements drawn with repetition: some facts come often, many once or never."""

    statements: Count = Field(2000, description="how many are drawn")
    exponent: NonNegative = Field(1.0, description="the person of rank r is drawn as r to minus it")
    repeats: Count = Field(1, description="how often the first twentieth of them come")


class WorldConfig(Frozen):
    """The built-in synthetic world (``nanoknow data make`` writes it to files)."""

    people: Annotated[int, Strict(), Field(ge=MIN_PEOPLE, lt=2**63)] = 1000
    paraphrases: Count = Field(3, description="biographies a person, in different words")
    seed: CountOrZero = 0
    relations: Annotated[tuple[Relation, ...], BeforeValidator(_first_relations)] = Field(
        (), description="independent facts a person, by name or number; none: birthplaces alone"
    )
    permute: Switch = Field(False, description="relations in another order in each biography")
    full_name: Switch = Field(False, description="the name in every sentence, not a pronoun")
    skewed: tuple[Skewed, ...] = Field((), description="relations by Zipf's law, not uniform")
    backward: Switch = Field(
        False, description="questions that name the code and ask for whom, too"
    )
    drawn: DrawnConfig | None = Field(None, description="statements drawn from all of these")

    @model_validator(mode="after")
    def _forms_need_relations(self) -> Self:
        forms = ("permute", "full_name", "skewed", "backward", "drawn")
        if not self.relations and any(getattr(self, form) for form in forms):
            raise ValueError("permute, full_name, skewed, backward and drawn need relations")
        if self.drawn and (self.permute or self.paraphrases > 1):
            raise ValueError("drawn statements have one form each: paraphrases 1, not permuted")
        if len(set(self.relations)) < len(self.relations):
            raise ValueError("a relation comes twice")
        needed = {*self.skewed, *(["code"] if self.backward else [])} - {*self.relations}
        if needed:
            raise ValueError(f"skewed or backward need {', '.join(sorted(needed))} as a relation")
        return self

    def __str__(self) -> str:
        sizes = [f"people {self.people}", f"paraphrases {self.paraphrases}"]
        if self.relations:
            forms = {
                "permuted": self.permute,
                "full names": self.full_name,
                "asked backward too": self.backward,
            }
            sizes += [*self.relations, *(name for name in forms if forms[name])]
            sizes += [f"skewed {name}" for name in self.skewed]
            sizes += [f"{key} {value:g}" for key, value in self.drawn or ()]
        return f"built-in world ({', '.join(sizes)}, seed {self.seed})"


class DataConfig(Frozen):
    """Which texts to use. A role without a file is filled by the world, where there is one."""

    corpus: Path | None = Field(None, description="pretraining text; rows: a column text")
    documents: DocumentForm = Field("lines", description="what a document of a text is")
    questions: Path | None = Field(None, description="questions and answers to finetune on")
    eval: Path | None = Field(None, description="questions to evaluate on")
    world: WorldConfig | None = None
    skip_long: Annotated[bool, Strict()] = Field(False, description="leave out too long questions")

    def over(self, base: "DataConfig") -> "DataConfig":
        """Return other data, with what was given here in its place."""
        given = {key: value for key, value in self if key in self.model_fields_set and value}
        return base.model_copy(update=given)


class OptimizerConfig(Frozen):
    """AdamW (Loshchilov & Hutter, 2019), or Muon (Jordan et al., 2024) for the blocks' matrices."""

    learning_rate: Positive = Field(6e-4, description="the peak rate")
    betas: tuple[Fraction, Fraction] = (0.9, 0.95)
    weight_decay: NonNegative = 0.1
    decay: Literal["all_but_biases", "linear_weights"] = "all_but_biases"
    matrix_optimizer: Literal["adamw", "muon"] = Field(
        "adamw", description="muon: for the linear layers of the blocks; one rate serves both"
    )
    grad_clip: Positive = 1.0


class ScheduleConfig(Frozen):
    """Linear warm-up, then a cosine. Counted in tokens seen, padding included."""

    warmup_tokens: CountOrZero = 512 * 20
    decay_tokens: Tokens | None = Field(
        None, description="where the cosine ends; null: at the end of the planned epochs"
    )
    final_share: Fraction = Field(0.1, description="the lowest rate, as a share of the peak")

    @model_validator(mode="after")
    def _decay_follows_warmup(self) -> Self:
        decay, warmup = self.decay_tokens, self.warmup_tokens
        if decay is not None and decay <= warmup:
            raise ValueError(f"decay_tokens {decay} must be more than warmup_tokens {warmup}")
        return self


class StageConfig(Frozen):
    """One run's training: its task, how long, and by which optimizer."""

    task: TaskConfig
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
    held_out: Fraction = Field(0.0, description="share of a running text to log the loss on")

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
    evaluate_every: Count | None = Field(
        1, description="epochs between accuracies on the eval questions; null: never"
    )


class ScratchConfig(FinetuneConfig):
    """The same on fresh weights: ``finetune --from scratch``."""

    epochs: Count = 75
    evaluate_every: Count | None = 5


class SampleConfig(Frozen):
    """How text is sampled."""

    context: Annotated[str, Strict(), Field(min_length=1)] = "O God, O God!"
    length: Count = 2000
    temperature: Positive = 1.0
    top_k: Count | None = 10
    past_block: PastBlock = Field(
        "recompute",
        description="recompute: read the last block again for each character, as the original "
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
    sample: SampleConfig = SampleConfig()

    def stage(self, name: StageName) -> StageConfig:
        """Return what a run of a stage trains by."""
        return {"pretrain": self.pretrain, "finetune": self.finetune, "scratch": self.scratch}[name]

    def with_answer_length(self, length: int | None) -> Self:
        """Return the config with the answers' length where it is left to the training answers."""
        stages: dict[str, FinetuneConfig] = {"finetune": self.finetune, "scratch": self.scratch}
        for name, stage in stages.items():
            if stage.task.max_answer_length is None:
                task = stage.task.model_copy(update={"max_answer_length": length})
                stages[name] = stage.model_copy(update={"task": task})
        return self.model_copy(update=stages)


def union_members() -> dict[str, type[BaseModel]]:
    """Return the members of the discriminated unions by their tag."""
    unions = [get_args(annotated)[0] for annotated in (ModelConfig, TaskConfig)]
    classes = [cls for union in unions for cls in get_args(union)]
    tags = ((cls, cls.model_fields.get("variant") or cls.model_fields["kind"]) for cls in classes)
    return {get_args(field.annotation)[0]: cls for cls, field in tags}
