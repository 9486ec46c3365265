"""A run whose trained model is loaded: it answers a question, and it samples text."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from nanoknow.config.flags import sample_flags
from nanoknow.config.loading import load_config
from nanoknow.config.tasks import QuestionAnsweringConfig
from nanoknow.data.tokenizer import Ids, Tokenizer
from nanoknow.errors import CheckpointError
from nanoknow.generation.decoding import decode_greedily
from nanoknow.generation.sample import sample_text, with_readable_context
from nanoknow.models.base import CharacterModel
from nanoknow.runs.checkpoint import Checkpoint
from nanoknow.runs.run import Run
from nanoknow.system.device import Device
from nanoknow.system.seeds import new_generator
from nanoknow.tasks.question_answering import answer_text, fitting_prompt

UNTAUGHT_LIMIT = 32
"""Characters that an answer may take of a run that was not finetuned on any."""


@dataclass(frozen=True)
class OpenedRun:
    """A run with the model of one of its checkpoints.

    Attributes:
        run: its folder, and the config that it was trained by.
        checkpoint: whose weights and vocabulary these are.
        device: that the model is on.
        model: ready to evaluate.
    """

    run: Run
    checkpoint: Checkpoint
    device: Device
    model: CharacterModel

    @property
    def tokenizer(self) -> Tokenizer:
        """The run's vocabulary."""
        return self.checkpoint.record.tokenizer

    @property
    def max_answer_length(self) -> int:
        """Characters that an answer may take.

        Raises:
            CheckpointError: the run is a language model.
        """
        task = require_answers(self.run, self.checkpoint)
        return task.max_answer_length or UNTAUGHT_LIMIT

    def prompt(self, question: str) -> Ids:
        """Return a question as the model reads it; what the vocabulary lacks is left out.

        Raises:
            DataError: it is longer than the block.
        """
        return fitting_prompt(self.tokenizer, question, self.model.config.block_size)

    def encode(self, texts: str | Sequence[str]) -> tuple[Tensor, Tensor]:
        """Return texts for ``model(ids)``: (B, T) ids, padded on the right, and (B,) lengths.

        A ``⁇`` is the mask, after which an answer begins; what the vocabulary lacks is left out.
        """
        tokenizer, device = replace(self.tokenizer, reads_marks=True), self.device.torch_device
        texts = [texts] if isinstance(texts, str) else texts
        rows = [torch.from_numpy(tokenizer.encode_known(text)) for text in texts]
        lengths = torch.tensor([len(row) for row in rows], device=device)
        return pad_sequence(rows, batch_first=True).to(device), lengths

    def answer(self, question: str) -> str:
        """Answer a question, greedily; characters outside the vocabulary are left out.

        Raises:
            CheckpointError: the run is a language model.
            DataError: the question is longer than the block.
        """
        limit, stop = self.max_answer_length, self.tokenizer.mask_id
        [decoded] = decode_greedily(self.model, [self.prompt(question)], stop, limit)
        return answer_text(self.tokenizer, decoded.ids)

    def sample(
        self,
        context: str | None = None,
        length: int | None = None,
        temperature: float | None = None,
        top_k: int | None = None,
        past_block: str | None = None,
        seed: int = 0,
    ) -> str:
        """Write ``length`` characters after a context, in float32, and return them.

        What is None is as the ``sample`` section of the run's config has it, a ``top_k`` of 0 is
        all; characters of the context outside the vocabulary are left out.

        Raises:
            ConfigError: a value is out of range.
            DataError: the vocabulary holds no character of the context.
        """
        flags = sample_flags(context, length, temperature, top_k, past_block)
        config = load_config(None, flags, self.run.config).sample
        config, _ = with_readable_context(self.run, self.checkpoint, config, context)
        generator = new_generator(seed, "sample")
        return "".join(sample_text(self.model, self.tokenizer, config, generator))


def require_answers(run: Run, checkpoint: Checkpoint) -> QuestionAnsweringConfig:
    """Return how a run was finetuned to answer, or would be.

    Raises:
        CheckpointError: it has no marks to ask with.
    """
    task = checkpoint.record.task
    if not task.has_marks:
        what = f"is a {task.kind} run and answers no questions"
        raise CheckpointError(f"{run.path}: {what}: name one that 'nanoknow finetune' made")
    return task if isinstance(task, QuestionAnsweringConfig) else run.config.finetune.task
