"""Any config is read right or refused in one line, and nothing else happens."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nanoknow.config.experiment import ExperimentConfig
from nanoknow.config.loading import dump_config, load_config, parse_assignment
from nanoknow.errors import ConfigError
from tests.helpers.bad_inputs import attempt

SHIPPED = dump_config(ExperimentConfig()).splitlines()
HOSTILE = [
    "!!python/object/apply:os.abort []",
    "!!python/name:os.system",
    "&a [*a]",
    "*a",
    "&a {b: *a}",
    "<<: {seed: 1}",
    ".nan",
    ".inf",
    "-.inf",
    "1e400",
    "1e-3",
    "0x" + "f" * 40,
    "9" * 400,
    "1:30:00",
    "2001-02-30",
    "yes",
    "~",
    "''",
    "[1, 2, 3]",
    "{a: {b: {c: 1}}}",
    "[" * 300,
    "{a: " * 300,
    "? " * 200,
    "- " * 200,
    '"\\ud800"',
    '"\\0"',
    "|\n  a\n b",
    "\t1",
    "%TAG ! x",
    "--- 1\n--- 2",
    "\u2028",
    "\x07",
    "perceiver",
    "language_modeling",
]
WORDS = st.sampled_from([*HOSTILE, *HOSTILE, "0", "1", "-1", "3.5", "true", "x"]) | st.text(
    max_size=6
)


@st.composite
def broken_yaml(draw: st.DrawFn) -> str:
    """The default config, with some of its lines doubled, dropped, moved or given other values."""
    lines = list(SHIPPED)
    for _ in range(draw(st.integers(1, 4))):
        i = draw(st.integers(0, len(lines) - 1))
        key, colon, _ = lines[i].partition(":")
        word = draw(WORDS)
        lines[i : i + 1] = draw(
            st.sampled_from(
                [
                    [lines[i], lines[i]],
                    [],
                    [f"  {lines[i]}"],
                    [lines[i].lstrip()],
                    [f"{key}{colon} {word}"],
                    [f"{key}{colon} {word}"],
                    [f"{key}{word}{colon} 1"],
                    [lines[i], word],
                    [key],
                ]
            )
        )
        if not lines:
            break
    return draw(st.sampled_from(["\n", "\n", "\r\n"])).join(lines)


@given(broken_yaml() | st.text(max_size=60) | WORDS)
def test_any_config_loads_or_is_refused(folder: Path, text: str) -> None:
    path = folder / "config.yaml"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    config = attempt(lambda: load_config(str(path)), ConfigError, str(path))
    if isinstance(config, ExperimentConfig):
        path.write_text(dump_config(config), encoding="utf-8")
        assert load_config(str(path)) == config


@given(st.sampled_from([line.strip().partition(":")[0] for line in SHIPPED]), WORDS)
def test_any_assignment_is_taken_or_refused(key: str, word: str) -> None:
    for dotted in (key, f"model.{key}", f"pretrain.{key}"):
        assignment = f"{dotted}={word}"
        attempt(partial(load_assigned, assignment), ConfigError, "--set ")


def load_assigned(assignment: str) -> ExperimentConfig:
    return load_config(None, [parse_assignment(assignment)])


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
