"""The ``nanoknow attention`` command, in its two forms."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from nanoknow.cli import options as opt
from nanoknow.cli.terminal import Terminal
from nanoknow.errors import ConfigError


@opt.guarded
def attention(
    run: opt.RunFolder = None,
    question: Annotated[
        str | None, typer.Option(metavar="TEXT", help="Ask a run this, and see where it looks.")
    ] = None,
    device: Annotated[
        str | None, typer.Option(help="Of the run: auto, cpu, cuda or cuda:N.")
    ] = None,
    dim: Annotated[
        int | None, typer.Option(help="Without a question: dimensions of keys and values.")
    ] = None,
    keys: Annotated[int | None, typer.Option(help="Without: how many keys.")] = None,
    beta: Annotated[float | None, typer.Option(help="Without: β, the query's length.")] = None,
    draws: Annotated[
        int | None, typer.Option(help="Without: how often keys and values are drawn.")
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Without: of the draws.")] = None,
    plot: opt.Plot = None,
    as_json: opt.AsJson = False,
) -> None:
    """Measure what attention can do beside theory; with a question, where a model looks.

    Examples: nanoknow attention --plot attention.png

    nanoknow attention --question "Where was Khatchig Mouradian born?"
    """
    opt.check_output("--plot", plot, opt.PICTURE)
    sizes = {"dim": dim, "keys": keys, "beta": beta, "draws": draws, "seed": seed}
    given = {name: value for name, value in sizes.items() if value is not None}
    if question is not None:
        if given:
            raise ConfigError(f"--{next(iter(given))}: not with --question: leave one of them out")
        _weights(run, question, device or "auto", plot, as_json)
    elif run is not None:
        raise ConfigError(f"{run}: what to ask it? Add --question TEXT, or leave the run out")
    elif device is not None:
        raise ConfigError(f"--device {device}: only with --question: leave it out")
    else:
        _theory(given, plot, as_json)


def _theory(given: dict[str, int | float], plot: Path | None, as_json: bool) -> None:
    from nanoknow.attention.explore import DEFAULTS, attention_theory
    from nanoknow.cli.tables_attention import show_theory

    terminal = Terminal()
    if "keys" in given:
        given["n_keys"] = given.pop("keys")
    report = attention_theory(replace(DEFAULTS, **given), plot)  # type: ignore[arg-type]
    opt.show(terminal, report, show_theory, as_json)


def _weights(
    run: Path | None, question: str, device: str, plot: Path | None, as_json: bool
) -> None:
    from nanoknow.attention.question import attention_weights
    from nanoknow.cli.tables_attention import show_weights

    terminal = Terminal()
    report = attention_weights(run, question, device, plot, terminal)
    opt.show(terminal, report, show_weights, as_json)
