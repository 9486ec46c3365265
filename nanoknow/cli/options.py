"""Options that several commands share, and the functions that check them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from typer import Argument, BadParameter, CallbackParam, Context, Option

from nanoknow.cli.terminal import Terminal
from nanoknow.config.flags import data_flags as data_flags
from nanoknow.config.flags import named_data as named_data
from nanoknow.config.flags import overrides as overrides
from nanoknow.config.flags import training_flags as training_flags
from nanoknow.config.loading import shipped
from nanoknow.config.strict_yaml import read
from nanoknow.errors import CheckpointError, ConfigError, naming
from nanoknow.runs.folders import owner, run_folders, run_of, runs_folder
from nanoknow.system.files import require_unread, require_writable

if TYPE_CHECKING:
    from nanoknow.experiments.table import TableRow

PICTURE, PAGE, TABLE = (".png", ".svg"), (".html", ".htm"), (".csv",)
"""Suffixes of the files that commands write."""


def one_of(*values: str) -> dict[str, Any]:
    """Return the arguments of an option that shows and completes values, but refuses no other."""
    return {"metavar": "|".join(values), "autocompletion": lambda: list(values)}


def named_file(folder: str = "") -> dict[str, Any]:
    """Return the arguments of an option that completes shipped names, and YAML files here."""
    return {
        "metavar": "NAME|FILE",
        "autocompletion": lambda: [*shipped(folder), *map(str, Path().glob("*.yaml"))],
    }


def run_names() -> list[str]:
    """Return the folders of the runs in the runs folder."""
    with suppress(CheckpointError):
        return [str(path) for path in run_folders(runs_folder(), under_way=True)]
    return []


def run_folder(words: str) -> dict[str, Any]:
    """Return the arguments of an option that completes run folders; ``words`` is its help."""
    return {"metavar": "RUN", "help": words, "autocompletion": run_names}


def known(name: str | None) -> str | None:
    """Refuse a config that does not exist, before anything is loaded.

    Raises:
        ConfigError: see ``read``.
    """
    if name is not None and name not in shipped() and not os.path.lexists(name):
        read(name, shipped(), "config")  # raises; reading a pipe here would empty it
    return name


def written(metavar: str, words: str, *suffixes: str) -> Any:  # noqa: ANN401
    """Return an option that names what a command writes; refuse, before the work, what it cannot.

    It also refuses a file that the command reads as its data, and one that a run folder keeps for
    itself.

    Args:
        metavar: ``FILE``, or ``DIR`` for a folder; for ``DIR|FILE.csv`` the suffix decides.
        words: the help.
        suffixes: suffixes that the file may have; none for any.
    """

    def check(ctx: Context, param: CallbackParam, path: Path | None) -> Path | None:
        if path is None:
            return None
        flag = param.opts[0]
        is_named = path.suffix.lower() in suffixes
        is_folder = metavar.startswith("DIR") and not is_named
        if suffixes and not is_named and not is_folder:
            raise ConfigError(f"{flag} {path}: name a file that ends in {' or '.join(suffixes)}")
        advice = f"name a {'folder' if is_folder else 'file'} that can be written, or make it so"
        with naming(f"{flag} {path}", advice, ConfigError):
            require_writable(path, is_folder=is_folder)
        given = [v if isinstance(v, list | tuple) else [v] for v in ctx.params.values()]
        require_unread(path, chain(*given), f"{flag} ")
        if not is_folder and (run := owner(path)):
            raise ConfigError(f"{flag} {path}: is what {run} keeps for itself: name another file")
        return path

    return Option(metavar=metavar, help=words, callback=check)


data = partial(Option, rich_help_panel="Data", is_eager=True)
model, training = (partial(Option, rich_help_panel=panel) for panel in ("Model", "Training"))
"""Options under headings of the help; data first, so that ``written`` spares their files."""

A_CONFIG = "A shipped config, or a YAML file."
Config = Annotated[str | None, Option(help=A_CONFIG, callback=known, **named_file())]
Set = Annotated[
    list[str] | None,
    Option("--set", metavar="KEY=VALUE", help="Set any config value, as a.b=c; repeatable."),
]
Seed = Annotated[int | None, Option(help="Seed of weights, data order, corruption, dropout.")]
DEVICES = one_of("auto", "cpu", "cuda") | {"metavar": "auto|cpu|cuda|cuda:N"}
DeviceName = Annotated[str, Option(help="Or another device that torch has.", **DEVICES)]
AsJson = Annotated[bool, Option("--json", help="Print the result as JSON.")]
CorpusFile = Annotated[Path | None, data(metavar="FILE", help="Text: lines, CSV, TSV or JSON.")]
Documents = Annotated[
    str | None, data(help="How texts divide into documents.", **one_of("lines", "paragraphs"))
]
QuestionsFile = Annotated[
    Path | None, data(metavar="FILE", help="question<TAB>answer lines, CSV or JSON.")
]
SkipLong = Annotated[bool, data("--skip-long", help="Leave out questions longer than the block.")]
EvalFile = Annotated[Path | None, data("--eval", metavar="FILE", help="Questions to evaluate on.")]
Variant = Annotated[str | None, model(help="The architecture.", **one_of("vanilla", "perceiver"))]
Bottleneck = Annotated[int | None, model(help="Number of latents of the perceiver.")]
Epochs = Annotated[int | None, training(help="Epochs to train.")]
BatchSize = Annotated[int | None, training(help="Examples per step.")]
LearningRate = Annotated[float | None, training(help="The peak learning rate.")]
Out = Annotated[Path | None, written("DIR", "The run folder; a new one in ./runs if not given.")]
Runs = Annotated[Path | None, written("DIR", "Folder for the runs.")]
RunsOrTable = Annotated[
    Path | None,
    written("DIR|FILE.csv", "Folder for the runs; or a file for the table of runs.", *TABLE),
]
DryRun = Annotated[
    bool, Option("--dry-run", help="Show config, size and expected time, and write nothing.")
]
Resume = Annotated[
    bool, training("--resume", help="Continue the run in --out, or extend it with --epochs.")
]
MaxMinutes = Annotated[
    float | None, training(min=0, help="Minutes after which to stop, with a checkpoint.")
]
TensorBoard = Annotated[
    bool,
    Option("--tensorboard", help="Write event files too; with --resume they hold the whole run."),
]
Plot = Annotated[Path | None, written("FILE", "Draw it as .png or .svg.", *PICTURE)]
RUN = run_folder("A run folder; the latest that fits if not given.")
RUNS = run_folder("Run folders.")
RunFolder = Annotated[Path | None, Argument(**RUN)]
RunFlag = Annotated[Path | None, Option("--run", **RUN)]
RunFolders = Annotated[list[Path] | None, Argument(is_eager=True, **RUNS)]  # or files of answers
RunFlags = Annotated[list[Path] | None, Option("--run", is_eager=True, **RUNS)]


def named_runs(*forms: Sequence[Path] | None, or_files: bool = False) -> list[Path]:
    """Return the runs that a command line names, as arguments or by ``--run``; it may name none.

    Args:
        forms: the arguments, and the values of ``--run``.
        or_files: whether a file of answers may be in place of a run.

    Raises:
        BadParameter: runs are named in both forms.
        CheckpointError: one is no run; this is found before anything is loaded.
    """
    given = [form for form in forms if form]
    if len(given) > 1:
        raise BadParameter("name a run once: as RUN or with --run RUN")
    runs = [run for form in given for run in form]
    for run in runs:
        if not (or_files and run.is_file()):
            run_of(run)  # raises if it is no run
    return runs


def check_resume(resume: bool, dry_run: bool, out: Path | None) -> None:
    """Refuse, before anything is loaded, to resume a folder that is no run, or in a dry run."""
    if resume and dry_run:
        raise BadParameter("--dry-run: for what starts, not with --resume")
    if resume and out is not None:
        run_of(out)  # raises if it is no run


def named_run(*forms: Path | None) -> Path | None:
    """Return the run of a command that takes one; see ``named_runs``."""
    return next(iter(named_runs(*([form] for form in forms if form))), None)


def folder_of(out: Path | None) -> Path | None:
    """Return the folder for runs that ``--out`` names; None if it names a file for the table."""
    return None if out and out.suffix.lower() in TABLE else out


def save_table(terminal: Terminal, out: Path | None, rows: Sequence[TableRow]) -> None:
    """Write a table of runs where ``--out`` names a file for it."""
    if out and folder_of(out) is None:
        from nanoknow.experiments.table import write_table

        write_table(out, rows)
        terminal.note(f"table: {out}")
