"""One training over several processes, as ``torchrun`` starts them.

Each process, a rank, draws the whole batch and keeps its own rows. It divides the sum of their
losses by the number of scored characters in the whole batch. These losses and their gradients are
added up over the ranks, so that a step is that of one process (but for dropout, which each rank
draws for its own rows). Rank 0 does all else: it makes the folder, writes, evaluates and reports.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import NoReturn

import torch
import torch.distributed as dist
from torch import Tensor, nn

from nanoknow.data.batch import IGNORE, Batch
from nanoknow.errors import NanoknowError, NonFiniteError
from nanoknow.system.device import choose_device
from nanoknow.system.reporter import Lines, Reporter
from nanoknow.system.seeds import derive_seed
from nanoknow.system.signals import stop_signals

LONGEST_WAIT = timedelta(hours=2)
"""How long a rank waits for another: rank 0 alone evaluates and writes checkpoints."""


class LostRankError(NanoknowError):
    """Another process of the training has gone."""


@dataclass
class Ranks:
    """This process among those of a training.

    Attributes:
        rank: its number, from 0.
        size: how many there are; with one, nothing here does anything.
        asked: the signal for which it asks all to stop at the next step; 0 for none.
        stopped: the signal for which all have stopped; -1 for another reason, 0 while they train.
        device: the one on which the ranks exchange what they add up.
    """

    rank: int = 0
    size: int = 1
    asked: int = 0
    stopped: int = 0
    device: str = "cpu"

    def share(self, batch: Batch) -> tuple[Batch, int | None]:
        """Return this rank's rows of a batch, and the number of scored characters in all of it.

        With one rank, return the batch and None.
        """
        if self.size == 1:
            return batch, None
        return batch.part(self.rank, self.size), int((batch.targets != IGNORE).sum())

    def silencing(self, reporter: Reporter) -> Reporter:
        """Return the reporter for this rank, which is silent on all but rank 0."""
        return Lines(None) if self.rank else reporter

    def seed_dropout(self, seed: int, step: int) -> None:
        """Seed dropout by the step and the rank, so that no random state has to be kept."""
        if self.size > 1:
            torch.manual_seed(derive_seed(seed, f"dropout of rank {self.rank}", step))

    @contextmanager
    def agreeing(self) -> Iterator[None]:
        """Run a block that every rank runs: an error on one ends all, and rank 0 reports it."""
        mine: NanoknowError | None = None
        try:
            yield
        except NanoknowError as error:
            mine = error
        if self.size > 1:
            said: list[str | None] = [None] * self.size
            try:
                dist.all_gather_object(said, str(mine) if mine else None)
            except RuntimeError:
                mine = mine or LostRankError("another process of this training has gone")
            for rank, text in enumerate(said):
                if text and mine is None:
                    mine = NanoknowError(f"rank {rank}: {text}")
        if mine:
            raise SystemExit(1) if self.rank else mine

    def add_up(self, model: nn.Module, loss: Tensor, step: int) -> Tensor | None:
        """Add up loss and gradients over the ranks, and return the loss.

        Return None where all are to stop before the step.

        Raises:
            LostRankError: another rank has gone.
        """
        if self.size == 1:
            return loss
        gradients = [torch.zeros_like(p) if p.grad is None else p.grad for p in model.parameters()]
        sent = loss.new_tensor([0.0, float(self.asked)], dtype=torch.float64)
        sent[0] = loss.detach()
        flat = torch.cat([gradient.flatten() for gradient in gradients])
        try:
            everybody = [torch.empty_like(sent) for _ in range(self.size)]
            dist.all_gather(everybody, sent)
            self.stopped = next((int(each[1]) for each in everybody if each[1]), 0)
            if self.stopped:
                return None
            dist.all_reduce(flat)
        except RuntimeError as error:
            raise LostRankError(
                f"step {step}: another process of this training has gone or is not answering "
                f"({str(error).splitlines()[0][:80]}): the step before it is saved: go on with "
                f"--resume"
            ) from None
        parts = torch.split(flat, [gradient.numel() for gradient in gradients])
        for parameter, part in zip(model.parameters(), parts, strict=True):
            parameter.grad = part.view_as(parameter)
        return sum((each[0] for each in everybody), start=sent.new_zeros(())).to(loss.dtype)

    def stop_others(self) -> None:
        """Stop the other ranks where this one has: they wait for its part of the next step."""
        if self.size > 1 and not self.stopped:
            with suppress(RuntimeError):
                sent = torch.tensor([0.0, self.asked or -1], dtype=torch.float64).to(self.device)
                dist.all_gather([torch.empty_like(sent) for _ in range(self.size)], sent)

    def follow(self, steps: Iterator[object]) -> NoReturn:
        """Take part in the steps of a training that rank 0 leads, and end this process with it."""
        with stop_signals() as received, suppress(LostRankError, NonFiniteError):
            for _ in steps:
                self.asked = received[0] if received else 0
            raise SystemExit(0)
        raise SystemExit(1)  # rank 0 reports why


@contextmanager
def joined(device: str) -> Iterator[Ranks]:
    """Join the processes that ``torchrun`` has started, if it has started any.

    Raises:
        ConfigError: the device does not exist here.
    """
    size = int(os.environ["WORLD_SIZE"]) if dist.is_torchelastic_launched() else 1
    if size == 1:
        yield Ranks()
        return
    # If the optimizer imported this later, its default arguments would hold the group and its
    # threads until the process ends, where torch may abort over them.
    import torch.distributed.nn.functional

    chosen = choose_device(device).torch_device
    on_gpu = chosen.type == "cuda"
    if on_gpu:
        torch.cuda.set_device(chosen)  # torch exchanges objects on it, else all on the first GPU
    dist.init_process_group("nccl" if on_gpu else "gloo", timeout=LONGEST_WAIT)
    try:
        yield Ranks(dist.get_rank(), size, device=str(chosen) if on_gpu else "cpu")
    finally:
        with suppress(RuntimeError):
            dist.destroy_process_group()
