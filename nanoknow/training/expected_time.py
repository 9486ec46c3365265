"""Estimate how long a training will take on this machine, before its first step."""

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
"""Shorter trainings are not worth the time of an estimate."""
TRIAL_STEPS, TRIAL_SECONDS = 6, 1.5


@dataclass(frozen=True)
class Expected:
    """What a training takes.

    Attributes:
        flops: of all epochs, a backward pass counted as two forward ones and every example as long
            as its task allows.
        seconds: on this machine; None where the first step fails.
    """

    n_parameters: int
    steps: int
    flops: int
    seconds: float | None


def expect(prepared: Prepared) -> Expected:
    """Return what a training takes, from its sizes and ``expected_time``."""
    trainer, task = prepared.trainer, prepared.trainer.task
    one = complexity_of(prepared.config.model, len(prepared.tokenizer), task.tokens_per_example)
    flops = 3 * one.flops * task.n_examples * trainer.config.epochs
    seconds = expected_time(trainer, however_short=True)
    return Expected(trainer.model.n_parameters, trainer.total_steps, flops, seconds)


def expected_time(trainer: Trainer, *, however_short: bool = False) -> float | None:
    """Estimate how many seconds a training takes here, by timing the first steps of a copy.

    The trainer and the random numbers that it will draw are left as they are. Returns None where
    the first step fails, and for fewer than ``FEWEST_STEPS`` steps unless ``however_short``.
    """
    if trainer.total_steps < FEWEST_STEPS and not however_short:
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
    # The first step also sets up what later ones reuse. The copy computed whole steps in one
    # process; the training shares each among its ranks.
    return trainer.total_steps / trainer.ranks.size * median(steps[1:] or steps) if steps else None
