"""Every config loads to what it says or is refused in one line that says where and why."""

from __future__ import annotations

import math
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from nanoknow.config import (
    DataConfig,
    ExperimentConfig,
    FinetuneConfig,
    OptimizerConfig,
    PretrainConfig,
    SampleConfig,
    ScheduleConfig,
    WorldConfig,
)
from nanoknow.config_file import (
    Override,
    dump_config,
    load_config,
    parse_assignment,
    shipped_configs,
)
from nanoknow.config_models import PerceiverConfig, VanillaConfig
from nanoknow.config_tasks import LanguageModelingConfig, SpanCorruptionConfig
from nanoknow.errors import ConfigError

SHIPPED = sorted((Path(__file__).parents[1] / "configs").glob("*.yaml"))
DEFAULTS = ExperimentConfig()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("configs")


def write(folder: Path, text: str) -> str:
    path = folder / "config.yaml"
    path.write_text(text, encoding="utf-8", newline="")
    return str(path)


def load(
    folder: Path, text: str, *overrides: Override, base: ExperimentConfig | None = None
) -> ExperimentConfig:
    return load_config(write(folder, text), overrides, base)


def refusal(folder: Path, text: str, *overrides: Override) -> str:
    """Return the message that a config is refused with, its file's name shortened."""
    with pytest.raises(ConfigError) as caught:
        load(folder, text, *overrides)
    message = str(caught.value)
    assert len(message.splitlines()) == 1
    return message.replace(str(folder / "config.yaml"), "FILE")


# --- what ships


def test_the_shipped_configs_are_the_files_in_the_configs_folder() -> None:
    assert shipped_configs() == {path.stem: path for path in SHIPPED}
    assert {"birthplaces", "demo", "shakespeare"} <= set(shipped_configs())


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_a_shipped_config_loads_by_name_and_by_path_and_changes_something(path: Path) -> None:
    config = load_config(path.stem)
    assert config == load_config(str(path))
    assert config != DEFAULTS


def test_the_defaults_are_the_original_experiment() -> None:
    optimizer = {
        "learning_rate": 0.0006,
        "betas": (0.9, 0.95),
        "weight_decay": 0.1,
        "decay": "all_but_biases",
        "matrices": "adamw",
        "grad_clip": 1.0,
        "average": 0.0,
    }
    stage = {
        "optimizer": optimizer,
        "schedule": {"warmup_positions": 10240, "decay_positions": None, "final_share": 0.1},
        "checkpoint_minutes": 5.0,
        "log_every": 10,
    }
    answering = {"kind": "question_answering", "max_answer_length": 32}
    finetune = {**stage, "task": answering, "batch_size": 256}
    assert DEFAULTS.model_dump(exclude={"augment"}) == {
        "seed": 0,
        "precision": "auto",
        "data": {"corpus": None, "questions": None, "eval": None, "world": None},
        "model": {
            "variant": "vanilla",
            "n_layers": 4,
            "n_heads": 8,
            "d_model": 256,
            "block_size": 128,
            "dropout": 0.1,
            "positions": "learned",
            "qk_norm": False,
        },
        "pretrain": {
            **stage,
            "task": {
                "kind": "span_corruption",
                "min_truncation": 4,
                "max_truncation": 0.875,
                "keep_empty_documents": False,
                "shuffle_clauses": 0.0,
                "salient_spans": 0.0,
                "salient_words": "all",
                "context_dropout": 0.0,
                "context_width": 24,
                "context_step": 1,
                "name_in_place": 0.0,
                "questions_per_document": 0.0,
                "scraps_loss": "all",
            },
            "epochs": 650,
            "batch_size": 128,
            "optimizer": {**optimizer, "learning_rate": 0.006},
        },
        "finetune": {**finetune, "epochs": 10, "evaluate_every": 1},
        "scratch": {**finetune, "epochs": 75, "evaluate_every": 5},
        "sample": {
            "context": "O God, O God!",
            "length": 2000,
            "temperature": 1.0,
            "top_k": 10,
            "past_block": "recompute",
            "weights": "full",
        },
    }
    assert (PerceiverConfig().bottleneck_dim, PerceiverConfig().latents) == (64, "first")


