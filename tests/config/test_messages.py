"""What is wrong in a config is refused in one line that says where and why."""

from pathlib import Path

import pytest

from nanoknow.config.loading import Override, parse_assignment
from tests.helpers.config_texts import load, refusal


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
            "Available: span_corruption, language_modeling, document_modeling",
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
        ("seed", "-1", "must be 0 or more"),
        ("seed", "9223372036854775808", "must be less than"),
        ("pretrain.epochs", "0", "must be 1 or more"),
        ("pretrain.epochs", "0xffffffffffffffff", "must be 1000000 or less"),
        ("model.d_model", "4611686018427387904", "must be 65536 or less"),
        ("model.n_layers", "1000000000", "must be 1000 or less"),
        ("data.world.paraphrases", "1000000000", "must be 1000000 or less"),
        ("data.world.paraphrases", "0", "must be 1 or more"),
        ("data.world.seed", "-1", "must be 0 or more"),
        ("pretrain.epochs", "1.5", "must be a whole number"),
        ("pretrain.epochs", "3.0", "must be a whole number"),
        ("pretrain.epochs", "true", "must be a whole number"),
        ("pretrain.epochs", "'3'", "must be a whole number"),
        ("pretrain.epochs", "null", "must be a whole number"),
        ("pretrain.epochs", "2001-02-03", "must be a whole number"),
        ("pretrain.task.keep_empty_documents", "1", "must be true or false"),
        ("pretrain.task.max_truncation", "0.0", "must be more than 0"),
        ("pretrain.task.max_truncation", "1.1", "must be 1 or less"),
        ("pretrain.optimizer.learning_rate", "0.0", "must be more than 0"),
        ("pretrain.optimizer.learning_rate", "true", "must be a number"),
        ("pretrain.optimizer.learning_rate", "'1'", "must be a number"),
        ("pretrain.optimizer.learning_rate", ".nan", "must be a finite number"),
        ("pretrain.optimizer.learning_rate", ".inf", "must be a finite number"),
        ("pretrain.optimizer.learning_rate", "1e999", "must be a finite number"),
        ("pretrain.optimizer.learning_rate", "1e39", "must be 1e+38 or less"),
        ("pretrain.task.questions_per_document", "1001", "must be 1000 or less"),
        ("pretrain.optimizer.betas", "[0.9]", "must be given"),
        ("pretrain.optimizer.betas", "[0.9, 1.0]", "must be less than 1"),
        ("pretrain.optimizer.betas", "[0.9, 0.9, 0.9]", "2 values at most"),
        ("pretrain.schedule.final_share", "-0.1", "must be 0 or more"),
        ("model.dropout", "1.0", "must be less than 1"),
        ("model.block_size", "7", "must be 8 or more"),
        ("model.n_heads", "3", "must divide d_model 256"),
        ("model", "perceiver", "must be keys with values"),
        ("data.world.people", "9", "must be 10 or more"),
        ("data.world.drawn.exponent", "40.1", "must be 40 or less"),
        ("data.corpus", "3", "must be the name of a file"),
        ("sample.context", "''", "must be 1 or more characters"),
        ("sample.context", "3", "must be text"),
        ("sample.context", '"\\ud800"', "must be valid Unicode"),
        ("sample.top_k", "0", "must be 1 or more"),
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
    # A rule about a whole section is reported at the section's first line.
    line = len(outer) if "must divide" in reason else len(outer) + 1
    assert message.startswith(f"FILE:{line}: {key.removesuffix('.n_heads')}")
    assert reason in message
    assert len(message) < 250


def test_a_long_value_is_shortened_in_the_message(folder: Path) -> None:
    message = refusal(folder, "seed: " + "x" * 90_000)
    assert message.endswith(f"(got '{'x' * 76}...)")


# --- who is at fault


@pytest.mark.parametrize(
    ("override", "message"),
    [
        (
            Override("pretrain.epochs", 0, "--epochs"),
            "--epochs: pretrain.epochs: must be 1 or more (got 0)",
        ),
        (
            Override("model.variant", "percever", "--model"),
            "--model: unknown 'percever'. Did you mean 'perceiver'?",
        ),
        (
            parse_assignment("pretrain.epoch=4"),
            "--set pretrain.epoch: unknown key. Did you mean 'epochs'?",
        ),
        (parse_assignment("model.n_heads=3"), "--set model.n_heads: model: n_heads 3 must divide"),
        (parse_assignment("pretrain={epochs: 0}"), "--set pretrain: pretrain.epochs: must be 1"),
        (
            parse_assignment("pretrain.optimizer.betas=[0.9, 1.0]"),
            "--set pretrain.optimizer.betas: pretrain.optimizer.betas.1: must be less",
        ),
        (parse_assignment("model=3"), "--set model: must be keys with values"),
        (parse_assignment("seed.x=3"), "--set seed.x: seed: must be a whole number"),
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
