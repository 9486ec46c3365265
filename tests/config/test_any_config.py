"""Any text, and any value at any key, loads or is refused in one line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from nanoknow.config.experiment import ExperimentConfig
from nanoknow.config.loading import dump_config, load_config, parse_assignment
from nanoknow.errors import ConfigError
from tests.helpers.config_texts import DEFAULTS, load, refusal
from tests.helpers.examples import examples


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
@examples(2)
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
@examples(1.5)
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
