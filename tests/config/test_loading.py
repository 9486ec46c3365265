"""The last one to name a value holds, and YAML is read as its author meant it."""

import math
from pathlib import Path

import pytest

from nanoknow.config.experiment import ExperimentConfig, PretrainConfig, SampleConfig
from nanoknow.config.loading import Override, dump_config, load_config, parse_assignment
from nanoknow.config.models import PerceiverConfig, VanillaConfig
from nanoknow.config.tasks import LanguageModelingConfig
from nanoknow.errors import ConfigError
from tests.helpers.config_texts import DEFAULTS, load, refusal
from tests.helpers.refused import refused


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


VANILLA, PERCEIVER = (Override("model.variant", v, "--model") for v in ("vanilla", "perceiver"))
BOTTLENECK = Override("model.bottleneck_dim", 32, "--bottleneck-dim")


def test_the_variant_flag_keeps_the_sizes_that_both_share(folder: Path) -> None:
    text = "model: {variant: vanilla, n_layers: 3, d_model: 64, dropout: 0.2, block_size: 96}"
    sizes = PerceiverConfig(n_layers=3, d_model=64, dropout=0.2, block_size=96)
    assert load(folder, text, PERCEIVER).model == sizes


def test_the_variant_flag_drops_the_keys_of_the_other_variant(folder: Path) -> None:
    text = "model: {variant: perceiver, bottleneck_dim: 32, n_layers: 5}"
    assert load(folder, text, VANILLA).model == VanillaConfig(n_layers=5)


def test_naming_the_variant_that_holds_already_drops_nothing(folder: Path) -> None:
    text = "model: {variant: perceiver, bottleneck_dim: 32}"
    assert load(folder, text, PERCEIVER).model == PerceiverConfig(bottleneck_dim=32)


def test_a_variant_flag_and_a_key_of_its_own_go_together() -> None:
    config = load_config(None, [PERCEIVER, BOTTLENECK])
    assert config.model == PerceiverConfig(bottleneck_dim=32)


def test_a_key_of_the_other_variant_is_refused_rather_than_ignored() -> None:
    with pytest.raises(ConfigError, match=r"--bottleneck-dim: model.bottleneck_dim: unknown key"):
        load_config(None, [BOTTLENECK])


def test_another_kind_of_task_in_a_file_drops_the_keys_of_the_default_one(folder: Path) -> None:
    config = load(folder, "pretrain: {task: {kind: language_modeling, stride: 5}}")
    assert config.pretrain == PretrainConfig(task=LanguageModelingConfig(stride=5))


def test_keys_of_two_kinds_of_task_do_not_mix(folder: Path) -> None:
    text = "pretrain:\n  task:\n    kind: language_modeling\n    min_truncation: 5\n"
    assert refusal(folder, text) == (
        "FILE:4: pretrain.task.min_truncation: unknown key. It is a key of span_corruption. "
        "Known here: kind, stride"
    )


@pytest.mark.parametrize(
    ("text", "value"),
    [("1e-3", 1e-3), ("6E-3", 6e-3), ("+2e+1", 20.0), ("1.5e-2", 0.015), ("2.e1", 20.0), ("3", 3)],
)
def test_a_rate_may_be_written_with_an_exponent(folder: Path, text: str, value: float) -> None:
    config = load(folder, f"pretrain: {{optimizer: {{learning_rate: {text}}}}}")
    assert math.isclose(config.pretrain.optimizer.learning_rate, value)
    flag = parse_assignment(f"pretrain.optimizer.learning_rate={text}")
    assert load_config(None, [flag]) == config


MISREAD = (  # as YAML 1.1 has it: 8, 8, 1, 45045, 750, 1000, true and false
    "010|00|089|0o10|0O10|0b1|0x_f|12:30:45|12:30|1:30.5|1_000|1_0.5|1_0e3|yes|no|On|OFF|Yes"
)


@pytest.mark.parametrize("text", MISREAD.split("|"))
def test_what_could_be_read_as_another_value_is_refused_with_its_line(
    folder: Path, text: str
) -> None:
    form = "true or false" if text.isalpha() else "a number by its digits alone"
    said = f"{text!r}: write {form}; put quotes around it if it is text"
    assert refusal(folder, f"model:\n  n_heads: {text}") == f"FILE:2: {said}"
    assert refused(ConfigError, parse_assignment, f"seed={text}").endswith(said)
    assert load(folder, f"sample: {{context: '{text}'}}").sample.context == text
    written = ExperimentConfig(sample=SampleConfig(context=text))
    assert load(folder, dump_config(written)) == written


@pytest.mark.parametrize("text", ["0face", "-0face", "0b1f", "0o", "0xyz", "08a"])
def test_letters_of_hexadecimal_digits_make_no_number(folder: Path, text: str) -> None:
    written = ExperimentConfig(sample=SampleConfig(context=text))
    assert load(folder, f"sample: {{context: {text}}}") == written
    assert load(folder, dump_config(written)) == written


def test_a_text_in_quotes_that_looks_like_a_number_stays_a_text(folder: Path) -> None:
    assert load(folder, "sample: {context: '1e-3'}").sample.context == "1e-3"


# --- YAML that is more than plain words and numbers


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("seed: 1\nseed: 2", "FILE:2: key 'seed' is there twice: keep one"),
        ("model:\n  n_heads: 2\n  'n_heads': 2", "FILE:3: key 'n_heads' is there twice: keep one"),
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
        ("seed: 1" + ":0" * 300 + ".0", "FILE:1: '1:0:0"),
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


@pytest.mark.slow
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
    message = refused(ConfigError, lambda: load_config("birthplace"))
    assert message.startswith("config birthplace: No such file or directory. Did you mean 'birthp")
    assert "birthplaces, demo, " in message


@pytest.mark.parametrize(
    ("name", "reason"),
    [("x" * 5000, "too long"), ("a\0b", "cannot be read"), ("/", "Is a directory")],
)
def test_a_name_that_is_no_files_is_refused(name: str, reason: str) -> None:
    with pytest.raises(ConfigError, match=reason):
        load_config(name)


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
