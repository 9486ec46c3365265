"""The ``nanoknow data`` and ``nanoknow config`` commands."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from nanoknow.cli import options as opt
from nanoknow.cli.terminal import Terminal
from nanoknow.config.experiment import WorldConfig
from nanoknow.errors import ConfigError, suggest

data_app = typer.Typer(
    help="Look at data, make the built-in world, fetch published files.", no_args_is_help=True
)
WORLD = WorldConfig()
VIEWS = ("namedata", "charcorruption")


@data_app.command("inspect")
@opt.guarded
def data_inspect(
    view: Annotated[
        str | None,
        typer.Argument(metavar="[namedata|charcorruption]", help="One view; both if not given."),
    ] = None,
    config: opt.Config = None,
    corpus: opt.CorpusFile = None,
    questions: opt.QuestionsFile = None,
    eval_file: opt.EvalFile = None,
    count: Annotated[int, typer.Option(min=1, help="Examples to show of each view.")] = 4,
    assign: opt.Set = None,
    seed: opt.Seed = None,
    as_json: opt.AsJson = False,
) -> None:
    """Show how the data become examples, and what can be known from them."""
    from nanoknow.cli.tables import show_inspection
    from nanoknow.config.resolve import settle
    from nanoknow.tasks.inspection import inspect

    terminal = Terminal()
    if view is not None and view not in VIEWS:
        raise ConfigError(
            f"unknown view {view!r}.{suggest(view, VIEWS)} Available: {', '.join(VIEWS)}"
        )
    flags = {**opt.data_flags(corpus, questions, eval_file), "--seed": ("seed", seed)}
    resolved = settle(config, opt.overrides(assign, flags), terminal)
    inspection = inspect(resolved, view, count)
    opt.show(terminal, inspection, show_inspection, as_json)


@data_app.command("make")
@opt.guarded
def data_make(
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Folder for the files.")],
    people: Annotated[int, typer.Option(help="How many people live in it.")] = WORLD.people,
    paraphrases: Annotated[int, typer.Option(help="Biographies a person.")] = WORLD.paraphrases,
    seed: Annotated[int, typer.Option(help="Fixes everything about it.")] = WORLD.seed,
    as_json: opt.AsJson = False,
) -> None:
    """Write the built-in world in the file forms of the published data."""
    from nanoknow.data.fetching import make

    opt.check_output("--out", out)
    opt.show(Terminal(), {"files": make(people, paraphrases, seed, out)}, show_files, as_json)


@data_app.command("augment")
@opt.guarded
def data_augment(
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Folder for augmented.tsv.")],
    config: opt.Config = None,
    corpus: opt.CorpusFile = None,
    questions: opt.QuestionsFile = None,
    eval_file: opt.EvalFile = None,
    assign: opt.Set = None,
    seed: opt.Seed = None,
    device: opt.DeviceName = "auto",
    as_json: opt.AsJson = False,
) -> None:
    """Write a question and an answer for every document, by a reader that has it open.

    Example: nanoknow data augment --config birthplaces --out augmented
    """
    from nanoknow.cli.tables import show_augmentation
    from nanoknow.config.resolve import settle
    from nanoknow.experiments.augment import augment

    opt.check_output("--out", out)
    terminal = Terminal()
    flags = {**opt.data_flags(corpus, questions, eval_file), "--seed": ("seed", seed)}
    resolved = settle(config, opt.overrides(assign, flags), terminal)
    result = augment(resolved, out, device, terminal)
    opt.show(terminal, result, show_augmentation, as_json)


@data_app.command("fetch")
@opt.guarded
def data_fetch(
    name: Annotated[str, typer.Argument(metavar="birthplaces|shakespeare")],
    mirror: Annotated[
        str | None, typer.Option(metavar="FOLDER|URL", help="Take the files from here instead.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="Folder; in ./data if not given.")
    ] = None,
    as_json: opt.AsJson = False,
) -> None:
    """Download the published data, verified by their hashes."""
    from nanoknow.data.fetching import fetch_files

    terminal = Terminal()
    opt.check_output("--out", out)
    opt.show(terminal, {"files": fetch_files(name, mirror, out, terminal)}, show_files, as_json)


def show_files(terminal: Terminal, result: dict[str, list[Path]]) -> None:
    """Show the paths of files, one a line."""
    terminal.write("".join(f"{path}\n" for path in result["files"]))
