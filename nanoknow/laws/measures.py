"""What a law measures of a trained run; a new law needs at most one more function here."""

import copy
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Self

import numpy as np
import torch
import torch.nn.functional as F

from nanoknow.config.tasks import SpanCorruptionConfig
from nanoknow.data.batch import IGNORE, Batch
from nanoknow.data.world.facts import Biography, FactWorld
from nanoknow.errors import ConfigError
from nanoknow.evaluation.answering_run import AnsweringRun
from nanoknow.evaluation.answers import score_answers
from nanoknow.evaluation.scores import Score
from nanoknow.generation.greedy import decode_greedily
from nanoknow.models.base import CharacterModel
from nanoknow.runs.finding import open_checkpoint
from nanoknow.system.device import choose_device
from nanoknow.system.reporter import Reporter
from nanoknow.tasks.document_modeling import END

AT_ONCE = 128
"""Documents in a batch."""
LEFT = 24
"""Characters before a value in a short context."""
INT8 = 127


@dataclass(frozen=True)
class Subject:
    """A trained run that a law is measured on.

    Attributes:
        answering: the run, and the texts to ask about.
        pretrained: the model as it was before it was finetuned.
        world: of its texts.
    """

    answering: AnsweringRun
    pretrained: CharacterModel
    world: FactWorld

    @classmethod
    def open(cls, run: Path, device: str, reporter: Reporter) -> Self:
        """Open a run.

        Raises:
            ConfigError: its data are not a world of relations.
        """
        answering = AnsweringRun.open(run, None, device, reporter)
        config = answering.run.config.data.world
        if config is None or not config.relations:
            raise ConfigError(f"{run}: a law is about a world: set data.world.relations")
        source = answering.run.record.started_from
        pretrained = answering.model
        if source:
            pretrained = open_checkpoint(Path(source))[1].load_model(choose_device(device))
        return cls(answering, pretrained, FactWorld(config))


Measure = Callable[[Subject], dict[str, Score | float]]
"""Values by name; a score counts in per cent."""


def extraction(subject: Subject) -> dict[str, Score | float]:
    """Return what is memorised, and what of it questions extract.

    ``memorised``: the values that the pretrained model writes, greedily, where the training text
    has them. ``extracted``: the questions about people of whom training asks nothing that the
    finetuned model answers right.
    """
    return {"memorised": _memorised(subject), "extracted": _answered(subject, lambda _: True)}


def reversal(subject: Subject) -> dict[str, Score | float]:
    """Return the codes given for a name, ``forward``, and the names for a code, ``backward``."""
    names = {person.name for person in subject.world.people}
    return {
        "memorised": _memorised(subject),
        "forward": _answered(subject, lambda gold: gold not in names),
        "backward": _answered(subject, lambda gold: gold in names),
    }


def capacity(subject: Subject) -> dict[str, Score | float]:
    """Return how many bits of the world the model holds, for each of its parameters.

    What is learned of a value is its information (``FactWorld.bits``) less what is left of it, the
    loss of its characters in the training text in bits (Allen-Zhu and Li, 2024, Physics of Language
    Models 3.3). Names are given, and do not count. The same with every matrix rounded to eight
    bits, by rows.
    """
    world, model = subject.world, subject.pretrained
    bits, n = sum(world.bits().values()), model.n_parameters
    biographies = list(islice(world.biographies(), len(world.people)))
    learned = bits - _bits_of_values(subject, model, biographies)
    rounded = bits - _bits_of_values(subject, _in_eight_bits(model), biographies)
    return {
        "bits a parameter": learned / n,
        "bits a parameter, int8": rounded / n,
        "learned": 100 * learned / bits,
        "parameters": n,
    }


MEASURES: dict[str, Measure] = {
    "extraction": extraction,
    "reversal": reversal,
    "capacity": capacity,
}


def _answered(subject: Subject, is_asked: Callable[[str], bool]) -> Score:
    """Return how many evaluation questions with some answers are answered right."""
    run = subject.answering
    answers = run.answer_questions(run.task(run.texts.require_eval()))
    return score_answers([answer for answer in answers if is_asked(answer.gold[0])])


def _memorised(subject: Subject) -> Score:
    """Return how many values in the training text the pretrained model writes in their place."""
    tokenizer, task = subject.answering.tokenizer, subject.answering.run.config.pretrain.task
    in_context = not isinstance(task, SpanCorruptionConfig)
    prompts, wanted = [], []
    for person, text, statements in subject.world.biographies():
        for _, start, end in statements:
            left = text[max(len(person.name) + 2, start - LEFT) : start]
            prompt = f"{END}{text[:start]}" if in_context else f"{left}{person.name}"
            ids = tokenizer.encode(prompt)
            prompts.append(ids if in_context else np.append(ids, tokenizer.mask_id))
            wanted.append(tokenizer.encode(text[start:end]).tolist())
    longest = max(map(len, wanted))
    stop = tokenizer.mask_id  # which language models never write; what follows a value is not read
    decoded = decode_greedily(subject.pretrained, prompts, stop, longest)
    right = [bool(got.ids[: len(ids)] == ids) for got, ids in zip(decoded, wanted, strict=True)]
    return Score(sum(right), len(right))


@torch.inference_mode()
def _bits_of_values(
    subject: Subject, model: CharacterModel, biographies: Sequence[Biography]
) -> float:
    """Return the loss of all values' characters, each in its text, in bits."""
    tokenizer, total = subject.answering.tokenizer, 0.0
    device = next(model.parameters()).device
    for first in range(0, len(biographies), AT_ONCE):
        part = biographies[first : first + AT_ONCE]
        rows = [torch.from_numpy(tokenizer.encode(f"{END}{each.text}")) for each in part]
        tokens = torch.nn.utils.rnn.pad_sequence(rows, batch_first=True)  # (B, T)
        lengths = torch.tensor([len(row) - 1 for row in rows])
        wanted = torch.full_like(tokens[:, 1:], IGNORE)
        for row, each in enumerate(part):
            for _, start, end in each.statements:
                wanted[row, start:end] = tokens[row, start + 1 : end + 1]
        batch = Batch.from_rows(tokens[:, :-1], wanted, lengths).to(device)
        logits = model(batch.tokens, batch.layout)  # (N, vocabulary)
        loss = F.cross_entropy(logits.double(), batch.targets, reduction="sum")
        total += float(loss) / math.log(2)
    return total


def _in_eight_bits(model: CharacterModel) -> CharacterModel:
    """Return a copy whose matrices have each row rounded to 255 steps of its largest value."""
    model = copy.deepcopy(model)
    for parameter in (each.data for each in model.parameters() if each.dim() > 1):
        scale = parameter.abs().amax(-1, keepdim=True).clamp(min=1e-12) / INT8
        parameter.copy_((parameter / scale).round() * scale)
    return model
