"""Trains in float64 and saves the weights: alone, or as a rank of torchrun's (see test_ranks)."""

import sys
from pathlib import Path

import torch
from safetensors.torch import save_file

from nanoknow.training.ranks import joined
from tests.helpers.training import fresh_model, questions_task, stage, trainer_on


def main() -> None:
    """Train 50 steps or more: batches of 5 of 11 questions, so that the last has one row alone."""
    with joined("cpu") as ranks:
        trainer = trainer_on(questions_task(), stage(17, 5), fresh_model().double())
        trainer.ranks = ranks
        losses = [result.loss for result in trainer.steps()]
        if ranks.rank == 0:
            weights = {**trainer.model.state_dict(), "losses": torch.tensor(losses)}
            save_file(weights, Path(sys.argv[1]))
    threads = [file.read_text() for file in Path("/proc/self/task").glob("*/comm")]
    assert not any("gloo" in name for name in threads), threads  # which may abort it as it exits


if __name__ == "__main__":
    main()
