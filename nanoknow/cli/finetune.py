"""``nanoknow finetune``: train a model to answer questions."""

from pathlib import Path
from typing import Annotated

from typer import Option

from nanoknow.cli import options as opt
from nanoknow.cli.terminal import Terminal
from nanoknow.cli.training import show_plan, show_training

SCRATCH = "scratch"


def finetune(
    start: Annotated[
        str | None,
        Option(
            "--from",
            metavar="RUN|scratch",
            help="Run to start from; latest if not given.",
            autocompletion=lambda: ["scratch", *opt.run_names()],
        ),
    ] = None,
    config: opt.Config = None,
    model: opt.Variant = None,
    bottleneck_dim: opt.Bottleneck = None,
    epochs: opt.Epochs = None,
    batch_size: opt.BatchSize = None,
    learning_rate: opt.LearningRate = None,
    corpus: opt.CorpusFile = None,
    documents: opt.Documents = None,
    questions: opt.QuestionsFile = None,
    eval_file: opt.EvalFile = None,
    skip_long: opt.SkipLong = False,
    assign: opt.Set = None,
    seed: opt.Seed = None,
    device: opt.DeviceName = "auto",
    out: opt.Out = None,
    resume: opt.Resume = False,
    dry_run: opt.DryRun = False,
    max_minutes: opt.MaxMinutes = None,
    tensorboard: opt.TensorBoard = False,
    as_json: opt.AsJson = False,
) -> None:
    """Train a model to answer questions.

    It starts from a pretrained run, or --from scratch.

    Example: nanoknow finetune --questions birth_places_train.tsv
    """
    opt.check_resume(resume, dry_run, out)
    if start not in (None, SCRATCH):
        opt.named_run(Path(start))
    from nanoknow.training.session import TrainingOptions
    from nanoknow.training.train import plan, train

    terminal = Terminal(as_json)
    sizes = opt.training_flags(model, bottleneck_dim, epochs, batch_size, learning_rate, seed)
    data = opt.data_flags(corpus, questions, eval_file, documents, skip_long)
    flags = opt.overrides(assign, [*sizes, *data])
    if dry_run:
        stage, resolved, source = plan("finetune", start, config, flags, terminal)
        show_plan(terminal, (stage,), resolved, device, source)
        return
    options = TrainingOptions(device, max_minutes, tensorboard)
    summary = train("finetune", start, config, flags, out, options, terminal, resume=resume)
    terminal.show(summary, show_training)
