"""Any config is read right or refused in one line, and nothing else happens."""

import os
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from nanoknow.config.experiment import ExperimentConfig
from nanoknow.config.loading import dump_config, load_config, parse_assignment
from nanoknow.errors import ConfigError
from tests.helpers.bad_inputs import attempt
from tests.helpers.config_texts import DEFAULTS, refusal
from tests.helpers.examples import examples

DEFAULT_LINES = dump_config(DEFAULTS).splitlines()
HOSTILE_TEXTS = (
    "!!python/object/apply:os.abort []|!!python/name:os.system|&a [*a]|*a|&a {b: *a}|<<: {seed: 1}|"
    ".nan|.inf|-.inf|1e400|1e-3|1:30:00|2001-02-30|yes|~|''|[1, 2, 3]|{a: {b: {c: 1}}}|"
    '"\\ud800"|"\\0"|\t1|%TAG ! x|--- 1\n--- 2|\u2028|\x07|perceiver|language_modeling'
)
LONG = ["0x" + "f" * 40, "9" * 400, "[" * 300, "{a: " * 300, "? " * 200, "- " * 200]
HOSTILE = [*HOSTILE_TEXTS.split("|"), *LONG, "|\n  a\n b"]
ORDINARY = ["0", "1", "-1", "3.5", "true", "x"]
WORDS = st.sampled_from([*HOSTILE, *HOSTILE, *ORDINARY]) | st.text(max_size=6)


@st.composite
def broken_yaml(draw: st.DrawFn) -> str:
    """The default config, with some of its lines doubled, dropped, moved or given other values."""
    lines = list(DEFAULT_LINES)
    for _ in range(draw(st.integers(1, 4))):
        i = draw(st.integers(0, len(lines) - 1))
        key, colon, _ = lines[i].partition(":")
        word = draw(WORDS)
        doubled, moved = [lines[i]] * 2, [[f"  {lines[i]}"], [lines[i].lstrip()]]
        other = [[f"{key}{colon} {word}"]] * 2 + [[f"{key}{word}{colon} 1"]]
        changes = [doubled, [], *moved, *other, [lines[i], word], [key]]
        lines[i : i + 1] = draw(st.sampled_from(changes))
        if not lines:
            break
    return draw(st.sampled_from(["\n", "\n", "\r\n"])).join(lines)


def outcome(folder: Path, text: str) -> ExperimentConfig | None:
    """Load a text or see it refused in a line; what is loaded reads back the same."""
    path = folder / "config.yaml"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    config = attempt(lambda: load_config(str(path)), ConfigError, f"{path}:")
    if not isinstance(config, ExperimentConfig):
        return None
    path.write_text(dump_config(config), encoding="utf-8")
    assert load_config(str(path)) == config
    return config


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
def test_any_text_loads_or_is_refused_in_one_line(folder: Path, text: str) -> None:
    outcome(folder, text)


@given(broken_yaml() | st.text(max_size=60) | WORDS)
def test_any_config_loads_or_is_refused(folder: Path, text: str) -> None:
    outcome(folder, text)


@given(st.sampled_from([line.strip().partition(":")[0] for line in DEFAULT_LINES]), WORDS)
def test_any_assignment_is_taken_or_refused(key: str, word: str) -> None:
    for dotted in (key, f"model.{key}", f"pretrain.{key}"):
        attempt(partial(load_assigned, f"{dotted}={word}"), ConfigError, "--set ")


def load_assigned(assignment: str) -> ExperimentConfig:
    return load_config(None, [parse_assignment(assignment)])


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
    if outcome(folder, text) is None:
        assert f"FILE:1: {path[0]}" in refusal(folder, text)


@given(st.sampled_from(key_paths(DEFAULTS)), VALUES)
def test_a_flag_means_what_the_file_would(folder: Path, path: list[str], value: str) -> None:
    from_file = outcome(folder, nested(path, value))
    from_flag: ExperimentConfig | None = None
    error = ""
    try:
        from_flag = load_assigned(f"{'.'.join(path)}={value}")
    except ConfigError as refused:
        error = str(refused)
    assert from_flag == from_file
    assert from_flag is not None or error.startswith(f"--set {'.'.join(path)}")


def test_the_section_paths_reach_the_innermost_keys() -> None:
    assert ["pretrain", "optimizer", "betas"] in key_paths(DEFAULTS)
    sections = [path for path in key_paths(DEFAULTS) if len(path) == 1]
    assert sections == [[key] for key in DEFAULTS.model_dump()]


@pytest.mark.timeout(30)
@pytest.mark.parametrize("opening", ["[", "{a: ", "- ", "? "])
def test_ten_megabytes_of_nesting_are_refused_at_once(tmp_path: Path, opening: str) -> None:
    path = tmp_path / "deep.yaml"
    path.write_text(opening * (10_000_000 // len(opening)))
    with pytest.raises(ConfigError, match=r"deep\.yaml: over 100,000 bytes: is this a config"):
        load_config(str(path))


@pytest.mark.timeout(30)
@pytest.mark.skipif(not os.path.exists("/dev/zero"), reason="no /dev/zero here")  # noqa: PTH110
def test_a_file_without_an_end_is_no_config() -> None:
    with pytest.raises(ConfigError, match="/dev/zero: over 100,000 bytes"):
        load_config("/dev/zero")
