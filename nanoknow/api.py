"""nanoknow from Python: ``nanoknow.load(run)`` answers a question and samples text."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from nanoknow.config.experiment import ExperimentConfig
from nanoknow.config.loading import Override, load_config
from nanoknow.config.tasks import QuestionAnsweringConfig
from nanoknow.data.tokenizer import Tokenizer
from nanoknow.errors import CheckpointError
from nanoknow.generation.greedy import decode_greedily
from nanoknow.generation.sampling import sample as sample_ids
from nanoknow.models.base import CharacterModel
from nanoknow.runs.finding import open_checkpoint
from nanoknow.system.device import choose_device
from nanoknow.system.seeds import new_generator
from nanoknow.tasks.question_answering import answer_text, fitting_prompt


@dataclass(frozen=True)
class LoadedRun:
    """A trained model with its vocabulary.

    Attributes:
        model: on its device, ready to evaluate.
        tokenizer: its vocabulary.
        task: what it was last trained on: ``question_answering``, ``span_corruption`` or
            ``language_modeling``.
        max_answer_length: characters that an answer may take.
        config: what it was trained by; its ``sample`` section holds where ``sample`` is not told.
    """

    model: CharacterModel
    tokenizer: Tokenizer
    task: str
    max_answer_length: int
    config: ExperimentConfig

    def answer(self, question: str) -> str:
        """Answer a question, greedily; characters outside the vocabulary are left out.

        Raises:
            CheckpointError: the run was not finetuned on questions.
            DataError: the question is longer than the block.
        """
        if self.task != "question_answering":
            raise CheckpointError(f"a {self.task} run answers no questions: load a finetuned one")
        prompt = fitting_prompt(self.tokenizer, question, self.model.config.block_size)
        [decoded] = decode_greedily(
            self.model, [prompt], self.tokenizer.mask_id, self.max_answer_length
        )
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

        Raises:
            ConfigError: a value is out of range.
            DataError: the context holds characters outside the vocabulary.
        """
        asked = {
            "context": context,
            "length": length,
            "temperature": temperature,
            "top_k": top_k,
            "past_block": past_block,
        }
        overrides = [
            Override(f"sample.{key}", value, key)
            for key, value in asked.items()
            if value is not None
        ]
        config = load_config(None, overrides, self.config).sample
        ids = self.tokenizer.encode(config.context)
        generator = new_generator(seed, "sample")
        drawn = sample_ids(
            self.model,
            ids,
            config.length,
            config.temperature,
            config.top_k,
            generator,
            config.past_block,
        )
        return self.tokenizer.decode(drawn)


def load(run: str | Path, device: str = "auto") -> LoadedRun:
    """Load a run folder's last checkpoint, or one checkpoint by its own folder.

    Args:
        run: made by ``nanoknow pretrain`` or ``nanoknow finetune``.
        device: ``auto``, ``cpu``, ``cuda`` or ``cuda:N``.

    Raises:
        CheckpointError: it is missing or damaged.
        ConfigError: the device does not exist.
    """
    opened, checkpoint = open_checkpoint(Path(run))
    task = checkpoint.record.task
    limit = task.max_answer_length if isinstance(task, QuestionAnsweringConfig) else 0
    model = checkpoint.load_model(choose_device(device))
    return LoadedRun(model, checkpoint.record.tokenizer, task.kind, limit, opened.config)
