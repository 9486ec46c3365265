"""``nanoknow attention``: measure what attention can do, or show what a run's heads read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from rich.cells import cell_len
from typer import Option

from nanoknow.cli import options as opt
from nanoknow.cli.terminal import Terminal, shown
from nanoknow.errors import ConfigError

if TYPE_CHECKING:
    from torch import Tensor

    from nanoknow.attention.experiments import TheoryReport
    from nanoknow.attention.question import AttentionReport

MARKS = " ▁▂▃▄▅▆▇█"
PEAK_WIDTH = 6
"""Columns to the right of the text, for a line's largest weight."""


def attention(
    run: opt.RunFolder = None,
    run_flag: opt.RunFlag = None,
    question: Annotated[
        str | None, Option(metavar="TEXT", help="Ask a run this; show what its heads read.")
    ] = None,
    device: Annotated[
        str | None, Option(help="With --question: device to compute on.", **opt.DEVICES)
    ] = None,
    dim: Annotated[
        int | None, Option(help="Without --question: dimensions of keys and values.")
    ] = None,
    keys: Annotated[int | None, Option(help="Without --question: number of keys.")] = None,
    beta: Annotated[float | None, Option(help="Without --question: β, the query's length.")] = None,
    draws: Annotated[int | None, Option(help="Without --question: number of draws.")] = None,
    seed: Annotated[int | None, Option(help="Without --question: seed of draws.")] = None,
    plot: opt.Plot = None,
    as_json: opt.AsJson = False,
) -> None:
    """Measure what attention can do, or what a run's heads read.

    Without --question, measure the findings of the attention exploration, and show theory beside.

    Examples: nanoknow attention --plot attention.png

    nanoknow attention --question "Where was Khatchig Mouradian born?"
    """
    run = opt.named_run(run, run_flag)
    terminal = Terminal(as_json)
    sizes = {"dim": dim, "n_keys": keys, "beta": beta, "draws": draws, "seed": seed}
    given = {name: value for name, value in sizes.items() if value is not None}
    if question is not None:
        if given:
            flag = next(iter(given)).removeprefix("n_")
            raise ConfigError(f"--{flag}: not with --question: leave one of them out")
        from nanoknow.attention.question import trace_question

        answered = trace_question(run, question, device or "auto", terminal)
        if plot:
            from nanoknow.attention.figure import plot_trace

            plot_trace(answered, plot)
        terminal.show(answered, show_trace, plot=plot)
        return
    if run is not None:
        raise ConfigError(f"{run}: what to ask it? Add --question TEXT, or leave the run out")
    if device is not None:
        raise ConfigError(f"--device {device}: only with --question: leave it out")
    from nanoknow.attention.experiments import run_experiments
    from nanoknow.attention.theory import Setting

    report = run_experiments(Setting(**given))  # type: ignore[arg-type]
    if plot:
        from nanoknow.attention.figure import plot_theory

        plot_theory(report, plot)
    terminal.show(report, show_theory, plot=plot)


def show_theory(terminal: Terminal, report: TheoryReport) -> None:
    """Show measured quantities beside theory."""
    s = report.setting
    rows = []
    for finding in report.findings:
        rows.append((f"({finding.letter}) {finding.name}", "", "", ""))
        for each in finding.quantities:
            error = each.standard_error
            spread = "" if error is None else f"{error:.1g}"
            theory = f"{'≤ ' if each.is_bound else ''}{each.theory:.4g}"
            rows.append((f"    {each.name}", f"{each.measured:.4g}", spread, theory))
    sizes = f"{s.n_keys} keys and values of {s.dim} dimensions, β = {s.beta:g}"
    title = f"{sizes}; {s.draws:,} draws, seed {s.seed}"
    terminal.table(title, ("", "measured", "± s.e.", "theory"), rows)


def show_trace(terminal: Terminal, report: AttentionReport) -> None:
    """Show, as marks under the text, how much each head attended to each character."""
    trace = report.trace
    answer = f"{report.answer} (log probability {report.log_probability:.3f})"
    run = f"{report.run} ({report.variant}, epoch {report.epoch})"
    terminal.pairs([("run", run), ("question", report.question), ("answer", answer)])
    terminal.paragraph("A line's highest mark is its largest weight, given on the right.")
    if any(key.kind == "latent" for layer in trace.layers for key in layer.keys):
        terminal.paragraph("A latent is marked under the last character that it reads.")
    name_width = max(len(layer.name) for layer in trace.layers)
    weights = trace.by_position()  # (layers, written, h, read)
    heads = [
        (f"{layer.name:<{name_width}} {h:<4}", each)
        for layer, of_layer in zip(trace.layers, weights.mean(1), strict=True)
        for h, each in enumerate(of_layer, start=1)
    ]
    _show_marks(terminal, "By layer and head, mean over all characters written", report.read, heads)
    written = [
        (_shown(c).ljust(name_width + 5), each)
        for c, each in zip(report.written, weights.mean((0, 2)), strict=True)
    ]
    _show_marks(terminal, "By character written, mean over layers and heads", report.read, written)


def _show_marks(terminal: Terminal, title: str, read: str, rows: list[tuple[str, Tensor]]) -> None:
    """Print weights as marks; a line's highest is its largest weight, printed on the right.

    A text wider than the terminal is cut into lines, one below the other.

    Args:
        terminal: the terminal to print on.
        title: the heading above all lines.
        read: the text that the model reads.
        rows: labels, all of one width, and (len(read),) weights.
    """
    margin = len(rows[0][0])
    text = "".join(map(_shown, read))
    width = max(1, terminal.out.width - margin - PEAK_WIDTH)
    terminal.heading(title)
    for first in range(0, len(text), width):
        line = slice(first, first + width)
        terminal.styled(shown(f"{' ' * margin}{text[line]}\n", "bold", lines=True))
        for label, weights in rows:
            peak = float(weights.max())
            shares = (weight / (peak or 1.0) for weight in weights[line].tolist())
            marks = "".join(MARKS[round(share * (len(MARKS) - 1))] for share in shares)
            terminal.line(f"{label}{marks.ljust(min(width, len(text)))}  {peak:.2f}")


def _shown(character: str) -> str:
    """Return a character if it takes one column, else a dot."""
    return character if character.isprintable() and cell_len(character) == 1 else "·"
