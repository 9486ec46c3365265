"""What ships is what it says, and every config is frozen and reads back the same."""

from pathlib import Path

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from nanoknow.config.experiment import (
    DataConfig,
    ExperimentConfig,
    FinetuneConfig,
    OptimizerConfig,
    PretrainConfig,
    SampleConfig,
    ScheduleConfig,
)
from nanoknow.config.loading import dump_config, load_config, shipped
from nanoknow.config.models import PerceiverConfig, VanillaConfig
from nanoknow.config.tasks import (
    LanguageModelingConfig,
    QuestionAnsweringConfig,
    SpanCorruptionConfig,
)
from nanoknow.config.world import WorldConfig
from tests.helpers.config_texts import DEFAULTS, load
from tests.helpers.examples import examples

SHIPPED = sorted((Path(__file__).parents[2] / "configs").glob("*.yaml"))

every_shipped = pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)

# --- what ships


def test_the_shipped_configs_are_the_files_in_the_configs_folder() -> None:
    assert shipped() == {path.stem: path for path in SHIPPED}
    assert {"birthplaces", "demo", "shakespeare"} <= set(shipped())


@every_shipped
def test_a_shipped_config_loads_by_name_and_by_path_and_changes_something(path: Path) -> None:
    assert load_config(path.stem) == load_config(str(path)) != DEFAULTS


ORIGINAL = """
seed: 0
precision: auto
data:
  {corpus: null, documents: lines, questions: null, eval: null, world: null, skip_long: false}
model:
  {variant: vanilla, n_layers: 4, n_heads: 8, d_model: 256, block_size: 128, dropout: 0.1,
   positions: learned}
pretrain:
  task:
    {kind: span_corruption, min_truncation: 4, max_truncation: 0.875, keep_empty_documents: false,
     salient_spans: 0.0, salient_words: all, context_dropout: 0.0, context_width: 24,
     context_step: 1, name_in_place: 0.0, questions_per_document: 0.0, cloze_loss: all}
  epochs: 650
  batch_size: 128
  held_out: 0.0
finetune: {epochs: 10, evaluate_every: 1}
scratch: {epochs: 75, evaluate_every: 5}
sample:
  {context: "O God, O God!", length: 2000, temperature: 1.0, top_k: 10, past_block: recompute,
   weights: full}
"""
OPTIMIZER = """
{learning_rate: 0.0006, betas: [0.9, 0.95], weight_decay: 0.1, decay: all_but_biases,
 matrix_optimizer: adamw, grad_clip: 1.0}
"""
SCHEDULE = {"warmup_tokens": 10240, "decay_tokens": None, "final_share": 0.1}
ANSWERING = {"kind": "question_answering", "max_answer_length": None}


def test_the_defaults_are_the_original_experiment() -> None:
    expected, optimizer = yaml.safe_load(ORIGINAL), yaml.safe_load(OPTIMIZER)
    stage = {"optimizer": optimizer, "schedule": SCHEDULE, "checkpoint_minutes": 5, "log_every": 10}
    for name in ("finetune", "scratch"):
        expected[name] |= {**stage, "task": ANSWERING, "batch_size": 256}
    expected["pretrain"] |= {**stage, "optimizer": {**optimizer, "learning_rate": 0.006}}
    assert DEFAULTS.model_dump(mode="json") == expected
    assert (PerceiverConfig().bottleneck_dim, PerceiverConfig().latents) == (64, "first")


def test_birthplaces_adds_only_files_empty_document_decay_and_answers_length() -> None:
    files = ("wiki.txt", "birth_places_train.tsv", "birth_dev.tsv")
    corpus, questions, dev = (Path("birthplaces", name) for name in files)
    decay = ScheduleConfig(decay_tokens=200 * 2938 * 128)
    pretrain = PretrainConfig(task=SpanCorruptionConfig(keep_empty_documents=True), schedule=decay)
    answering = QuestionAnsweringConfig(max_answer_length=32)
    assert load_config("birthplaces") == ExperimentConfig(
        data=DataConfig(corpus=corpus, questions=questions, eval=dev),
        pretrain=pretrain,
        finetune=FinetuneConfig(task=answering, schedule=decay),
        scratch=DEFAULTS.scratch.model_copy(update={"task": answering, "schedule": decay}),
    )