def test_birthplaces_adds_only_the_files_the_empty_document_and_the_decay_to_the_defaults() -> None:
    config = load_config("birthplaces")
    decay = ScheduleConfig(decay_positions=200 * 2938 * 128)
    assert config == DEFAULTS.model_copy(
        update={
            "data": DataConfig(
                corpus=Path("birthplaces/wiki.txt"),
                questions=Path("birthplaces/birth_places_train.tsv"),
                eval=Path("birthplaces/birth_dev.tsv"),
            ),
            "pretrain": DEFAULTS.pretrain.model_copy(
                update={
                    "task": SpanCorruptionConfig(keep_empty_documents=True),
                    "schedule": decay,
                }
            ),
            "finetune": DEFAULTS.finetune.model_copy(update={"schedule": decay}),
            "scratch": DEFAULTS.scratch.model_copy(update={"schedule": decay}),
        }
    )


def test_shakespeare_is_the_original_character_model() -> None:
    config = load_config("shakespeare")
    assert config.model == VanillaConfig(n_layers=8, d_model=512)
    assert config.pretrain == PretrainConfig(
        task=LanguageModelingConfig(stride=1),
        epochs=2,
        batch_size=512,
        optimizer=OptimizerConfig(learning_rate=6e-4, decay="linear_weights"),
        schedule=ScheduleConfig(decay_positions=2 * 1_115_266 * 128),
    )


def test_no_file_means_the_defaults_and_so_does_an_empty_one(folder: Path) -> None:
    assert load_config(None) == DEFAULTS
    assert load(folder, "") == DEFAULTS
    assert load(folder, "# nothing\n") == DEFAULTS


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
RATES = st.floats(min_value=0.0, exclude_min=True, allow_infinity=False, allow_nan=False)


@given(
    seed=st.integers(0, 2**63 - 1),
    context=TEXTS,
    corpus=st.none() | TEXTS.map(Path),
    rate=RATES,
    betas=st.tuples(*[st.floats(0.0, 1.0, exclude_max=True)] * 2),
    every=st.none() | st.integers(1, 10),
    model=st.sampled_from(
        [VanillaConfig(n_heads=1), PerceiverConfig(bottleneck_dim=7, latents="spread")]
    ),
    world=st.none() | st.builds(WorldConfig, people=st.integers(10, 2**63 - 1)),
)
@settings(max_examples=50)
@example(0, "1e-3", Path("1e5"), 1e-3, (0.0, 1e-9), None, VanillaConfig(), None)
@example(0, "\x85", Path("\x85"), 1e-3, (0.0, 0.0), None, VanillaConfig(), None)
def test_a_config_that_was_written_reads_back_the_same(
    folder: Path,
    seed: int,
    context: str,
    corpus: Path | None,
    rate: float,
    betas: tuple[float, float],
    every: int | None,
    model: VanillaConfig | PerceiverConfig,
    world: WorldConfig | None,
) -> None:
    config = ExperimentConfig(
        seed=seed,
        data=DataConfig(corpus=corpus, world=world),
        model=model,
        pretrain=PretrainConfig(optimizer=OptimizerConfig(learning_rate=rate, betas=betas)),
        finetune=FinetuneConfig(evaluate_every=every),
        sample=SampleConfig(context=context),
    )
    assert load(folder, dump_config(config)) == config


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_a_shipped_config_reads_back_the_same(folder: Path, path: Path) -> None:
    config = load_config(path.stem)
    assert load(folder, dump_config(config)) == config


# --- which value holds


def test_flags_hold_over_the_file_and_the_file_over_the_defaults(folder: Path) -> None:
    text = "seed: 3\npretrain: {epochs: 7, batch_size: 9}\n"
    config = load(folder, text, Override("pretrain.epochs", 11, "--epochs"))
    assert config.seed == 3
    assert config.pretrain == PretrainConfig(epochs=11, batch_size=9)
    assert config.finetune == DEFAULTS.finetune


def test_the_last_of_several_overrides_holds() -> None:
    config = load_config(None, [Override("seed", 1, "--seed"), parse_assignment("seed=2")])
    assert config.seed == 2


