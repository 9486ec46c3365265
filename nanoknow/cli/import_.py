"""``nanoknow import``: make a run of a checkpoint of the course's code."""

from pathlib import Path
from typing import Annotated

from typer import Argument

from nanoknow.cli import options as opt
from nanoknow.cli.terminal import Terminal
from nanoknow.cli.training import show_training
from nanoknow.config.loading import load_config
from nanoknow.errors import ConfigError


def import_(
    file: Annotated[
        Path, Argument(metavar="FILE", help="Written by torch.save(model.state_dict(), …).")
    ],
    model: opt.Variant = None,
    corpus: opt.CorpusFile = None,
    documents: opt.Documents = None,
    questions: opt.QuestionsFile = None,
    eval_file: opt.EvalFile = None,
    assign: opt.Set = None,
    device: opt.DeviceName = "auto",
    out: opt.Out = None,
    as_json: opt.AsJson = False,
) -> None:
    """Make a run of a checkpoint of the course's own code.

    The run counts as pretrained on the corpus; with --questions, as finetuned on these.

    Example: nanoknow import vanilla.params --model vanilla --corpus wiki.txt
    """
    data = opt.data_flags(corpus, questions, eval_file, documents)
    config = load_config(None, opt.overrides(assign, [*opt.training_flags(model), *data]))
    if config.model.variant != "vanilla":
        raise ConfigError(
            f"--model {config.model.variant}: import takes vanilla models: train a perceiver here"
        )
    from nanoknow.sharing.params import import_params

    terminal = Terminal(as_json)
    summary = import_params(file, config, out, device, terminal)
    terminal.show(summary, show_training)
