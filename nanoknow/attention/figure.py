"""Pictures of attention: the four findings, and every head of a model."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from nanoknow.attention.experiments import N_BINS, Finding, Quantity, TheoryReport
from nanoknow.figures.canvas import COLORS, QUIET, caption, picture

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from nanoknow.attention.question import AttentionReport
    from nanoknow.attention.trace import LayerTrace


BLUE, ORANGE, GREY = COLORS[:3]
STRETCHED_KEY = r"$k_a$ from $N(\mu_a, \alpha I + ½\mu_a\mu_a^\top)$"
MAX_WIDTH = 24.0
"""Of the panels of all heads side by side, in inches."""


def plot_theory(report: TheoryReport, path: Path) -> None:
    """Draw the four findings: errors against β, and how the weight on v_a is distributed.

    Args:
        report: of all experiments.
        path: .png or .svg.

    Raises:
        ConfigError: it cannot be written.
    """
    s, sweep = report.setting, report.sweep
    betas = [row.beta for row in sweep]
    _, _, noisy, stretched, two_heads = report.findings
    with picture(path, (10.5, 7.0), math=True) as figure:
        caption(
            figure,
            f"{s.n_keys} keys and values of {s.dim} dimensions, {s.draws:,} draws; "
            f"points and bars are measured, lines are theory",
        )
        (copying, averaging), (single, double) = figure.subplots(2, 2)
        copying.set_title(r"(a) $q = \beta\mu_a$ copies: $c \approx v_a$")
        bound = [row.copying_bound for row in sweep]
        copying.plot(betas, bound, color=GREY, linestyle="--")
        _name_curve(copying, betas, bound, "bound", GREY, above=True)
        _draw_errors(
            copying, betas, [row.copying for row in sweep], r"$|c - v_a|$", BLUE, above=False
        )
        averaging.set_title(r"(b) $q = \beta(\mu_a + \mu_b)$ averages: $c \approx ½(v_a + v_b)$")
        projected, averaged = [row.projected for row in sweep], [row.averaging for row in sweep]
        _draw_errors(averaging, betas, projected, r"$|M\,2c - v_a|$", ORANGE, above=True)
        _draw_errors(averaging, betas, averaged, r"$|c - ½(v_a + v_b)|$", BLUE, above=False)
        for axes in (copying, averaging):
            label = f"β, at {betas[-1]:g} in the other panels"
            axes.set(xlabel=label, ylabel="error, RMS", yscale="log")
            axes.grid()
        single.set_title(r"(c) one head, $q = \beta(\mu_a + \mu_b)$, noisy keys")
        _draw_histogram(single, noisy, GREY, r"all $k_i$ from $N(\mu_i, \alpha I)$")
        _draw_histogram(single, stretched, ORANGE, STRETCHED_KEY)
        double.set_title(r"(d) two heads, $q_1 = \beta\mu_a$, $q_2 = \beta\mu_b$")
        _draw_histogram(double, two_heads, BLUE, STRETCHED_KEY)
        for axes in (single, double):
            axes.set(xlabel=r"weight on $v_a$", ylabel="% of draws", xlim=(0, 1), ylim=(0, 105))
            axes.grid(axis="y")
            axes.legend(frameon=False, loc="upper left")


def _draw_errors(
    axes: Axes, betas: Sequence[float], found: Sequence[Quantity], name: str, color: str,
    *, above: bool,
) -> None:  # fmt: skip
    axes.plot(betas, [quantity.theory for quantity in found], color=color, linewidth=1.2)
    measured = [quantity.measured for quantity in found]
    axes.plot(betas, measured, "o", color=color, markersize=5)
    _name_curve(axes, betas, [quantity.theory for quantity in found], name, color, above=above)


def _name_curve(
    axes: Axes, xs: Sequence[float], ys: Sequence[float], name: str, color: str, *, above: bool
) -> None:
    """Write a falling curve's name beside its middle."""
    middle = len(xs) // 2
    axes.annotate(
        name, (xs[middle], ys[middle]), xytext=(8, 3) if above else (-8, -3),
        textcoords="offset points", color=color,
        ha="left" if above else "right", va="bottom" if above else "top",
    )  # fmt: skip


def _draw_histogram(axes: Axes, finding: Finding, color: str, name: str) -> None:
    edges = [i / N_BINS for i in range(N_BINS + 1)]
    measured = [100 * share for share in finding.histogram.measured]
    theory = [100 * share for share in finding.histogram.theory]
    axes.bar(
        edges[:-1], measured, 1 / N_BINS, align="edge", color=color, alpha=0.55, linewidth=0,
        label=name,
    )  # fmt: skip
    axes.stairs(theory, edges, color=color, linewidth=1.2)


def plot_trace(report: AttentionReport, path: Path) -> None:
    """Draw what every head attended to: layers side by side, heads below each other.

    In each panel, x is the characters that the model read, y those that it wrote.

    Args:
        report: of one question.
        path: .png or .svg.

    Raises:
        ConfigError: it cannot be written.
    """
    trace, read, written = report.trace, report.read, report.written
    n_layers, n_heads = len(trace.layers), trace.layers[0].weights.shape[1]
    width = min(max(1.8, 0.085 * len(read)), MAX_WIDTH / n_layers)
    height = 0.5 + 0.1 * len(written)
    size = (1.2 + width * n_layers, 1.1 + height * n_heads)
    with picture(path, size) as figure:
        from matplotlib.colors import PowerNorm

        font = min(6.0, 65 * width / len(read))
        norm = PowerNorm(0.5, 0.0, 1.0)
        panels = figure.subplots(n_heads, n_layers, squeeze=False, sharex=True, sharey=True)
        by_layer = trace.by_position().numpy()  # (layers, written, h, read)
        for i, (layer, weights) in enumerate(zip(trace.layers, by_layer, strict=True)):
            column = panels[:, i]
            for h, axes in enumerate(column):
                axes.set_title(f"layer {i + 1}, head {h + 1}{_reading(layer)}", fontsize=8)
                image = axes.imshow(weights[:, h], cmap="Blues", norm=norm, aspect="auto")
                axes.axvline(trace.n_prompt - 0.5, color=QUIET, linewidth=0.5)
                axes.spines[:].set_visible(False)
                axes.tick_params(length=0, pad=1, labelsize=font)
            column[0].tick_params(labeltop=True)
            column[-1].set_xticks(range(len(read)), list(read))
        for axes in panels[:, 0]:
            axes.set_yticks(range(len(written)), list(written))
        figure.colorbar(image, ax=panels, label="weight", shrink=0.5, aspect=30, pad=0.01)
        caption(
            figure,
            "a row shows what a head attended to when it wrote the row's character: the question, "
            "or, right of the line, the answer so far; "
            "look for a head that is dark under the name in the first row: it fetches what the "
            "answer depends on; one that is dark right of the line spells it on",
        )


def _reading(layer: LayerTrace) -> str:
    """Say what attends to what in a layer; nothing where characters attend to characters."""
    queries = {query.kind for query in layer.queries if query}
    keys = sorted({key.kind for key in layer.keys})
    if queries | set(keys) <= {"character"}:
        return ""
    readers = "".join(f"{kind}s " for kind in queries) or "no latent yet "
    return f": {readers}read {' and '.join(f'{kind}s' for kind in keys)}"