def test_file_and_flags_change_only_what_they_name_in_the_base(folder: Path) -> None:
    base = load(folder, "seed: 5\npretrain: {epochs: 3, batch_size: 4}\nmodel: {n_layers: 2}")
    config = load(
        folder, "pretrain: {epochs: 6}", Override("model.n_heads", 4, "--heads"), base=base
    )
    assert config.seed == 5
    assert config.pretrain == PretrainConfig(epochs=6, batch_size=4)
    assert config.model == VanillaConfig(n_layers=2, n_heads=4)
    assert load_config(None, base=base) == base


def test_the_variant_flag_keeps_the_sizes_that_both_share(folder: Path) -> None:
    text = "model: {variant: vanilla, n_layers: 3, d_model: 64, dropout: 0.2, block_size: 96}"
    config = load(folder, text, Override("model.variant", "perceiver", "--model"))
    assert config.model == PerceiverConfig(n_layers=3, d_model=64, dropout=0.2, block_size=96)


def test_the_variant_flag_drops_the_keys_of_the_other_variant(folder: Path) -> None:
    text = "model: {variant: perceiver, bottleneck_dim: 32, n_layers: 5}"
    config = load(folder, text, Override("model.variant", "vanilla", "--model"))
    assert config.model == VanillaConfig(n_layers=5)


def test_naming_the_variant_that_holds_already_drops_nothing(folder: Path) -> None:
    text = "model: {variant: perceiver, bottleneck_dim: 32}"
    config = load(folder, text, Override("model.variant", "perceiver", "--model"))
    assert config.model == PerceiverConfig(bottleneck_dim=32)


def test_a_variant_flag_and_a_key_of_its_own_go_together() -> None:
    flags = [
        Override("model.variant", "perceiver", "--model"),
        Override("model.bottleneck_dim", 32, "--bottleneck-dim"),
    ]
    assert load_config(None, flags).model == PerceiverConfig(bottleneck_dim=32)


def test_a_key_of_the_other_variant_is_refused_rather_than_ignored() -> None:
    flag = Override("model.bottleneck_dim", 32, "--bottleneck-dim")
    with pytest.raises(ConfigError, match=r"--bottleneck-dim: model.bottleneck_dim: unknown key"):
        load_config(None, [flag])


def test_another_kind_of_task_in_a_file_drops_the_keys_of_the_default_one(folder: Path) -> None:
    config = load(folder, "pretrain: {task: {kind: language_modeling, stride: 5}}")
    assert config.pretrain == PretrainConfig(task=LanguageModelingConfig(stride=5))


def test_keys_of_two_kinds_of_task_do_not_mix(folder: Path) -> None:
    text = "pretrain:\n  task:\n    kind: language_modeling\n    min_truncation: 5\n"
    assert refusal(folder, text) == (
        "FILE:4: pretrain.task.min_truncation: unknown key. It is a key of span_corruption. "
        "Known here: kind, stride"
    )


# --- unknown names


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("seed: 1\nsed: 2", "FILE:2: sed: unknown key. Did you mean 'seed'? Known here: seed, "),
        (
            "pretrain:\n  epoch: 3",
            "FILE:2: pretrain.epoch: unknown key. Did you mean 'epochs'? Known here: ",
        ),
        (
            "# a comment\n\npretrain:\n  optimizer:\n    learning_rat: 3",
            "FILE:5: pretrain.optimizer.learning_rat: unknown key. Did you mean 'learning_rate'?",
        ),
        (
            "model:\n  variant: perceiver\n  bottleneck: 3",
            "FILE:3: model.bottleneck: unknown key. Did you mean 'bottleneck_dim'?",
        ),
        ("data: {world: {peple: 20}}", "FILE:1: data.world.peple: unknown key. Did you mean 'pe"),
        ("qqq: 1", "FILE:1: qqq: unknown key. Known here: seed, precision, data, model, "),
        # The names of variants and kinds are no keys, though pydantic puts them between the keys.
        ("vanilla: 1", "FILE:1: vanilla: unknown key. Known here: seed, "),
        ("model: {perceiver: 1}", "FILE:1: model.perceiver: unknown key. Known here: n_layers, "),
        ("vocab_size: 256", "FILE:1: vocab_size: unknown key."),
        ('"a\\nb": 1', "FILE:1: 'a\\nb': unknown key."),
    ],
)
def test_an_unknown_key_is_refused_with_its_line_and_the_nearest_known_key(
    folder: Path, text: str, message: str
) -> None:
    assert refusal(folder, text).startswith(message)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "model:\n  variant: percever",
            "FILE:1: model: unknown 'percever'. Did you mean 'perceiver'? "
            "Available: vanilla, perceiver",
        ),
        (
            "precision: bfloat",
            "FILE:1: precision: unknown 'bfloat'. Did you mean 'bfloat16'? "
            "Available: auto, float32, bfloat16",
        ),
        (
            "pretrain: {task: {kind: question_answering}}",
            "FILE:1: pretrain.task: unknown 'question_answering'. "
            "Available: span_corruption, language_modeling",
        ),
        (
            "finetune: {task: {kind: span_corruption}}",
            "FILE:1: finetune.task.kind: unknown 'span_corruption'. Available: question_answering",
        ),
        ("precision: [a]", "FILE:1: precision: unknown ['a']. Available: auto, float32, bfloat16"),
    ],
)
def test_an_unknown_choice_is_refused_with_those_there_are(
    folder: Path, text: str, message: str
) -> None:
    assert refusal(folder, text) == message


