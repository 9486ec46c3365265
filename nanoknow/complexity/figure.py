"""Draw what both models cost."""

from pathlib import Path
from typing import Literal

from matplotlib.axes import Axes

from nanoknow.complexity.estimate import ComplexityReport
from nanoknow.figures.canvas import caption, draw_curves, picture


def plot_complexity(report: ComplexityReport, path: Path) -> None:
    """Draw what both models cost against sequence length and against the bottleneck, log-log.

    Args:
        report: a result of ``estimate``.
        path: a .png or .svg file.

    Raises:
        ConfigError: the file cannot be written.
    """
    rows, config = report.sweep, report.config
    names = {"vanilla": "vanilla", "perceiver": f"perceiver m = {config.bottleneck_dim}"}
    with picture(path, (15.0, 4.0)) as figure:
        first = "; up to m characters both cost the same"
        caption(
            figure,
            f"one sequence, L {config.n_layers}, h {config.n_heads}, d {config.d_model}, "
            f"V {report.vocab_size}, latents {config.latents}{first * (config.latents == 'first')}",
        )
        left, middle, right = figure.subplots(1, 3)
        for axes, title, unit, cost in (
            (left, "Forward pass", "FLOP", "flops"),
            (middle, "Attention weights, all layers, float32", "B", "attention_bytes"),
        ):
            curves = {
                name: [(row.seq_len, getattr(row, f"{model}_{cost}")) for row in rows]
                for model, name in names.items()
            }
            axes.set(title=title, xlabel="sequence length in characters")
            _log_scales(axes, unit)
            draw_curves(axes, curves, {})
        narrow, level = report.bottlenecks, report.vanilla.flops
        right.set(
            title=f"Forward pass of {report.vanilla.seq_len} characters",
            xlabel="bottleneck m, latents of the perceiver",
        )
        _log_scales(right, "FLOP", y="linear")
        by_bottleneck = {
            "vanilla": [(row.bottleneck_dim, level) for row in narrow],
            "perceiver": [(row.bottleneck_dim, row.flops) for row in narrow],
        }
        right.set_ylim(0, 1.1 * max(level, *(row.flops for row in narrow)))
        draw_curves(right, by_bottleneck, {})


def _log_scales(axes: Axes, unit: str, y: Literal["log", "linear"] = "log") -> None:
    """Make both scales logarithmic, or x alone; ``unit`` is that of y."""
    from matplotlib.ticker import EngFormatter, NullLocator, StrMethodFormatter

    axes.set_xscale("log", base=2)
    axes.set_yscale(y)
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:.0f}"))
    axes.yaxis.set_major_formatter(EngFormatter(unit))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_minor_locator(NullLocator())
    axes.grid()
