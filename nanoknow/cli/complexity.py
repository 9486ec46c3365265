"""``nanoknow complexity``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from nanoknow.cli import options as opt
from nanoknow.cli.terminal import Terminal


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
    from nanoknow.cli.tables import show_complexity
    from nanoknow.complexity.estimate import SWEEP_LENGTHS, VOCAB_SIZE, estimate

    opt.check_output("--plot", plot, opt.PICTURE)
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
    opt.show(Terminal(), report, show_complexity, as_json)
