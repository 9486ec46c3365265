"""The commands that train: ``nanoknow pretrain`` and ``nanoknow finetune``."""

from __future__ import annotations

from nanoknow.cli import options as opt
from nanoknow.cli.terminal import Terminal
from nanoknow.cli.training import _resume, _stage_flags, show_training


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
    tensorboard: opt.TensorBoard = False,
    as_json: opt.AsJson = False,
) -> None:
    """Train a model on a text: span corruption, or plain language modelling.

    Example: nanoknow pretrain --model perceiver --bottleneck-dim 64
    """
    from nanoknow.config.resolve import settle
    from nanoknow.training.pretrain import pretrain as recipe
    from nanoknow.training.session import TrainingOptions

    opt.check_output("--out", out)
    terminal = Terminal()
    options = TrainingOptions(device, max_minutes, tensorboard)
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
        _resume(out, ("pretrain",), config, overrides, options, terminal, as_json)
        return
    resolved = settle(config, overrides, terminal)
    summary = recipe(resolved, out, options, terminal)
    opt.show(terminal, summary, show_training, as_json)
