"""The ``nanoknow`` command: parse, call one recipe, show its result as a table or as JSON.

Recipes are imported inside the commands, so that ``--help`` need not wait for torch.
"""

from __future__ import annotations

import io
import sys
from pathlib import Path
from typing import Annotated

import typer

from nanoknow import __version__
from nanoknow import options as opt
from nanoknow.cli_ask import ask
from nanoknow.cli_attention import attention
from nanoknow.cli_data import config_app, data_app
from nanoknow.cli_evaluation import baseline, compare, evaluate
from nanoknow.cli_plot import plot
from nanoknow.cli_sample import sample
from nanoknow.cli_training import finetune, pretrain, sweep
from nanoknow.config_file import load_config
from nanoknow.console import Terminal

app = typer.Typer(
    name="nanoknow",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.command()(pretrain)
app.command()(finetune)
app.command()(sweep)
app.command()(evaluate)
app.command()(compare)
app.command()(baseline)
app.command()(ask)
app.command()(sample)
app.command()(plot)
app.command()(attention)
app.add_typer(data_app, name="data")
app.add_typer(config_app, name="config")


def _show_version(wanted: bool) -> None:
    if wanted:
        Terminal().write(f"nanoknow {__version__}\n")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[  # noqa: ARG001 - its callback acts before a command is asked for
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version."),
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks of errors.")] = False,
) -> None:
    """A closed-book knowledge lab at nano scale.

    Teach a tiny transformer facts by pretraining, ask it what it knows, and see what it made up.
    """
    opt.STATE.debug = debug


@app.command()
@opt.guarded
def complexity(
    seq_len: Annotated[int | None, typer.Option(help="Characters of the sequence, ℓ.")] = None,
    bottleneck: Annotated[int | None, typer.Option(help="Latents of the perceiver, m.")] = None,
    latents: Annotated[
        str | None, typer.Option(metavar="first|spread", help="What the latents read.")
    ] = None,
    d_model: Annotated[int | None, typer.Option(help="Width, d.")] = None,
    n_layers: Annotated[int | None, typer.Option(help="Layers, L.")] = None,
    n_heads: Annotated[int | None, typer.Option(help="Heads, h.")] = None,
    vocab_size: Annotated[int | None, typer.Option(help="Characters, V.")] = None,
    sweep: Annotated[
        str | None, typer.Option(metavar="ℓ,ℓ,…", help="Sequence lengths to compare.")
    ] = None,
    plot: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Draw cost against ℓ and m as .png or .svg.")
    ] = None,
    as_json: opt.AsJson = False,
) -> None:
    """Estimate what both models cost; the original's sizes where none are given.

    Example: nanoknow complexity --seq-len 128 --bottleneck 64
    """
    from nanoknow.recipes.complexity import SWEEP_LENGTHS, VOCAB_SIZE, estimate
    from nanoknow.tables import show_complexity

    report = estimate(
        n_layers=n_layers,
        n_heads=n_heads,
        d_model=d_model,
        seq_len=seq_len,
        bottleneck_dim=bottleneck,
        latents=latents,
        vocab_size=VOCAB_SIZE if vocab_size is None else vocab_size,
        sweep_lengths=opt.integers("--sweep", sweep) if sweep else SWEEP_LENGTHS,
        plot=plot,
    )
    if as_json:
        Terminal().result(report.to_json())
    else:
        show_complexity(Terminal(), report)


@app.command()
@opt.guarded
def demo(
    seeds: Annotated[int, typer.Option(min=1, help="How many times, with other seeds.")] = 1,
    config: opt.Config = "demo",
    assign: opt.Set = None,
    device: opt.DeviceName = "auto",
    out: opt.Out = None,
    as_json: opt.AsJson = False,
) -> None:
    """Run the whole experiment on the built-in world, in minutes, to one table and one picture."""
    from nanoknow.recipes.demo import demo as recipe
    from nanoknow.tables import show_demo

    terminal = Terminal()
    report = recipe(load_config(config, opt.overrides(assign, {})), seeds, out, device, terminal)
    if as_json:
        terminal.result(report.to_json())
    else:
        show_demo(terminal, report)


def main() -> None:
    """Run the command line."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")
    try:
        app()
    except KeyboardInterrupt:  # while a command was still being loaded
        sys.exit(130)
