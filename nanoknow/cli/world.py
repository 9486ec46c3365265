"""``nanoknow data make``: write the built-in world as files."""

from pathlib import Path
from typing import Annotated, Any

from typer import Option

from nanoknow.cli import options as opt
from nanoknow.cli.terminal import Terminal
from nanoknow.config.flags import flags_of
from nanoknow.config.world import RELATIONS, WorldConfig

WORLD = WorldConfig()


def data_make(
    out: Annotated[Path, opt.written("DIR", "Folder for the files.")],
    people: Annotated[int, Option(help="Number of people in it.")] = WORLD.people,
    paraphrases: Annotated[
        int,
        Option("--paraphrases", "--wordings", help="Biographies per person, in different words."),
    ] = WORLD.paraphrases,
    relations: Annotated[
        str | None,
        Option(
            metavar="1-6|NAME,NAME",
            help=f"Independent facts a person: the first 1-6, or some, of {', '.join(RELATIONS)}.",
        ),
    ] = None,
    permute: Annotated[
        bool, Option("--permute", help="Another order of facts in each biography.")
    ] = False,
    full_name: Annotated[
        bool, Option("--full-name", help="The name, not a pronoun, in every sentence.")
    ] = False,
    skewed: Annotated[
        str | None, Option(metavar="NAME,NAME", help="Facts drawn by Zipf's law, not uniformly.")
    ] = None,
    backward: Annotated[
        bool, Option("--backward", help="Also ask whose a code is, not only for codes.")
    ] = False,
    seed: Annotated[int, Option(help="Fixes the whole world.")] = WORLD.seed,
    as_json: opt.AsJson = False,
) -> None:
    """Write the built-in world as files.

    Birthplaces in the formats of the published data; with --relations, several facts a person, and
    their bits.

    Example: nanoknow data make --people 300 --out data/world
    """
    from nanoknow.config.loading import load_config
    from nanoknow.data.world.build import build_world, write_world

    chosen = relations or ""
    is_number = chosen.isdecimal() and len(chosen) < 10  # more digits are no number of relations
    flags = {
        "people": people,
        "paraphrases": paraphrases,
        "seed": seed,
        "relations": int(chosen) if is_number else _names(chosen),
        "permute": permute,
        "full_name": full_name,
        "skewed": _names(skewed),
        "backward": backward,
    }
    given = {key: value for key, value in flags.items() if value != getattr(WORLD, key)}
    overrides = flags_of("data.world", list(given), list(given.values()))
    world = build_world(load_config(None, overrides).data.world or WORLD)
    result = {"files": write_world(world.files, out), "bits": world.bits}
    Terminal(as_json).show(result, show_world)


def _names(text: str | None) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",")) if text else ()


def show_world(terminal: Terminal, result: dict[str, Any]) -> None:
    """Show the paths of a world's files and, where they are known, its bits."""
    show_files(terminal, result)
    if bits := result["bits"]:
        rows = [(name, f"{n:,.1f}") for name, n in [*bits.items(), ("all", sum(bits.values()))]]
        terminal.table("Bits of knowledge", ("relation", "bits"), rows)


def show_files(terminal: Terminal, result: dict[str, list[Path]]) -> None:
    """Show the paths of files, one a line."""
    for path in result["files"]:
        terminal.line(str(path))