@pytest.mark.parametrize("variant", ["[a]", "{a: b}", "null", "3"])
def test_a_variant_that_is_no_word_is_refused(folder: Path, variant: str) -> None:
    message = refusal(folder, f"model: {{variant: {variant}}}")
    assert message.startswith("FILE:1: model: unknown ")
    assert message.endswith("Available: vanilla, perceiver")


# --- values


@pytest.mark.parametrize(
    ("key", "value", "reason"),
    [
        ("seed", "-1", "greater than or equal to 0"),
        ("seed", "9223372036854775808", "less than"),
        ("pretrain.epochs", "0", "greater than or equal to 1"),
        ("pretrain.epochs", "0xffffffffffffffff", "less than"),
        ("pretrain.epochs", "1.5", "valid integer"),
        ("pretrain.epochs", "3.0", "valid integer"),
        ("pretrain.epochs", "true", "valid integer"),
        ("pretrain.epochs", "'3'", "valid integer"),
        ("pretrain.epochs", "null", "valid integer"),
        ("pretrain.epochs", "2001-02-03", "valid integer"),
        ("pretrain.task.keep_empty_documents", "1", "valid boolean"),
        ("pretrain.task.max_truncation", "0.0", "greater than 0"),
        ("pretrain.task.max_truncation", "1.1", "less than or equal to 1"),
        ("pretrain.optimizer.learning_rate", "0.0", "greater than 0"),
        ("pretrain.optimizer.learning_rate", "true", "valid number"),
        ("pretrain.optimizer.learning_rate", "'1'", "valid number"),
        ("pretrain.optimizer.learning_rate", ".nan", "finite number"),
        ("pretrain.optimizer.learning_rate", ".inf", "finite number"),
        ("pretrain.optimizer.learning_rate", "1e999", "finite number"),
        ("pretrain.optimizer.betas", "[0.9]", "Field required"),
        ("pretrain.optimizer.betas", "[0.9, 1.0]", "less than 1"),
        ("pretrain.optimizer.betas", "[0.9, 0.9, 0.9]", "at most 2 items"),
        ("pretrain.schedule.final_share", "-0.1", "greater than or equal to 0"),
        ("model.dropout", "1.0", "less than 1"),
        ("model.block_size", "7", "greater than or equal to 8"),
        ("model.n_heads", "3", "must divide d_model 256"),
        ("model", "perceiver", "valid dictionary"),
        ("data.world.people", "9", "greater than or equal to 10"),
        ("data.corpus", "3", "valid path"),
        ("sample.context", "''", "at least 1 character"),
        ("sample.context", "3", "valid string"),
        ("sample.context", '"\\ud800"', "unicode"),
        ("sample.top_k", "0", "greater than or equal to 1"),
        ("sample.past_block", "skip", "Available: recompute, hop"),
        ("sample.weights", "int4", "Available: full, int8"),
    ],
)
def test_a_value_out_of_its_range_is_refused_where_it_stands(
    folder: Path, key: str, value: str, reason: str
) -> None:
    *outer, last = key.split(".")
    nested = "".join(f"{'  ' * depth}{part}:\n" for depth, part in enumerate(outer))
    message = refusal(folder, f"{nested}{'  ' * len(outer)}{last}: {value}\n")
    # A rule about a whole section stands where the section begins.
    line = len(outer) if "must divide" in reason else len(outer) + 1
    assert message.startswith(f"FILE:{line}: {key.removesuffix('.n_heads')}")
    assert reason in message
    assert len(message) < 250


