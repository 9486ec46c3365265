"""The only training loop: it yields what happened and neither prints nor writes."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from nanoknow.config.experiment import StageConfig
from nanoknow.data.batch import IGNORE
from nanoknow.errors import NonFiniteError, OutOfMemoryError, ran_out_of_memory
from nanoknow.models.base import CharacterModel
from nanoknow.system.device import Device
from nanoknow.system.memory import keep_freed_memory, largest_that_fits
from nanoknow.system.seeds import derive_seed, new_generator
from nanoknow.tasks.base import Task
from nanoknow.training.optimizer import build_optimizers, learning_rate
from nanoknow.training.order import ShuffledOrder


@dataclass
class Progress:
    """How far training has come; with the seed, this is the place in the data.

    Attributes:
        step: updates made.
        epoch: epochs completed.
        batch: batches done in the epoch that is under way.
        positions: places seen, padding up to the block included; drives the schedule.
        epoch_loss: sum of the losses in the epoch that is under way, when last read.
    """

    step: int = 0
    epoch: int = 0
    batch: int = 0
    positions: int = 0
    epoch_loss: float = 0.0


@dataclass(frozen=True)
class Reading:
    """What a step computed, read back from the device.

    Attributes:
        loss: mean cross-entropy of the characters that carry loss, in nats.
        grad_norm: of all gradients together, before clipping.
    """

    loss: float
    grad_norm: float


@dataclass(frozen=True)
class StepResult:
    """One update.

    Attributes:
        step: its number, from 1.
        epoch: the epoch it belongs to, from 1.
        learning_rate: the rate it was made with.
        n_examples: in its batch.
        reading: at the first step, every ``log_every`` and at the end of an epoch; None between,
            so that no step has to wait for the device.
        epoch_loss: mean loss of the epoch, at its last step only.
    """

    step: int
    epoch: int
    learning_rate: float
    n_examples: int
    reading: Reading | None
    epoch_loss: float | None


@dataclass
class Trainer:
    """Trains a model on a task; create it once, and again only to resume."""

    model: CharacterModel
    task: Task
    config: StageConfig
    device: Device
    seed: int
    progress: Progress = field(default_factory=Progress)

    def __post_init__(self) -> None:
        if self.device.torch_device.type == "cpu":
            keep_freed_memory()
        self.model.to(self.device.torch_device)
        self.task.to(self.device.torch_device)
        self.optimizers = build_optimizers(self.model, self.config.optimizer)
        on_device: dict[str, Any] = {"device": self.device.torch_device, "dtype": torch.float64}
        self._loss_sum = torch.zeros((), **on_device)
        # Step, loss, gradient norm and rate of the first step that was no number; 0 before.
        self._fault = torch.zeros(4, **on_device)
        # Dropout draws from torch's own generators: they take no other.
        torch.manual_seed(derive_seed(self.seed, "dropout"))

    @property
    def steps_per_epoch(self) -> int:
        """Batches in an epoch, a smaller last one included."""
        return math.ceil(self.task.n_examples / self.config.batch_size)

    @property
    def total_steps(self) -> int:
        """Updates in all the planned epochs."""
        return self.steps_per_epoch * self.config.epochs

    def steps(self) -> Iterator[StepResult]:
        """Train from where ``progress`` stands to the end of the last epoch.

        Once a loss or gradient is not finite no weight changes any more; the device sees to that
        by itself, and it is reported with the next reading.

        Raises:
            NonFiniteError: names the step, whose update was not made.
            OutOfMemoryError: names the step, and the batch size that fits.
        """
        while self.progress.epoch < self.config.epochs:
            seed = derive_seed(self.seed, "order", self.progress.epoch)
            order = ShuffledOrder(self.task.n_examples, seed)
            for number in range(self.progress.batch, self.steps_per_epoch):
                start = number * self.config.batch_size
                indices = torch.from_numpy(order.part(start, start + self.config.batch_size))
                yield self._step_that_fits(indices, is_last=number == self.steps_per_epoch - 1)

    def _step_that_fits(self, indices: Tensor, *, is_last: bool) -> StepResult:
        try:
            return self._step(indices, is_last=is_last)
        except (MemoryError, RuntimeError) as error:
            if not ran_out_of_memory(error):
                raise
        # Only here, out of the handler, are the tensors of the step let go.
        n, block = len(indices), self.model.config.block_size
        fits = largest_that_fits(n, self._try_gradients)
        advice = (
            f"batch_size {fits} fits: start a new run with it"
            if fits
            else "and no smaller batch fits now: start a new run with a smaller block or model"
        )
        raise OutOfMemoryError(
            f"step {self.progress.step + 1}: out of memory with batch_size {n} and block_size "
            f"{block}: {advice}, or free memory and continue with --resume"
        )

    def _try_gradients(self, n: int) -> None:
        """Compute the gradients of n examples, beside what the first step adds to memory."""
        self.model.zero_grad(set_to_none=True)
        moments = []
        if not any(optimizer.state for optimizer in self.optimizers):
            moments = [torch.empty_like(p) for p in self.model.parameters() for _ in range(2)]
        self._loss(torch.arange(n)).backward()  # type: ignore[no-untyped-call]
        del moments

    def _loss(self, indices: Tensor) -> Tensor:
        """Return the loss of some examples as the step that is due makes them."""
        batch = self.task.batch(indices, new_generator(self.seed, "examples", self.progress.step))
        # Another device would have to be waited for before the targets can be counted.
        on_cpu = self.device.torch_device.type == "cpu"
        logit_indices, targets = batch.scored() if on_cpu else (None, batch.targets)
        with self.device.autocast():
            logits = self.model(batch.tokens, batch.layout, logit_indices=logit_indices)  # (P, V)
        precise = torch.promote_types(logits.dtype, torch.float32)
        return F.cross_entropy(logits.to(precise), targets, ignore_index=IGNORE)

    def _step(self, indices: Tensor, *, is_last: bool) -> StepResult:
        progress = self.progress
        self.model.train()
        rate = self._set_learning_rate(progress.positions + self._positions(len(indices)))
        self.model.zero_grad(set_to_none=True)
        loss = self._loss(indices)
        loss.backward()  # type: ignore[no-untyped-call]
        clip = self.config.optimizer.grad_clip
        grad_norm = torch.nn.utils.clip_grad_norm_(self.model.parameters(), clip)
        self._update(loss.detach(), grad_norm, rate)
        progress.step += 1
        progress.batch += 1
        progress.positions += self._positions(len(indices))
        reading, epoch_loss = None, None
        if is_last or progress.step == 1 or progress.step % self.config.log_every == 0:
            self._check()
            reading = Reading(loss.item(), grad_norm.item())
        epoch = progress.epoch + 1
        if is_last:
            epoch_loss = progress.epoch_loss / progress.batch
            progress.epoch, progress.batch, progress.epoch_loss = epoch, 0, 0.0
            self._loss_sum.zero_()
        return StepResult(progress.step, epoch, rate, len(indices), reading, epoch_loss)

    def _update(self, loss: Tensor, grad_norm: Tensor, rate: float) -> None:
        """Step the optimizers, unless a loss or gradient has ever been no number.

        Raises:
            NonFiniteError: it has, and an optimizer cannot see to that on the device.
        """
        step = torch.full_like(self._loss_sum, self.progress.step + 1)
        numbers = torch.stack(
            [step, loss.double(), grad_norm.double(), torch.full_like(step, rate)]
        )
        is_first = (self._fault[0] == 0) & ~numbers.isfinite().all()
        self._fault = torch.where(is_first, numbers, self._fault)
        for optimizer in self.optimizers:
            if isinstance(optimizer, torch.optim.AdamW):
                # What gradient scaling uses too: where it is 1, a fused step changes nothing.
                optimizer.found_inf = (self._fault[0] > 0).float()  # type: ignore[attr-defined]
            else:
                self._check()
            optimizer.step()
        self._loss_sum += loss

    def _check(self) -> None:
        """Read the sum of losses, and stop if any step of it was no number."""
        step, loss, norm, rate = self._fault.tolist()
        if step:
            raise NonFiniteError(
                f"step {step:.0f}: loss {loss:g}, gradient norm {norm:g}: stopped before the "
                f"update; lower the learning rate ({rate:g})"
            )
        self.progress.epoch_loss = self._loss_sum.item()

    def _positions(self, n_examples: int) -> int:
        return n_examples * self.task.positions_per_example

    def _set_learning_rate(self, n: int) -> float:
        planned = self._positions(self.task.n_examples) * self.config.epochs
        peak = self.config.optimizer.learning_rate
        rate = learning_rate(self.config.schedule, peak, n, planned)
        for optimizer in self.optimizers:
            for group in optimizer.param_groups:
                group["lr"] = rate
        return rate

    def state(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """Return what resuming needs beside the weights: tensors, plain values.

        Raises:
            NonFiniteError: training has come past a step that was no number.
        """
        self._check()
        names: dict[Tensor, str] = {p: name for name, p in self.model.named_parameters()}
        tensors = {"random.cpu": torch.get_rng_state()}
        if self.device.torch_device.type == "cuda":
            tensors["random.cuda"] = torch.cuda.get_rng_state(self.device.torch_device)
        for optimizer in self.optimizers:
            for parameter, values in optimizer.state.items():
                for key, value in values.items():
                    tensors[f"optimizer.{key}.{names[parameter]}"] = value
        return tensors, asdict(self.progress)

    def load_state(self, tensors: dict[str, Tensor], progress: dict[str, Any]) -> None:
        """Continue from a saved ``state``; whoever made the model loaded its weights."""
        self.progress = Progress(**progress)
        self._loss_sum.fill_(self.progress.epoch_loss)
        torch.set_rng_state(tensors["random.cpu"])
        if self.device.torch_device.type == "cuda" and "random.cuda" in tensors:
            torch.cuda.set_rng_state(tensors["random.cuda"], self.device.torch_device)
        parameters = dict(self.model.named_parameters())
        states = {
            parameter: optimizer.state
            for optimizer in self.optimizers
            for group in optimizer.param_groups
            for parameter in group["params"]
        }
        for name, value in tensors.items():
            kind, _, rest = name.partition(".")
            if kind == "optimizer":
                key, _, of = rest.partition(".")
                # Fused AdamW keeps its step count on the device as well.
                parameter = parameters[of]
                states[parameter][parameter][key] = value.to(self.device.torch_device)
