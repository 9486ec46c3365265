"""README is short, and its commands exist with the options that it names."""

import re
from pathlib import Path

import pytest

from tests.helpers.cli import succeed

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
COMMAND = re.compile(r"(?:^|`)(nanoknow (?!is )[^`#\n]*[^`#\s])", re.MULTILINE)
COMMANDS = sorted(set(COMMAND.findall(README)))


def test_it_has_at_most_130_lines() -> None:
    assert len(README.splitlines()) <= 130


def test_the_torch_that_it_installs_is_the_one_that_make_keeps() -> None:
    pinned = (Path(__file__).parents[1] / "constraints.txt").read_text(encoding="utf-8")
    [torch] = re.findall(r"pip install (torch==\S+) ", README)
    assert torch in pinned.splitlines()


@pytest.mark.parametrize("command", COMMANDS)
def test_its_commands_have_the_options_that_it_names(command: str) -> None:
    _, *words = command.split()
    name = words[: 2 if words[0] in ("data", "config", "law", "runs") else 1]
    text = succeed(*name, "--help").stdout
    assert [option for option in re.findall(r"--[a-z-]+", command) if option not in text] == []