def test_a_long_value_is_shortened_in_the_message(folder: Path) -> None:
    message = refusal(folder, "seed: " + "x" * 90_000)
    assert message.endswith(f"(got '{'x' * 76}...)")


def test_a_perceiver_needs_two_layers_and_no_more_latents_than_positions(folder: Path) -> None:
    few = refusal(folder, "model: {variant: perceiver, n_layers: 1}")
    assert "n_layers of 2 or more" in few
    wide = refusal(folder, "model: {variant: perceiver, bottleneck_dim: 129}")
    assert "bottleneck_dim 129 must not exceed block_size 128" in wide


def test_a_readers_window_leaves_room_for_a_word(folder: Path) -> None:
    assert load(folder, "augment: {before: 80, after: 42}").augment.longest == 1
    narrow = refusal(folder, "augment: {before: 80, after: 43}")
    assert "leaves no room for a word between before 80 and after 43" in narrow


def test_latents_are_first_or_spread(folder: Path) -> None:
    spread = parse_assignment("model.latents=spread")
    flags = [Override("model.variant", "perceiver", "--model"), spread]
    assert load_config(None, flags).model == PerceiverConfig(latents="spread")
    assert refusal(folder, "model: {variant: perceiver, latents: sprad}") == (
        "FILE:1: model.latents: unknown 'sprad'. Did you mean 'spread'? Available: first, spread"
    )
    with pytest.raises(ConfigError, match=r"model.latents: unknown key"):
        load_config(None, [spread])


def test_the_originals_latents_read_a_character_each_more() -> None:
    config = PerceiverConfig(bottleneck_dim=5, block_size=12)
    assert [config.latent_end(j) for j in range(5)] == [1, 2, 3, 4, 5]
    assert [config.n_latents(n) for n in range(13)] == [0, 1, 2, 3, 4, *[5] * 8]


def test_spread_latents_read_up_to_the_whole_block() -> None:
    config = PerceiverConfig(bottleneck_dim=5, block_size=12, latents="spread")
    assert [config.latent_end(j) for j in range(5)] == [3, 5, 8, 10, 12]
    assert [config.n_latents(n) for n in range(13)] == [0, 0, 0, 1, 1, 2, 2, 2, 3, 3, 4, 4, 5]


@given(st.integers(8, 300), st.data())
def test_spread_latents_end_at_equal_shares_of_the_block_rounded_up(
    block_size: int, data: st.DataObject
) -> None:
    m = data.draw(st.integers(1, block_size))
    config = PerceiverConfig(bottleneck_dim=m, block_size=block_size, latents="spread")
    ends = [config.latent_end(j) for j in range(m)]
    assert ends == [math.ceil(Fraction((j + 1) * block_size, m)) for j in range(m)]
    assert ends == sorted(set(ends))
    assert ends[-1] == block_size
    for length in range(block_size + 1):
        assert config.n_latents(length) == sum(end <= length for end in ends)


@pytest.mark.parametrize(
    ("text", "value"),
    [("1e-3", 1e-3), ("6E-3", 6e-3), ("+2e+1", 20.0), ("1.5e-2", 0.015), ("2.e1", 20.0), ("3", 3)],
)
def test_a_rate_may_be_written_with_an_exponent(folder: Path, text: str, value: float) -> None:
    config = load(folder, f"pretrain: {{optimizer: {{learning_rate: {text}}}}}")
    assert math.isclose(config.pretrain.optimizer.learning_rate, value)
    flag = parse_assignment(f"pretrain.optimizer.learning_rate={text}")
    assert load_config(None, [flag]) == config


def test_a_text_in_quotes_that_looks_like_a_number_stays_a_text(folder: Path) -> None:
    assert load(folder, "sample: {context: '1e-3'}").sample.context == "1e-3"


