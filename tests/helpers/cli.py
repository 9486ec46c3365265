"""Commands run as a user runs them."""

import functools
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import typer
import typer.testing
from typer.testing import CliRunner, Result

from nanoknow.cli.app import app

# Typer makes all commands anew for each that is run, which is most of the time of a short one.
vars(typer.testing)["_get_command"] = functools.cache(typer.main.get_command)

SMALL = ["--set", "model.n_layers=2", "--set", "model.d_model=16", "--set", "model.n_heads=2"]


def run(
    *arguments: str | Path,
    typed: str | bytes | None = None,
    env: Mapping[str, str | None] | None = None,
) -> Result:
    """Run a command, with what is typed into it."""
    return CliRunner(env=env).invoke(app, [str(argument) for argument in arguments], input=typed)


def succeed(*arguments: str | Path, typed: str | None = None) -> Result:
    result = run(*arguments, typed=typed)
    assert result.exit_code == 0, result.output
    return result


def json_of(*arguments: str | Path) -> Any:
    """Return what a command prints with ``--json``."""
    return json.loads(succeed(*arguments, "--json").stdout)


def refuse(*arguments: str | Path) -> str:
    """Run a command that the user has to fix, and return its one line."""
    result = run(*arguments)
    assert result.exit_code == 1, result.output
    assert "Traceback" not in result.output
    assert result.stdout == ""
    last = result.stderr.splitlines()[-1]
    assert last.startswith("error: ")
    return last


def record_of(run: str | Path) -> Any:
    """Return what a run's run.json holds."""
    return json.loads(Path(run, "run.json").read_text(encoding="utf-8"))


def kinds_of(run: str | Path, kind: str) -> list[Any]:
    """Return what a run's metrics.jsonl holds of a kind."""
    lines = Path(run, "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    return [event for event in map(json.loads, lines) if event["kind"] == kind]


def commands_with(holds: Callable[[Any], bool]) -> set[str]:
    """Return the commands of the app with a parameter that is so."""
    group: Any = typer.main.get_command(app)
    return {name for name, command in group.commands.items() if any(map(holds, command.params))}
