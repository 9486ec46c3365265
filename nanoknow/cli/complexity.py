"""``nanoknow complexity``: estimate the cost of a forward pass of both models."""

from pathlib import Path
from typing import Annotated

from typer import Option

from nanoknow.cli import options as opt
from nanoknow.cli.terminal import Terminal
from nanoknow.complexity.estimate import VOCAB_SIZE, ComplexityReport, estimate
from nanoknow.complexity.formulas import Complexity, Cost


def complexity(
    seq_len: Annotated[int | None, Option(help="Characters of the sequence, ℓ.")] = None,
    bottleneck: Annotated[int | None, Option(help="Latents of the perceiver, m.")] = None,
    latents: Annotated[
        str | None,
        Option(help="Latents read m characters, or all.", **opt.one_of("first", "spread")),
    ] = None,
    d_model: Annotated[int | None, Option(help="Width, d.")] = None,
    n_layers: Annotated[int | None, Option(help="Layers, L.")] = None,
    n_heads: Annotated[int | None, Option(help="Heads, h.")] = None,
    vocab_size: Annotated[int, Option(help="Characters, V.")] = VOCAB_SIZE,
    plot: Annotated[
        Path | None, opt.written("FILE", "Draw cost against ℓ and m as .png or .svg.", *opt.PICTURE)
    ] = None,
    as_json: opt.AsJson = False,
) -> None:
    """Estimate the cost of both models.

    Sizes that are not given are the original's.

    Example: nanoknow complexity --seq-len 128 --bottleneck 64
    """
    report = estimate(
        n_layers=n_layers,
        n_heads=n_heads,
        d_model=d_model,
        seq_len=seq_len,
        bottleneck_dim=bottleneck,
        latents=latents,
        vocab_size=vocab_size,
    )
    if plot:
        from nanoknow.complexity.figure import plot_complexity

        plot_complexity(report, plot)
    Terminal(as_json).show(report, show_complexity, plot=plot)


def show_complexity(terminal: Terminal, report: ComplexityReport) -> None:
    """Show the cost by component and by sequence length."""
    config = report.config
    terminal.paragraph(
        f"One sequence of ℓ = {report.vanilla.seq_len} characters, forward: d = {config.d_model}, "
        f"h = {config.n_heads}, L = {config.n_layers}, m = {config.bottleneck_dim} "
        f"({config.latents}), V = {report.vocab_size}"
    )
    for model in (report.vanilla, report.perceiver):
        _show_components(terminal, model)
    rows = []
    for row in report.sweep:
        flops = (si(row.vanilla_flops), si(row.perceiver_flops), f"{row.flops_ratio:.3f}")
        memory = (row.vanilla_attention_bytes, row.perceiver_attention_bytes)
        rows.append((row.seq_len, *flops, *(f"{si(n)}B" for n in memory)))
    columns = ("ℓ", "vanilla", "perceiver", "ratio", "vanilla attention", "perceiver attention")
    terminal.table("FLOPs and attention memory by sequence length", columns, rows, left=0)


def _show_components(terminal: Terminal, model: Complexity) -> None:
    rows = []
    for part in model.components:
        name = part.name if part.count == 1 else f"{part.count} x {part.name}"
        rows.append((name, part.formula, *_costs(part)))
    rows.append(("total", "", *_costs(model)))
    columns = ("layers", "multiply-adds of each", "in all", "FLOPs", "parameters", "attention")
    terminal.table(f"{model.variant}: {model.formula} multiply-adds", columns, rows, left=2)


def _costs(part: Cost) -> tuple[str, str, str, str]:
    memory = f"{si(part.attention_bytes)}B"
    return si(part.multiply_adds), si(part.flops), f"{part.parameters:,}", memory


def si(number: float) -> str:
    """Write a number with three digits and an SI prefix: ``872 M``."""
    for factor, prefix in ((1e15, "P"), (1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")):
        if number >= 0.9995 * factor:  # 999,960 is 1 M, not 1e+03 k
            return f"{number / factor:.3g} {prefix}"
    return f"{number:.3g} "