# --- YAML that is more than plain words and numbers


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("seed: 1\nseed: 2", "FILE:2: key 'seed' stands twice: keep one"),
        ("model:\n  n_heads: 2\n  'n_heads': 2", "FILE:3: key 'n_heads' stands twice: keep one"),
        ("seed: &s 1\nsample: {length: *s}", "FILE:2: aliases are not supported"),
        ("model: &m\n  dropout: *m", "FILE:2: aliases are not supported"),
        ("a: &a [x, x]\nb: &b [*a, *a]", "FILE:2: aliases are not supported"),
        ("model: {<<: {n_heads: 2}}", "FILE:1: expected a word for a key, not '<<'"),
        ("true: 1", "FILE:1: expected a word for a key, not 'true'"),
        ("\n1: 2", "FILE:2: expected a word for a key, not '1'"),
        ("? [a, b]\n: 1", "FILE:1: expected a word for a key, not a list or mapping"),
        ("? {a: b}\n: 1", "FILE:1: expected a word for a key, not a list or mapping"),
        ("- seed", "FILE:1: expected keys and values such as 'seed: 0'"),
        ("seed", "FILE:1: expected keys and values such as 'seed: 0'"),
        ("seed: 1\n---\nseed: 2", "FILE:2: but found another document"),
        ("seed: [1", "FILE:1: "),
        ("model:\n\tn_heads: 1", "FILE:2: found character '\\t'"),
        ("seed: 2001-02-30", "FILE: not valid YAML: day is out of range"),
        ("\nseed: 0x1" + "0" * 16, "FILE:2: an integer of more than 64 bits"),
        ("model: {variant: 0x" + "f" * 9000 + "}", "FILE:1: an integer of more than 64 bits"),
        ("seed: " + "9" * 5000, "FILE: not valid YAML: "),
        ("seed: 1" + ":0" * 300 + ".0", "FILE: not valid YAML: "),
        ('sample: {context: "\\UFFFFFFFF"}', "FILE: not valid YAML: "),
        ("seed: \x07", "FILE: not valid YAML: unacceptable character"),
    ],
)
def test_yaml_that_no_config_needs_is_refused(folder: Path, text: str, message: str) -> None:
    assert refusal(folder, text).startswith(message)


HOSTILE_TAGS = [
    "!!python/object/apply:os.mkdir [{0!r}]",
    "!!python/object/apply:os.system ['mkdir {0}']",
    "!!python/object/new:os.mkdir [{0!r}]",
    "!!python/object/apply:subprocess.run [[mkdir, {0!r}]]",
    "!!python/object/apply:builtins.exec ['import os; os.mkdir(\"{0}\")']",
]


@pytest.mark.parametrize("tag", HOSTILE_TAGS)
def test_a_tag_that_would_run_code_is_refused_unexecuted(tmp_path: Path, tag: str) -> None:
    trap = tmp_path / "trap"
    value = tag.format(str(trap))
    assert refusal(tmp_path, f"\nseed: {value}").startswith("FILE:2: tags such as ")
    with pytest.raises(ConfigError, match=r"^--set seed:1: tags such as "):
        parse_assignment(f"seed={value}")
    assert not trap.exists()


@pytest.mark.parametrize(
    "value",
    ["!!bool foo", "!!int ''", "!!float ''", "!!timestamp foo", "!!map [a]", "!!binary x", "!x 1"],
)
def test_a_tag_is_refused_whatever_its_value(folder: Path, value: str) -> None:
    assert refusal(folder, f"seed: {value}").startswith("FILE:1: tags such as ")


