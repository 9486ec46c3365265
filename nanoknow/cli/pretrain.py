"""``nanoknow pretrain``: train a model on a text."""

from nanoknow.cli import options as opt
from nanoknow.cli.terminal import Terminal
from nanoknow.cli.training import show_plan, show_training


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

    The task is span corruption; --set pretrain.task.kind=language_modeling makes it a language
    model.

    Example: nanoknow pretrain --model perceiver --bottleneck-dim 64
    """
    opt.check_resume(resume, dry_run, out)
    from nanoknow.training.session import TrainingOptions
    from nanoknow.training.train import plan, train

    terminal = Terminal(as_json)
    sizes = opt.training_flags(model, bottleneck_dim, epochs, batch_size, learning_rate, seed)
    data = opt.data_flags(corpus, questions, None, documents, skip_long)
    flags = opt.overrides(assign, [*sizes, *data])
    if dry_run:
        stage, resolved, _ = plan("pretrain", None, config, flags, terminal)
        show_plan(terminal, (stage,), resolved, device)
        return
    options = TrainingOptions(device, max_minutes, tensorboard)
    summary = train("pretrain", None, config, flags, out, options, terminal, resume=resume)
    terminal.show(summary, show_training)
