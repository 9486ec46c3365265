"""How long a training will take here, before its first step."""

import copy
import itertools
import time
from contextlib import suppress
from statistics import median

import torch

from nanoknow.errors import NanoknowError
from nanoknow.system.durations import in_words
from nanoknow.training.trainer import Trainer

FEWEST_STEPS = 50
"""Shorter trainings are over before an estimate is worth its own time."""
TRIAL_STEPS, TRIAL_SECONDS = 6, 1.5


def expected_time(trainer: Trainer) -> list[str]:
    """Say how many steps a training has and how long they take here, by a copy's first steps.

    The trainer and the random numbers that it will draw are left as they are. Nothing is said of
    trainings that are over at once, or whose first steps fail.
    """
    if trainer.total_steps < FEWEST_STEPS:
        return []
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
    if not steps:
        return []
    # The first step makes what later ones use again.
    seconds = trainer.total_steps * median(steps[1:] or steps)
    return [f"{trainer.total_steps:,} steps, about {in_words(seconds)} here"]