def test_shakespeare_is_the_original_character_model() -> None:
    config = load_config("shakespeare")
    assert config.model == VanillaConfig(n_layers=8, d_model=512)
    assert config.pretrain == PretrainConfig(
        task=LanguageModelingConfig(stride=1),
        epochs=2,
        batch_size=512,
        optimizer=OptimizerConfig(learning_rate=6e-4, decay="linear_weights"),
        schedule=ScheduleConfig(decay_tokens=2 * 1_115_266 * 128),
    )


def test_no_file_means_the_defaults_and_so_does_an_empty_one(folder: Path) -> None:
    assert load_config(None) == load(folder, "") == load(folder, "# nothing\n") == DEFAULTS


# --- frozen, and back to the same


def sections(config: BaseModel) -> list[BaseModel]:
    parts = [getattr(config, name) for name in type(config).model_fields]
    inner = [s for part in parts if isinstance(part, BaseModel) for s in sections(part)]
    return [config, *inner]


@pytest.mark.parametrize(
    "section",
    sections(ExperimentConfig(data=DataConfig(world=WorldConfig()), model=PerceiverConfig())),
    ids=lambda section: type(section).__name__,
)
def test_no_value_of_a_config_can_be_changed(section: BaseModel) -> None:
    for name in type(section).model_fields:
        with pytest.raises(ValidationError, match="frozen"):
            setattr(section, name, getattr(section, name))


ANY_TEXT = st.text(st.characters(codec="utf-8"), min_size=1, max_size=12)
LOOKS_LIKE_SOMETHING_ELSE = (
    "1e-3|1e5|-2.e+7|null|~|yes|=|<<|012|1:30|2001-02-03|.nan|- a|a: b|*a|&a|!a|#|'|\"| |\r\n|"
    "\x85|\ufeff|{|0x1f|12345678901234567890"
)
TEXTS = ANY_TEXT | st.sampled_from(LOOKS_LIKE_SOMETHING_ELSE.split("|"))


OPTIMIZERS = st.builds(
    OptimizerConfig,
    learning_rate=st.floats(0.0, 1e38, exclude_min=True),
    betas=st.tuples(*[st.floats(0.0, 1.0, exclude_max=True)] * 2),
)
WORLDS = st.builds(WorldConfig, people=st.integers(10, 2**63 - 1))
MODELS = [VanillaConfig(n_heads=1), PerceiverConfig(bottleneck_dim=7, latents="spread")]
CONFIGS = st.builds(
    ExperimentConfig,
    seed=st.integers(0, 2**63 - 1),
    data=st.builds(DataConfig, corpus=st.none() | TEXTS.map(Path), world=st.none() | WORLDS),
    model=st.sampled_from(MODELS),
    pretrain=st.builds(PretrainConfig, optimizer=OPTIMIZERS),
    finetune=st.builds(FinetuneConfig, evaluate_every=st.none() | st.integers(1, 10)),
    sample=st.builds(SampleConfig, context=TEXTS),
)


def edge(context: str, corpus: str, beta: float) -> ExperimentConfig:
    return ExperimentConfig(
        data=DataConfig(corpus=Path(corpus)),
        pretrain=PretrainConfig(optimizer=OptimizerConfig(learning_rate=1e-3, betas=(0.0, beta))),
        finetune=FinetuneConfig(evaluate_every=None),
        sample=SampleConfig(context=context),
    )


@given(CONFIGS)
@example(edge("1e-3", "1e5", 1e-9))
@example(edge("\x85", "\x85", 0.0))
@examples(0.5)
def test_a_config_that_was_written_reads_back_the_same(
    folder: Path, config: ExperimentConfig
) -> None:
    assert load(folder, dump_config(config)) == config


@every_shipped
def test_a_shipped_config_reads_back_the_same(folder: Path, path: Path) -> None:
    config = load_config(path.stem)
    assert load(folder, dump_config(config)) == config
