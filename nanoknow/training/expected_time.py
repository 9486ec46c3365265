"""How long a training will take here, before its first step."""

import copy
import itertools
import time
from contextlib import suppress
from dataclasses import dataclass
from statistics import median

import torch

from nanoknow.complexity.formulas import complexity_of
from nanoknow.errors import NanoknowError
from nanoknow.training.prepare import Prepared
from nanoknow.training.trainer import Trainer

FEWEST_STEPS = 50
"""Shorter trainings are over before an estimate is worth its own time."""
TRIAL_STEPS, TRIAL_SECONDS = 6, 1.5


@dataclass(frozen=True)
class Expected:
    """What a training takes.

    Attributes:
        flops: of all epochs, a backward pass counted as two forward ones and every example as long
            as its task allows.
        seconds: here; None where it is over at once.
    """

    n_parameters: int
    steps: int
    flops: int
    seconds: float | None


def expect(prepared: Prepared) -> Expected:
    """Return what a training takes, by its sizes and ``expected_time``."""
    trainer, task = prepared.trainer, prepared.trainer.task
    one = complexity_of(prepared.config.model, len(prepared.tokenizer), task.tokens_per_example)
    flops = 3 * one.flops * task.n_examples * trainer.config.epochs
    return Expected(trainer.model.n_parameters, trainer.total_steps, flops, expected_time(trainer))


def expected_time(trainer: Trainer) -> float | None:
    """Return how many seconds a training takes here, by a copy's first steps.

    The trainer and the random numbers that it will draw are left as they are. Nothing is known of
    trainings that are over at once, or whose first steps fail.
    """
    if trainer.total_steps < FEWEST_STEPS:
        return None
    on_gpu = trainer.device.torch_device.type == "cuda"
    with torch.random.fork_rng([trainer.device.torch_device] if on_gpu else []):
        model = copy.deepcopy(trainer.model)
        trial = Trainer(model, trainer.task, trainer.config, trainer.device, trainer.seed)
        times = [time.monotonic()]
        with suppress(NanoknowError):
            for _ in trial.steps():
                times.append(time.monotonic())
                if len(times) > TRIAL_STEPS or times[-1] - times[0] > TRIAL_SECONDS:
                    break
    steps = [end - start for start, end in itertools.pairwise(times)]
    # The first step makes what later ones use again. Here one process made all of each.
    return median(steps[1:] or steps) * trainer.total_steps / trainer.ranks.size if steps else None
