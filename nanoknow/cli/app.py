"""The ``nanoknow`` command: its parts, in the order in which ``--help`` lists them.

A command parses, calls one function and shows what it returns. It imports that function when it
runs, so that ``--help`` does not wait for torch.
"""

import os
import sys
from collections.abc import Callable
from typing import Annotated, Any

import typer
from pydantic import ValidationError
from typer import Option

from nanoknow import __version__
from nanoknow.cli.ask import ask
from nanoknow.cli.attention import attention
from nanoknow.cli.baseline import baseline
from nanoknow.cli.compare import compare
from nanoknow.cli.complexity import complexity
from nanoknow.cli.config import config_app
from nanoknow.cli.data import data_app
from nanoknow.cli.demo import demo
from nanoknow.cli.evaluate import evaluate
from nanoknow.cli.export import export
from nanoknow.cli.finetune import finetune
from nanoknow.cli.import_ import import_
from nanoknow.cli.law import law_app
from nanoknow.cli.learn import learn
from nanoknow.cli.panels import ASK, LEARN, SHARE, STUDY, Command, Group
from nanoknow.cli.play import play
from nanoknow.cli.plot import plot
from nanoknow.cli.pretrain import pretrain
from nanoknow.cli.runs import runs_app
from nanoknow.cli.sample import sample
from nanoknow.cli.sweep import sweep
from nanoknow.cli.terminal import Terminal
from nanoknow.cli.why import why
from nanoknow.config.messages import in_words
from nanoknow.errors import Interrupted, NanoknowError, OutputError, printable, ran_out_of_memory
from nanoknow.system.streams import open_streams

USAGE_ERROR: Any = typer.BadParameter.__base__
"""The exception by which Typer refuses a command line; it has no public name."""


class Commands(Group):
    """The commands; an error ends each of them as users expect.

    An error that they can fix is shown in one line, and Ctrl-C without a traceback.
    """

    def main(self, *arguments: Any, **named: Any) -> Any:  # noqa: ANN401
        """Run a command on standard streams that ``open_streams`` has prepared."""
        open_streams()
        try:
            return super().main(*arguments, **named)
        except OutputError as error:
            if error.exit_code == 1:  # else the reader has gone (``| head``): stop silently
                Terminal().error(str(error))
            sys.exit(error.exit_code)

    def invoke(self, ctx: Any) -> Any:  # noqa: ANN401 - Typer's own types have no names
        """Run a command; turn its errors into a line and an exit code."""
        try:
            return super().invoke(ctx)
        except USAGE_ERROR as error:
            if isinstance(error.__cause__, ValidationError):
                error.message = in_words(error.__cause__.errors()[0])  # the words of a config error
            if type(error).__name__ != "NoArgsIsHelpError":  # its message is the help
                error.message = printable(error.message)
            raise
        except Interrupted as stop:
            Terminal().note(str(stop))
            raise typer.Exit(stop.exit_code) from None
        except (KeyboardInterrupt, Exception) as error:
            code, words = _last_words(error)
            if not words or ctx.params["debug"] or isinstance(error, OutputError):
                raise
            Terminal().error(words)
            raise typer.Exit(code) from None


def _last_words(error: BaseException) -> tuple[int, str]:
    """Return an error's exit code and its line; an empty line if it is a defect of nanoknow."""
    if isinstance(error, NanoknowError):
        return error.exit_code, str(error)
    if isinstance(error, KeyboardInterrupt):
        return 130, "interrupted: the same command starts it again"
    if isinstance(error, UnicodeEncodeError):
        near = error.object[max(0, error.start - 40) : error.end + 40]
        return 1, f"{printable(near)}: a name that is not UTF-8: rename it, or its folder"
    if isinstance(error, OSError) and error.filename is not None:
        return 1, f"{error.filename}: {error.strerror}: name another, or make it usable"
    if ran_out_of_memory(error):
        return 1, "out of memory: take a smaller model, block or batch, or other data"
    return 1, ""


app = typer.Typer(
    cls=Commands,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # else words of help and errors would be read as markup
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
PANELS: dict[str, tuple[Callable[..., None], ...]] = {
    LEARN: (demo, learn, pretrain, finetune, sweep),
    ASK: (ask, play, evaluate, sample, why),
    STUDY: (compare, baseline, plot, attention, complexity),
    SHARE: (export, import_),
}
for _panel, _commands in PANELS.items():
    for _command in _commands:
        app.command(_command.__name__.strip("_"), cls=Command, rich_help_panel=_panel)(_command)
app.add_typer(law_app, name="law", rich_help_panel=STUDY)
app.add_typer(runs_app, name="runs", rich_help_panel=SHARE)
app.add_typer(data_app, name="data", rich_help_panel=SHARE)
app.add_typer(config_app, name="config", rich_help_panel=SHARE)


TOGETHER = ("pretrain", "finetune")
"""Commands that torchrun may run as several processes."""


def _show_version(wanted: bool) -> None:
    if wanted:
        Terminal().write(f"nanoknow {__version__}\n")
        raise typer.Exit


@app.callback()
def root(
    ctx: typer.Context,
    version: Annotated[  # noqa: ARG001 - its callback reads it
        bool, Option("--version", callback=_show_version, is_eager=True, help="Print the version.")
    ] = False,
    debug: Annotated[bool, Option("--debug", help="Show tracebacks of errors.")] = False,  # noqa: ARG001
) -> None:
    """A closed-book knowledge lab at nano scale.

    Teach a tiny transformer facts by pretraining, ask it what it knows, and see what it made up.
    """
    if "TORCHELASTIC_RUN_ID" in os.environ and ctx.invoked_subcommand not in TOGETHER:
        raise typer.BadParameter(f"torchrun: for {' and '.join(TOGETHER)}, not for this command")


def main() -> None:
    """Run the command line."""
    try:
        app()
    except KeyboardInterrupt:  # while a command is still being loaded
        sys.exit(130)