@pytest.mark.timeout(30)
@pytest.mark.parametrize("opening", ["[", "{a: ", "- ", "? "])
def test_very_deep_nesting_is_refused_quickly(folder: Path, opening: str) -> None:
    text = opening * (100_000 // len(opening))
    assert refusal(folder, text) == "FILE: nested too deeply: a config has three levels"
    with pytest.raises(ConfigError, match=r"^--set seed: nested too deeply"):
        parse_assignment(f"seed={text}")


# --- files


@pytest.mark.timeout(10)
def test_a_file_of_two_megabytes_is_refused_unparsed(folder: Path) -> None:
    assert refusal(folder, "seed: 1 # " + "x" * 2_000_000).startswith("FILE: over 100,000 bytes")


def test_a_binary_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    path.write_bytes(bytes(range(256)))
    with pytest.raises(ConfigError, match=r"model.safetensors: not UTF-8 text: is this a config"):
        load_config(str(path))


def test_a_byte_order_mark_and_crlf_line_ends_change_nothing(folder: Path) -> None:
    text = "seed: 3\r\nmodel:\r\n  n_heads: 4\r\n"
    assert load(folder, "\ufeff" + text) == load(folder, text.replace("\r", ""))
    assert refusal(folder, "\ufeff" + text + "sed: 3").startswith("FILE:4: sed: unknown key")


def test_a_missing_config_is_refused_with_the_names_there_are() -> None:
    with pytest.raises(ConfigError) as caught:
        load_config("birthplace")
    message = str(caught.value)
    assert message.startswith("config birthplace: No such file or directory. Did you mean 'birthp")
    assert "birthplaces, demo, " in message


@pytest.mark.parametrize(("name", "reason"), [("x" * 5000, "too long"), ("a\0b", "cannot be read")])
def test_a_name_that_no_file_can_have_is_refused(name: str, reason: str) -> None:
    with pytest.raises(ConfigError, match=reason):
        load_config(name)


def test_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="Is a directory"):
        load_config(str(tmp_path))


# --- flags and --set


@pytest.mark.parametrize(
    ("text", "key", "value"),
    [
        ("seed=3", "seed", 3),
        ("a.b=c=d", "a.b", "c=d"),
        ("a.b=", "a.b", None),
        ("a=null", "a", None),
        ("a=1e-3", "a", 0.001),
        ("a=[0.9, 0.99]", "a", [0.9, 0.99]),
        ("a={b: true}", "a", {"b": True}),
        (" a = x ", "a", "x"),
    ],
)
def test_an_assignment_is_a_key_and_a_yaml_value(text: str, key: str, value: object) -> None:
    override = parse_assignment(text)
    assert (override.key, override.value) == (key, value)
    assert override.label.startswith("--set ")


@pytest.mark.parametrize(
    "text", ["", "seed", "=1", " =1", ".=1", "a..b=1", "a.=1", ".a=1", "a. =1"]
)
def test_an_assignment_without_a_key_or_an_equals_sign_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match=r"write it as --set section\.key=value"):
        parse_assignment(text)


@pytest.mark.parametrize("value", ["[", "{a: 1, a: 2}", "*a", "'", "a: b: c", "\ud800"])
def test_an_assignment_whose_value_is_no_yaml_is_refused_with_its_key(value: str) -> None:
    with pytest.raises(ConfigError, match=r"^--set model\.n_heads[: ]"):
        parse_assignment(f"model.n_heads={value}")


@pytest.mark.parametrize(
    ("override", "message"),
    [
        (Override("pretrain.epochs", 0, "--epochs"), "--epochs: pretrain.epochs: Input should"),
        (
            Override("model.variant", "percever", "--model"),
            "--model: unknown 'percever'. Did you mean 'perceiver'?",
        ),
        (
            parse_assignment("pretrain.epoch=4"),
            "--set pretrain.epoch: unknown key. Did you mean 'epochs'?",
        ),
        (parse_assignment("model.n_heads=3"), "--set model.n_heads: model: n_heads 3 must divide"),
        (parse_assignment("pretrain={epochs: 0}"), "--set pretrain: pretrain.epochs: Input shoul"),
        (
            parse_assignment("pretrain.optimizer.betas=[0.9, 1.0]"),
            "--set pretrain.optimizer.betas: pretrain.optimizer.betas.1: Input should",
        ),
        (parse_assignment("model=3"), "--set model: Input should be a valid dictionary"),
        (parse_assignment("seed.x=3"), "--set seed.x: seed: Input should be a valid integer"),
        (parse_assignment("model={n_heads: 3, dropout: 0.0}"), "--set model: n_heads 3 must div"),
    ],
)
def test_an_error_names_the_flag_when_a_flag_is_at_fault(
    folder: Path, override: Override, message: str
) -> None:
    text = "seed: 2\nmodel:\n  dropout: 0.2\npretrain:\n  epochs: 5\n"
    assert refusal(folder, text, override).startswith(message)


