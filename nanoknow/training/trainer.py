"""The only training loop: it yields what happened and neither prints nor writes."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from nanoknow.config.experiment import StageConfig
from nanoknow.data.batch import IGNORE
from nanoknow.errors import CheckpointError, NonFiniteError, OutOfMemoryError, ran_out_of_memory
from nanoknow.models.base import CharacterModel
from nanoknow.system.device import Device
from nanoknow.system.memory import keep_freed_memory, largest_that_fits
from nanoknow.system.seeds import derive_seed, new_generator
from nanoknow.system.shares import percent
from nanoknow.tasks.base import Task
from nanoknow.training.optimizer import build_optimizers, learning_rate, restore_optimizers
from nanoknow.training.order import ShuffledOrder
from nanoknow.training.progress import TOKENS, Progress, StepResult
from nanoknow.training.ranks import Ranks


@dataclass
class Trainer:
    """Trains a model on a task; create it once, and again only to resume."""

    model: CharacterModel
    task: Task
    config: StageConfig
    device: Device
    seed: int
    progress: Progress = field(default_factory=Progress)
    ranks: Ranks = field(default_factory=Ranks)

    def __post_init__(self) -> None:
        keep_freed_memory()
        self.model.to(self.device.torch_device)
        self.optimizers = build_optimizers(self.model, self.config.optimizer, self.device.precision)
        # Dropout draws from torch's global generators: it takes no other.
        torch.manual_seed(derive_seed(self.seed, "dropout"))

    @property
    def total_steps(self) -> int:
        """Updates made so far, plus those that are still planned."""
        progress, n, batch_size = self.progress, self.task.n_examples, self.config.batch_size
        rest = math.ceil((n - progress.examples) / batch_size)  # of the current epoch
        later = self.config.epochs - progress.epoch - 1  # -1 where all are done
        return progress.step + rest + later * math.ceil(n / batch_size)

    @property
    def notes(self) -> list[str]:
        """What the user should know of the schedule before the first step."""
        warmup, planned = self.config.schedule.warmup_tokens, self.planned_tokens()
        note = (
            f"warning: schedule.warmup_tokens {warmup:,} in a training of {planned:,} tokens: the "
            f"learning rate only rises, to {percent(planned / max(1, warmup))} of its peak at the "
            f"end: set it to {planned // 10:,}, or train longer"
        )
        return [note] if warmup >= planned else []

    def planned_tokens(self, epochs: int | None = None) -> int:
        """Tokens in so many epochs, or in all planned ones, padding up to the block included."""
        n_tokens = self.task.n_examples * self.task.tokens_per_example
        return n_tokens * (self.config.epochs if epochs is None else epochs)

    def steps(self) -> Iterator[StepResult]:
        """Train from ``progress`` to the end of the last epoch, or to where all ranks stop.

        Raises:
            NonFiniteError: names the step, whose update was not made.
            OutOfMemoryError: names the step, and the batch size that fits.
        """
        while self.progress.epoch < self.config.epochs:
            seed = derive_seed(self.seed, "order", self.progress.epoch)
            order = ShuffledOrder(self.task.n_examples, seed)
            for start in range(self.progress.examples, order.n, self.config.batch_size):
                indices = torch.from_numpy(order.part(start, start + self.config.batch_size))
                result = None
                try:
                    result = self._step(indices)
                except (MemoryError, RuntimeError) as error:
                    if not ran_out_of_memory(error):
                        raise
                if self.ranks.stopped:
                    return
                if result is None:  # out of memory; by now all that the step held is freed
                    raise self._out_of_memory(len(indices))
                yield result

    def _step(self, indices: Tensor) -> StepResult | None:
        progress = self.progress
        tokens = progress.tokens + len(indices) * self.task.tokens_per_example
        settings, planned = self.config.optimizer, self.planned_tokens()
        rate = learning_rate(self.config.schedule, settings.learning_rate, tokens, planned)
        self.model.train()
        self.model.zero_grad(set_to_none=True)
        self.ranks.seed_dropout(self.seed, progress.step)
        loss = self._loss(indices)
        loss.backward()  # type: ignore[no-untyped-call]
        whole = self.ranks.add_up(self.model, loss, progress.step + 1)
        if whole is None:
            return None
        grad_norm = torch.nn.utils.clip_grad_norm_(self.model.parameters(), settings.grad_clip)
        # Both in one transfer, as each transfer waits for the GPU.
        loss_value, norm_value = torch.stack([whole.detach(), grad_norm]).tolist()
        if not (math.isfinite(loss_value) and math.isfinite(norm_value)):
            raise NonFiniteError(
                f"step {progress.step + 1}: loss {loss_value:g}, gradient norm {norm_value:g}: "
                f"stopped before the update; lower the learning rate ({rate:g})"
            )
        for optimizer in self.optimizers:
            for group in optimizer.param_groups:
                group["lr"] = rate
            optimizer.step()
        progress.step += 1
        progress.examples += len(indices)
        progress.batch += 1
        progress.tokens = tokens
        progress.epoch_loss += loss_value
        epoch, epoch_loss = progress.epoch + 1, None
        if progress.examples == self.task.n_examples:
            epoch_loss = progress.epoch_loss / progress.batch
            progress.epoch, progress.examples, progress.batch = epoch, 0, 0
            progress.epoch_loss = 0.0
        return StepResult(
            progress.step, epoch, rate, len(indices), loss_value, norm_value, epoch_loss
        )

    def _loss(self, indices: Tensor) -> Tensor:
        """Return the mean loss of some examples, by the random draws of the current step.

        Of several ranks, return this one's share: the shares add up to the mean.
        """
        batch = self.task.batch(indices, new_generator(self.seed, "examples", self.progress.step))
        batch, n_scored = self.ranks.share(batch)
        batch = batch.to(self.device.torch_device)
        # On a GPU, counting the scored indices would make the CPU wait for it.
        on_cpu = self.device.torch_device.type == "cpu"
        logit_indices, targets = batch.scored() if on_cpu else (None, batch.targets)
        with self.device.autocast():
            logits = self.model(batch.tokens, batch.layout, logit_indices=logit_indices)  # (P, V)
        precise = torch.promote_types(logits.dtype, torch.float32)
        kind = "sum" if n_scored else "mean"
        loss = F.cross_entropy(logits.to(precise), targets, ignore_index=IGNORE, reduction=kind)
        return loss / (n_scored or 1)

    @torch.no_grad()
    def mean_loss(self, task: Task) -> float:
        """Return the mean loss a character, in nats, on a task that draws nothing at random.

        Raises:
            NonFiniteError: logits are not finite.
        """
        model, losses = self.model.eval(), []
        for indices in torch.split(torch.arange(task.n_examples), self.config.batch_size):
            batch = task.batch(indices, torch.Generator()).to(self.device.torch_device)
            with self.device.autocast():
                logits = model.require_finite(model(batch.tokens, batch.layout))
            losses.append(F.cross_entropy(logits.float(), batch.targets, reduction="none"))
        return float(torch.cat(losses).mean())

    def _out_of_memory(self, n: int) -> OutOfMemoryError:
        """Return the error for a step of ``n`` examples that did not fit, after trying fewer."""

        def try_gradients(n: int) -> None:
            self.model.zero_grad(set_to_none=True)
            moments = []  # the optimizers allocate theirs in the first step
            if not any(optimizer.state for optimizer in self.optimizers):
                moments = [torch.empty_like(p) for p in self.model.parameters() for _ in range(2)]
            self._loss(torch.arange(n)).backward()  # type: ignore[no-untyped-call]
            del moments

        fits = largest_that_fits(n, try_gradients)
        fitting = f"batch_size {fits} fits: take it" if fits else "no smaller batch fits now"
        return OutOfMemoryError(
            f"step {self.progress.step + 1}: out of memory with batch_size {n} and block_size "
            f"{self.model.config.block_size}: {fitting}, or a smaller model, or free memory; "
            f"pretrain and finetune continue with --resume, and --batch-size may differ"
        )

    def state(self) -> tuple[dict[str, Tensor], dict[str, int | float]]:
        """Return what resuming needs besides the weights: tensors by name, and the progress."""
        names: dict[Tensor, str] = {each: name for name, each in self.model.named_parameters()}
        tensors = {"random.cpu": torch.get_rng_state()}
        if self.device.torch_device.type == "cuda":
            tensors["random.cuda"] = torch.cuda.get_rng_state(self.device.torch_device)
        for optimizer in self.optimizers:
            for parameter, values in optimizer.state.items():
                for key, value in values.items():
                    tensors[f"optimizer.{key}.{names[parameter]}"] = value
        progress = asdict(self.progress)
        return tensors, {TOKENS if key == "tokens" else key: progress[key] for key in progress}

    def restore(self, tensors: Mapping[str, Tensor], progress: Mapping[str, int | float]) -> None:
        """Continue from a ``state``; the model must have the weights that go with it.

        Raises:
            CheckpointError: its place lies outside the data, or a tensor is missing or of another
                training.
        """
        values: dict[str, Any] = {"tokens" if k == TOKENS else k: v for k, v in progress.items()}
        self.progress = place = Progress(**values)
        n = self.task.n_examples
        if "examples" not in progress:  # before 0.3.0
            place.examples = place.tokens // self.task.tokens_per_example - place.epoch * n
        if not 0 <= place.examples < n:
            raise CheckpointError(
                f"step {place.step}: {place.examples} examples into epoch {place.epoch + 1} of "
                f"{n}: the data or the task are others than it was trained with: start a new run"
            )
        device = self.device.torch_device
        try:
            torch.set_rng_state(tensors["random.cpu"])
            if device.type == "cuda" and "random.cuda" in tensors:
                torch.cuda.set_rng_state(tensors["random.cuda"], device)
            restore_optimizers(self.optimizers, self.model, tensors)
        except (KeyError, RuntimeError, TypeError, ValueError) as error:
            what = f"training.safetensors of {self.model.origin}"
            why = f"{str(error).partition(chr(10))[0]}, which this training does not have so"
            raise CheckpointError(f"{what}: {why}: start a new run") from None
