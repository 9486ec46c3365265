"""``nanoknow baseline``: score answers that need no model, to compare a run with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from typer import Option

from nanoknow.cli import options as opt
from nanoknow.cli.terminal import Terminal

if TYPE_CHECKING:
    from nanoknow.evaluation.baseline import BaselineResult


def baseline(
    config: opt.Config = None,
    eval_file: opt.EvalFile = None,
    questions: opt.QuestionsFile = None,
    corpus: opt.CorpusFile = None,
    documents: opt.Documents = None,
    method: Annotated[
        str,
        Option(
            help="One answer to all, or the first training answer in the subject's document.",
            **opt.one_of("constant", "lookup"),
        ),
    ] = "constant",
    answer: Annotated[
        str | None, Option(help="Constant answer; the most frequent training answer if not given.")
    ] = None,
    as_json: opt.AsJson = False,
) -> None:
    """Answer every question without a model, and score that.

    Example: nanoknow baseline --questions birth_places_train.tsv --eval birth_dev.tsv
    """
    from nanoknow.config.loading import resolve_config

    terminal = Terminal(as_json)
    overrides = opt.overrides(None, opt.data_flags(corpus, questions, eval_file, documents))
    resolved = resolve_config(config, overrides, terminal)
    from nanoknow.evaluation.baseline import baseline as score_baseline

    result = score_baseline(resolved.data, answer, method)
    terminal.show(result, show_baseline)


def show_baseline(terminal: Terminal, result: BaselineResult) -> None:
    """Show the score of a baseline."""
    terminal.pairs([("questions", result.questions), (result.name, result.score)])
