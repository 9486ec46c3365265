"""``nanoknow pretrain``."""

from nanoknow.cli import options as opt
from nanoknow.cli.terminal import Terminal
from nanoknow.cli.training import show_plan, show_training, training_flags


def pretrain(
    config: opt.Config = None,
    model: opt.Variant = None,
    bottleneck_dim: opt.Bottleneck = None,
    epochs: opt.Epochs = None,
    batch_size: opt.BatchSize = None,
    learning_rate: opt.LearningRate = None,
    corpus: opt.CorpusFile = None,
    documents: opt.Documents = None,
    questions: opt.QuestionsFile = None,
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
    """Train a model on a text.

    By span corruption; or as a language model, with pretrain.task.kind=language_modeling.

    Example: nanoknow pretrain --model perceiver --bottleneck-dim 64
    """
    from nanoknow.training.recipe import resolve_recipe

    opt.check_output("--out", out)
    opt.check_resume(resume, dry_run, out)
    terminal = Terminal()
    sizes = (model, bottleneck_dim, epochs, batch_size, learning_rate, seed)
    data = opt.data_flags(corpus, questions, None, documents, skip_long)
    overrides = opt.overrides(assign, [*training_flags("pretrain", *sizes), *data])
    if not resume:
        resolved = resolve_recipe(config, overrides, terminal)
        if dry_run:
            show_plan(terminal, ("pretrain",), resolved, device, as_json)
            return
    from nanoknow.training.resume import resume as resume_training
    from nanoknow.training.session import TrainingOptions
    from nanoknow.training.start import start_run

    options = TrainingOptions(device, max_minutes, tensorboard)
    if resume:
        summary = resume_training("pretrain", out, config, overrides, options, terminal)
    else:
        summary = start_run("pretrain", resolved, out, options, terminal)
    opt.show(terminal, summary, show_training, as_json)
