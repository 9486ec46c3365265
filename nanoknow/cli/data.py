"""``nanoknow data``: the built-in world, the published files, and questions about documents."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from typer import Argument, Option

from nanoknow.cli import options as opt
from nanoknow.cli.inspect import data_inspect
from nanoknow.cli.terminal import Terminal
from nanoknow.config.experiment import WorldConfig

if TYPE_CHECKING:
    from nanoknow.experiments.augment import Augmentation

data_app = typer.Typer(
    help="Inspect data, make the built-in world, fetch published files.", no_args_is_help=True
)
data_app.command("inspect")(data_inspect)
WORLD = WorldConfig()


@data_app.command("make")
@opt.guarded
def data_make(
    out: Annotated[Path, Option("--out", metavar="DIR", help="Folder for the files.")],
    people: Annotated[int, Option(help="How many people live in it.")] = WORLD.people,
    paraphrases: Annotated[int, Option(help="Biographies a person.")] = WORLD.paraphrases,
    seed: Annotated[int, Option(help="Fixes everything about it.")] = WORLD.seed,
    as_json: opt.AsJson = False,
) -> None:
    """Write the built-in world as files.

    In the formats of the published data.

    Example: nanoknow data make --people 300 --out data/world
    """
    from nanoknow.data.world.files import write_world
    from nanoknow.data.world.make import make_world

    opt.check_output("--out", out)
    files = write_world(make_world(people, paraphrases, seed), out)
    opt.show(Terminal(), {"files": files}, show_files, as_json)


@data_app.command("fetch")
@opt.guarded
def data_fetch(
    name: Annotated[str, Argument(metavar="birthplaces|shakespeare")],
    out: Annotated[
        Path | None, Option("--out", metavar="DIR", help="Folder; in ./data if not given.")
    ] = None,
    as_json: opt.AsJson = False,
) -> None:
    """Download the published data, verified by their hashes.

    Example: nanoknow data fetch birthplaces
    """
    from nanoknow.data.download import fetch

    opt.check_output("--out", out)
    terminal = Terminal()
    opt.show(terminal, {"files": fetch(name, out, terminal)}, show_files, as_json)


@data_app.command("augment")
@opt.guarded
def data_augment(
    out: Annotated[Path, Option("--out", metavar="DIR", help="Folder for augmented.tsv.")],
    config: opt.Config = None,
    corpus: opt.CorpusFile = None,
    documents: opt.Documents = None,
    questions: opt.QuestionsFile = None,
    eval_file: opt.EvalFile = None,
    assign: opt.Set = None,
    as_json: opt.AsJson = False,
) -> None:
    """Write a question and an answer for every document.

    By a ranker that finds answers in documents, as the training questions teach it.

    Example: nanoknow data augment --config birthplaces --out augmented
    """
    from nanoknow.config.loading import resolve_config
    from nanoknow.experiments.augment import augment

    opt.check_output("--out", out)
    terminal = Terminal()
    flags = opt.data_flags(corpus, questions, eval_file, documents)
    resolved = resolve_config(config, opt.overrides(assign, flags), terminal)
    opt.show(terminal, augment(resolved.data, out, terminal), show_augmentation, as_json)


def show_files(terminal: Terminal, result: dict[str, list[Path]]) -> None:
    """Show the paths of files, one a line."""
    terminal.write("".join(f"{path}\n" for path in result["files"]))


def show_augmentation(terminal: Terminal, result: Augmentation) -> None:
    """Show what was written, and how accurate it is."""
    rows = [
        ("file", result.file),
        ("questions", f"{result.questions:,}"),
        ("answered by the training questions", f"{result.from_training:,}"),
        ("accuracy of the ranker on questions left out", str(result.ranker)),
    ]
    if result.skipped:
        rows.append(("left out: a line cannot hold them", f"{result.skipped:,}"))
    if result.eval:
        rows.append(("accuracy of the file on the evaluation questions", str(result.eval)))
    terminal.pairs(rows)
