"""``nanoknow runs``: list runs, and delete some."""

from datetime import UTC, datetime
from pathlib import Path, PurePath
from typing import Annotated, Any

import typer
from typer import Argument, Option

from nanoknow.cli import options as opt
from nanoknow.cli.complexity import si
from nanoknow.cli.terminal import Terminal
from nanoknow.cli.world import show_files
from nanoknow.system.durations import in_words
from nanoknow.system.shares import percent

runs_app = typer.Typer(help="List runs, and delete some.", no_args_is_help=True)


@runs_app.command("list")
def runs_list(as_json: opt.AsJson = False) -> None:
    """List the runs in ./runs, newest first.

    Example: nanoknow runs list
    """
    from nanoknow.runs.listing import list_runs

    Terminal(as_json).show({"runs": list_runs()}, _show_runs)


@runs_app.command("rm")
def runs_rm(
    runs: Annotated[list[Path], Argument(**opt.RUNS)],
    yes: Annotated[bool, Option("--yes", help="Delete them without asking.")] = False,
    as_json: opt.AsJson = False,
) -> None:
    """Delete runs with all that is in their folders.

    It refuses a run under way, a link, and a folder that is no run.

    Example: nanoknow runs rm runs/20260131-120000-pretrain-vanilla
    """
    from nanoknow.runs.listing import remove_run, require_removable

    named = list(dict.fromkeys(runs))
    for run in named:
        require_removable(run)
    terminal = Terminal(as_json)
    question = f"Delete {', '.join(map(str, named))}, with all that is in there? [y/N] "
    if not yes and terminal.ask(question).lower() not in ("y", "yes"):
        raise typer.Abort
    for run in named:
        remove_run(run)
    terminal.show({"files": named}, show_files)


def _show_runs(terminal: Terminal, found: dict[str, list[dict[str, Any]]]) -> None:
    rows = []
    for each in found["runs"]:
        what = [each["stage"], each["variant"], *([each["state"]] * (each["state"] != "whole"))]
        data = PurePath(each["data"].get("corpus", "-").partition(" (people ")[0]).name
        age = datetime.now(UTC) - datetime.fromisoformat(each["created"]).astimezone(UTC)
        size, old = f"{si(each['size'])}B", in_words(age.total_seconds())
        rows.append((each["run"], " ".join(what), data, percent(each["accuracy"]), size, old))
    if not rows:
        terminal.note("no runs yet: 'nanoknow pretrain' makes one")
    terminal.table("", ("run", "what", "data", "accuracy", "size", "age"), rows, left=3)
