"""The ``nanoknow`` command: parse, call one recipe, show its result as a table or as JSON.

Recipes are imported inside the commands, so that ``--help`` need not wait for torch.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from nanoknow import __version__
from nanoknow import options as opt
from nanoknow.cli_data import config_app, data_app
from nanoknow.config import DataConfig
from nanoknow.config_file import Override, load_config
from nanoknow.console import Terminal
from nanoknow.errors import ConfigError

if TYPE_CHECKING:
    from nanoknow.recipes.training import TrainingOptions, TrainingSummary

app = typer.Typer(
    name="nanoknow",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
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
def pretrain(
    config: opt.Config = None,
    model: opt.Variant = None,
    bottleneck_dim: opt.Bottleneck = None,
    epochs: opt.Epochs = None,
    batch_size: opt.BatchSize = None,
    learning_rate: opt.LearningRate = None,
    corpus: opt.CorpusFile = None,
    assign: opt.Set = None,
    seed: opt.Seed = None,
    device: opt.DeviceName = "auto",
    out: opt.Out = None,
    resume: opt.Resume = False,
    max_minutes: opt.MaxMinutes = None,
    as_json: opt.AsJson = False,
) -> None:
    """Train a model on a text: span corruption, or plain language modelling.

    Example: nanoknow pretrain --model perceiver --bottleneck-dim 64
    """
    from nanoknow.recipes.pretrain import pretrain as recipe
    from nanoknow.recipes.settings import settle
    from nanoknow.recipes.training import TrainingOptions

    terminal = Terminal()
    options = TrainingOptions(device, max_minutes)
    overrides = opt.overrides(
        assign,
        {
            "--model": ("model.variant", model),
            "--bottleneck-dim": ("model.bottleneck_dim", bottleneck_dim),
            **_stage_flags("pretrain", epochs, batch_size, learning_rate),
            "--corpus": ("data.corpus", corpus),
            "--seed": ("seed", seed),
        },
    )
    if resume:
        _resume(out, config, overrides, options, terminal, as_json)
        return
    resolved = settle(config, overrides, terminal)
    summary = recipe(resolved, out, options, terminal)
    _show_training(terminal, summary, as_json)


@app.command()
@opt.guarded
def finetune(
    start: Annotated[
        str | None,
        typer.Option(
            "--from", metavar="RUN|scratch", help="Run to start from; latest if not given."
        ),
    ] = None,
    config: opt.Config = None,
    model: opt.Variant = None,
    bottleneck_dim: opt.Bottleneck = None,
    epochs: opt.Epochs = None,
    batch_size: opt.BatchSize = None,
    learning_rate: opt.LearningRate = None,
    corpus: opt.CorpusFile = None,
    questions: opt.QuestionsFile = None,
    eval_file: opt.EvalFile = None,
    assign: opt.Set = None,
    seed: opt.Seed = None,
    device: opt.DeviceName = "auto",
    out: opt.Out = None,
    resume: opt.Resume = False,
    max_minutes: opt.MaxMinutes = None,
    as_json: opt.AsJson = False,
) -> None:
    """Learn to answer questions: after pretraining, or --from scratch.

    Example: nanoknow finetune --questions birth_places_train.tsv
    """
    from nanoknow.recipes.finetune import find_source
    from nanoknow.recipes.finetune import finetune as recipe
    from nanoknow.recipes.settings import settle
    from nanoknow.recipes.training import TrainingOptions

    terminal = Terminal()
    options = TrainingOptions(device, max_minutes)
    scratch = start == "scratch"
    overrides = opt.overrides(
        assign,
        {
            "--model": ("model.variant", model),
            "--bottleneck-dim": ("model.bottleneck_dim", bottleneck_dim),
            **_stage_flags("scratch" if scratch else "finetune", epochs, batch_size, learning_rate),
            **opt.data_flags(corpus, questions, eval_file),
            "--seed": ("seed", seed),
        },
    )
    if resume:
        given = [Override("start", start, "--from")] if start else []
        _resume(out, config, [*given, *overrides], options, terminal, as_json)
        return
    if scratch:
        summary = recipe(settle(config, overrides, terminal), None, out, options, terminal)
    else:
        named = load_config(config, overrides).data
        run, source = find_source(Path(start) if start else None, named, overrides, terminal)
        resolved = settle(config, overrides, terminal, base=run.config)
        summary = recipe(resolved, source, out, options, terminal)
    _show_training(terminal, summary, as_json)


@app.command()
@opt.guarded
def evaluate(
    run: opt.RunFolder = None,
    eval_file: opt.EvalFile = None,
    corpus: opt.CorpusFile = None,
    questions: opt.QuestionsFile = None,
    device: opt.DeviceName = "auto",
    as_json: opt.AsJson = False,
) -> None:
    """Ask a finetuned run questions; score, baseline, and what it knew or made up.

    Example: nanoknow evaluate --eval birth_dev.tsv
    """
    from nanoknow.recipes.evaluate import evaluate as recipe
    from nanoknow.tables import show_evaluation

    terminal = Terminal()
    data = DataConfig(corpus=corpus, questions=questions, eval=eval_file)
    evaluation = recipe(run, data, device, terminal)
    if as_json:
        terminal.result(evaluation.to_json())
    else:
        show_evaluation(terminal, evaluation)


@app.command()
@opt.guarded
def baseline(
    config: opt.Config = None,
    eval_file: opt.EvalFile = None,
    questions: opt.QuestionsFile = None,
    answer: Annotated[
        str | None, typer.Option(help="Say this; else the most frequent training answer.")
    ] = None,
    as_json: opt.AsJson = False,
) -> None:
    """Say one answer to every question, and see what that is worth.

    Example: nanoknow baseline --questions birth_places_train.tsv --eval birth_dev.tsv
    """
    from nanoknow.recipes.evaluate import baseline as recipe
    from nanoknow.recipes.settings import settle
    from nanoknow.tables import show_baseline

    terminal = Terminal()
    overrides = opt.overrides(None, opt.data_flags(None, questions, eval_file))
    result = recipe(settle(config, overrides, terminal).data, answer)
    if as_json:
        terminal.result(result.to_json())
    else:
        show_baseline(terminal, result)


@app.command()
@opt.guarded
def sample(
    run: opt.RunFolder = None,
    context: Annotated[str | None, typer.Option(help="Text to go on from.")] = None,
    length: Annotated[int | None, typer.Option(help="Characters to write.")] = None,
    temperature: Annotated[float | None, typer.Option(help="Divides the logits.")] = None,
    top_k: Annotated[int | None, typer.Option(help="Draw among so many; 0 for all.")] = None,
    seed: Annotated[int, typer.Option(help="Of the draws.")] = 0,
    device: opt.DeviceName = "auto",
    as_json: opt.AsJson = False,
) -> None:
    """Let a language model write on; the text streams as it comes.

    Example: nanoknow sample --context "O God, O God!"
    """
    from nanoknow.recipes.sample import sample as recipe

    terminal = Terminal()
    flags = {
        "--context": ("sample.context", context),
        "--length": ("sample.length", length),
        "--temperature": ("sample.temperature", temperature),
        "--top-k": ("sample.top_k", top_k or None),
    }
    config = load_config(None, opt.overrides(None, flags)).sample
    if top_k == 0:
        config = config.model_copy(update={"top_k": None})
    pieces = recipe(run, config, seed, device, terminal)
    if as_json:
        text = "".join(pieces)
        terminal.result({**config.model_dump(), "seed": seed, "text": text})
        return
    terminal.write(config.context)
    for piece in pieces:
        terminal.write(piece)
    terminal.write("\n")


@app.command()
@opt.guarded
def complexity(
    seq_len: Annotated[int | None, typer.Option(help="Characters of the sequence, ℓ.")] = None,
    bottleneck: Annotated[int | None, typer.Option(help="Latents of the perceiver, m.")] = None,
    d_model: Annotated[int | None, typer.Option(help="Width, d.")] = None,
    n_layers: Annotated[int | None, typer.Option(help="Layers, L.")] = None,
    n_heads: Annotated[int | None, typer.Option(help="Heads, h.")] = None,
    vocab_size: Annotated[int | None, typer.Option(help="Characters, V.")] = None,
    sweep: Annotated[
        str | None, typer.Option(metavar="ℓ,ℓ,…", help="Sequence lengths to compare.")
    ] = None,
    plot: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Draw the sweep as .png or .svg.")
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


def _stage_flags(
    stage: str, epochs: int | None, batch_size: int | None, learning_rate: float | None
) -> dict[str, tuple[str, Any]]:
    return {
        "--epochs": (f"{stage}.epochs", epochs),
        "--batch-size": (f"{stage}.batch_size", batch_size),
        "--learning-rate": (f"{stage}.optimizer.learning_rate", learning_rate),
    }


def _resume(
    out: Path | None,
    config: str | None,
    overrides: Sequence[Override],
    options: TrainingOptions,
    terminal: Terminal,
    as_json: bool,
) -> None:
    """Continue a run by its own config: what else was asked for would be silently ignored."""
    from nanoknow.recipes.training import resume_run
    from nanoknow.runs import Run

    if out is None:
        raise ConfigError("--resume: name the run to continue with --out DIR")
    asked = [override.label for override in overrides] + (["--config"] if config else [])
    if asked:
        raise ConfigError(
            f"--resume continues {out} by its own config: drop {', '.join(asked)}, or start a new "
            f"run"
        )
    _show_training(terminal, resume_run(Run.open(out), options, terminal), as_json)


def _show_training(terminal: Terminal, summary: TrainingSummary, as_json: bool) -> None:
    from nanoknow.tables import show_training

    if as_json:
        terminal.result(summary.to_json())
    else:
        show_training(terminal, summary)


def main() -> None:
    """Run the command line."""
    app()