@pytest.mark.parametrize("flag", ["pretrain.batch_size=4", "pretrain={batch_size: 4}", "seed=3"])
def test_an_error_names_the_file_when_another_key_than_the_flags_is_at_fault(
    folder: Path, flag: str
) -> None:
    message = refusal(folder, "pretrain:\n  epochs: 0\n", parse_assignment(flag))
    assert message.startswith("FILE:2: pretrain.epochs: ")


def test_a_flag_mends_what_the_file_has_wrong(folder: Path) -> None:
    config = load(folder, "pretrain: {epochs: 0}", Override("pretrain.epochs", 3, "--epochs"))
    assert config.pretrain.epochs == 3


# --- whatever the text


def outcome(folder: Path, text: str) -> ExperimentConfig | None:
    """Load a text; the only exception that may come of it is a ConfigError of one line."""
    try:
        return load(folder, text)
    except ConfigError:
        assert refusal(folder, text).startswith("FILE:")
        return None


PIECES = (
    "seed model data world pretrain task kind variant optimizer betas vanilla perceiver sample "
    "span_corruption language_modeling context a : , ? - [ ] { } & * ! !! | > % @ ` ' \" # ~ << = "
    "--- ... &a *a !!int !!bool !!map !!set !!omap !!binary !!python/name:os null true 1 0x1f 1e-3 "
    ".nan -.inf 1:30 2001-02-03 \\x41 \\UFFFFFFFF \u00e9 \u2028 \ufeff"
)
GLUE = st.sampled_from(["", " ", " ", "\n", "\n  ", "\n    ", ": ", ", ", "\t", "\r\n"])
YAML_LIKE = st.lists(st.tuples(st.sampled_from(PIECES.split(" ")), GLUE), max_size=25).map(
    lambda pairs: "".join(piece + glue for piece, glue in pairs)
)


@given(YAML_LIKE | st.text(st.characters(codec="utf-8"), max_size=40))
@settings(max_examples=200)
def test_any_text_loads_or_is_refused_in_one_line(folder: Path, text: str) -> None:
    config = outcome(folder, text)
    if config is not None:
        assert load(folder, dump_config(config)) == config


def key_paths(model: BaseModel) -> list[list[str]]:
    paths = []
    for name in type(model).model_fields:
        value = getattr(model, name)
        inner = key_paths(value) if isinstance(value, BaseModel) else []
        paths += [[name], *([name, *path] for path in inner)]
    return paths


def nested(path: list[str], value: str) -> str:
    return "".join(f"{{{key}: " for key in path) + value + "}" * len(path)


VALUE_TEXTS = (
    "0|1|-1|1.5|1e-3|true|null|.nan|x|''|[]|{}|[1, 2]|{a: 1}|[0.5, 0.5]|vanilla|perceiver|"
    '{variant: perceiver}|{kind: language_modeling}|{vanilla: {n_heads: 2}}|"\\ud800"|"\\0"|'
    "2001-02-03|0xffffffffffffffff"
)
VALUES = st.sampled_from(VALUE_TEXTS.split("|"))


@given(st.sampled_from(key_paths(DEFAULTS)), VALUES)
@settings(max_examples=150)
def test_any_value_at_any_key_loads_or_is_refused_in_one_line_that_names_the_section(
    folder: Path, path: list[str], value: str
) -> None:
    text = nested(path, value)
    config = outcome(folder, text)
    if config is None:
        assert f"FILE:1: {path[0]}" in refusal(folder, text)
    else:
        assert load(folder, dump_config(config)) == config


@given(st.sampled_from(key_paths(DEFAULTS)), VALUES)
@settings(max_examples=100)
def test_a_flag_means_what_the_file_would(folder: Path, path: list[str], value: str) -> None:
    from_file = outcome(folder, nested(path, value))
    from_flag: ExperimentConfig | None = None
    error = ""
    try:
        from_flag = load_config(None, [parse_assignment(f"{'.'.join(path)}={value}")])
    except ConfigError as refused:
        error = str(refused)
    assert from_flag == from_file
    assert from_flag is not None or error.startswith(f"--set {'.'.join(path)}")


def test_the_section_paths_reach_the_innermost_keys() -> None:
    assert ["pretrain", "optimizer", "betas"] in key_paths(DEFAULTS)
    everything: dict[str, Any] = DEFAULTS.model_dump()
    assert [path for path in key_paths(DEFAULTS) if len(path) == 1] == [[key] for key in everything]
