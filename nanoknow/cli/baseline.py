"""``nanoknow baseline``."""

from __future__ import annotations

from typing import Annotated

import typer

from nanoknow.cli import options as opt
from nanoknow.cli.terminal import Terminal


@opt.guarded
def baseline(
    config: opt.Config = None,
    eval_file: opt.EvalFile = None,
    questions: opt.QuestionsFile = None,
    corpus: opt.CorpusFile = None,
    method: Annotated[
        str,
        typer.Option(
            metavar="constant|lookup",
            help="One answer for everybody, or the first place in the person's own document.",
        ),
    ] = "constant",
    answer: Annotated[
        str | None, typer.Option(help="Say this; else the most frequent training answer.")
    ] = None,
    as_json: opt.AsJson = False,
) -> None:
    """Answer every question without a model, and see what that is worth.

    Example: nanoknow baseline --questions birth_places_train.tsv --eval birth_dev.tsv
    """
    from nanoknow.cli.tables import show_baseline
    from nanoknow.config.resolve import settle
    from nanoknow.evaluation.baseline import baseline as recipe

    terminal = Terminal()
    overrides = opt.overrides(None, opt.data_flags(corpus, questions, eval_file))
    result = recipe(settle(config, overrides, terminal).data, answer, method)
    opt.show(terminal, result, show_baseline, as_json)
