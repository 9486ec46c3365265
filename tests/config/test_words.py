"""Whatever is wrong with whichever value is said in the words of the house."""

import datetime
import itertools
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args, get_type_hints

import pytest
import typer
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from nanoknow.cli.app import app
from nanoknow.config.experiment import ExperimentConfig
from nanoknow.config.messages import WORDS, explain, in_words
from nanoknow.config.sweep import SweepConfig
from nanoknow.config.values import Frozen
from tests.helpers.cli import refuse, run

FOREIGN = re.compile(
    r"Input|should|Field|Extra|String|Tuple|Dictionary|Keys|Unable|instance|parse|"
    r"valid (integer|number|string|boolean|dictionary|tuple|path)|Config\b"
)
"""What pydantic says, and nobody else here."""
WRONG: list[Any] = [
    None, -1, 0, 1, -3, 1.5, -0.5, 2.0, 1e30, 2**64, 10**400, -(10**400), float("nan"),
    float("inf"), True, False, "", "x", "3", "\ud800", "\0", "x" * 100, b"x", [], ["a"], [0.9],
    [0.9, 2.0], [1, 2, 3], {}, {"a": 1}, {1: 2}, datetime.date(2001, 1, 1), {"variant": 3},
    {"kind": "x"}, {"variant": "x"}, {"kind": "language_modeling", "stride": 0}, {"a/b": {}},
    {"a": 3}, [None], object(),
]  # fmt: skip


def classes(base: type[Frozen] = Frozen) -> Iterator[type[Frozen]]:
    """Yield every config class that there is."""
    for each in base.__subclasses__():
        yield each
        yield from classes(each)


def errors_of(config: type[Frozen]) -> Iterator[ErrorDetails]:
    """Yield what is wrong with every field of a config at every wrong value."""
    for name, value in itertools.product(config.model_fields, WRONG):
        try:
            config.model_validate({name: value})
        except ValidationError as error:
            yield from error.errors()


@pytest.mark.parametrize("config", dict.fromkeys(classes()), ids=lambda each: each.__name__)
def test_every_field_refuses_every_wrong_value_in_the_words_of_the_house(
    config: type[Frozen],
) -> None:
    for error in errors_of(config):
        words = in_words(error)
        assert not FOREIGN.search(words.partition(" (got ")[0]), error
        assert words.splitlines() == [words]
        assert error["type"] != "value_error" or not words.startswith("Value error")


def test_the_words_are_for_what_can_be_wrong() -> None:
    kinds = {error["type"] for config in classes() for error in errors_of(config)}
    assert set(WORDS) - kinds == {"int_parsing", "float_parsing"}  # of flags
    without = {"dict_type", "model_type", "model_attributes_type", "value_error"}
    assert kinds - set(WORDS) <= without | {"union_tag_not_found"}


@pytest.mark.parametrize("root", [ExperimentConfig, SweepConfig])
def test_a_whole_line_has_them_too(root: type[Frozen]) -> None:
    for error in errors_of(root):
        line = explain(error, "FILE", {}, {}, root)
        assert line.startswith("FILE: ")
        assert not FOREIGN.search(line.partition(" (got ")[0].partition(" Known here")[0]), line


@pytest.mark.parametrize(
    ("flag", "value", "words"),
    [
        ("--epochs", "-3", "pretrain.epochs: must be 1 or more (got -3)"),
        ("--batch-size", "0", "pretrain.batch_size: must be 1 or more (got 0)"),
        (
            "--learning-rate",
            "-1",
            "pretrain.optimizer.learning_rate: must be more than 0 (got -1.0)",
        ),
        ("--learning-rate", "nan", "pretrain.optimizer.learning_rate: must be a finite number"),
        ("--seed", "-1", "seed: must be 0 or more (got -1)"),
        ("--bottleneck-dim", "-1", "--bottleneck-dim: model.bottleneck_dim: unknown key"),
        ("--model", "3", "--model: unknown '3'"),
    ],
)
def test_a_flag_speaks_as_a_config_does(here: Path, flag: str, value: str, words: str) -> None:
    assert words in refuse("pretrain", flag, value)


def numbers(group: typer.Typer, made: Any, *name: str) -> Iterator[tuple[str, ...]]:
    """Yield each command's words and a flag of its that takes a number."""
    for each in group.registered_groups:
        assert each.typer_instance
        assert isinstance(each.name, str)
        yield from numbers(each.typer_instance, made.commands[each.name], *name, each.name)
    for command in group.registered_commands:
        assert command.callback
        word = command.name or command.callback.__name__
        flags = {each.name: each.opts[0] for each in made.commands[word].params}
        for key, kind in get_type_hints(command.callback).items():
            if {int, float} & {kind, *get_args(kind)}:
                yield *name, word, flags[key]


NUMBERS = list(numbers(app, typer.main.get_command(app)))
WITH_EVERY_VALUE = (("pretrain", "--epochs"), ("pretrain", "--learning-rate"))
"""A whole number and another; what a flag makes of a value depends on its type alone."""


@pytest.mark.parametrize("words", NUMBERS, ids=" ".join)
def test_every_flag_for_a_number_refuses_other_values_in_the_words_of_the_house(
    words: tuple[str, ...],
) -> None:
    assert set(WITH_EVERY_VALUE) < set(NUMBERS)
    for value in ("abc", "", "[1, 2]", "true")[: None if words in WITH_EVERY_VALUE else 1]:
        said = run(*words, value)
        assert said.exit_code == 2
        line = said.stderr.splitlines()[-1]
        assert re.search(
            rf"'{words[-1]}'.*must be a (whole )?number \(got {re.escape(repr(value))}", line
        )
        assert not FOREIGN.search(line.partition(" (got ")[0].partition(": must")[2])
