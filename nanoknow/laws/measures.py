"""What laws measure on a trained run; a new law needs at most one more function here."""

import copy
import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from nanoknow.config.tasks import SpanCorruptionConfig
from nanoknow.config.world import WorldConfig
from nanoknow.data.tokenizer import Tokenizer
from nanoknow.data.world.facts import FactWorld
from nanoknow.data.world.parser import Parser
from nanoknow.evaluation.answering_run import AnsweringRun
from nanoknow.evaluation.answers import score_answers
from nanoknow.evaluation.scores import Score
from nanoknow.generation.decoding import decode_at_random, decode_greedily
from nanoknow.models.base import CharacterModel
from nanoknow.runs.finding import open_checkpoint
from nanoknow.system.device import precise
from nanoknow.system.reporter import Reporter
from nanoknow.system.seeds import new_generator
from nanoknow.tasks.document_modeling import END

AT_ONCE = 128
"""Documents in a batch."""
LEFT = 24
"""Most characters before a value in a short context."""
INT8 = 127
SAMPLES, BINS = 4000, 20
"""Statements that a model writes, and bins of them by probability, of about equal mass."""


@dataclass(frozen=True)
class Subject:
    """A trained run that a law is measured on.

    Attributes:
        answering: the run, with the texts that it is asked about.
        pretrained: its model before finetuning.
        world: the world that its texts describe.
    """

    answering: AnsweringRun
    pretrained: CharacterModel
    world: FactWorld

    @classmethod
    def open(cls, run: Path, first: str, world: FactWorld, device: str, reporter: Reporter) -> Self:
        """Open a run that was trained on a world's texts, and the model that it started from."""
        answering = AnsweringRun.open(run, None, device, reporter)
        pretrained = answering.model
        if Path(first) != run:
            pretrained = open_checkpoint(Path(first))[1].load_model(answering.device)
        return cls(answering, pretrained, world)


Measure = Callable[[Subject], dict[str, Score | float]]
"""Returns the measured values by name; of a score, the accuracy in % is the value."""


def extraction(subject: Subject) -> dict[str, Score | float]:
    """Return how much is memorised, and how much of it questions extract.

    ``memorised``: the share of values that the pretrained model writes, greedily, where the
    training text has them. ``extracted``: the share of evaluation questions, about people of whom
    training asks nothing, that the finetuned model answers right.
    """
    return {"memorised": _memorised(subject), "extracted": _answered(subject, lambda _: True)}


def reversal(subject: Subject) -> dict[str, Score | float]:
    """Return how often a name gets its code, ``forward``, and a code its name, ``backward``."""
    names = {person.name for person in subject.world.people}
    return {
        "memorised": _memorised(subject),
        "forward": _answered(subject, lambda gold: gold not in names),
        "backward": _answered(subject, lambda gold: gold in names),
    }


def capacity(subject: Subject) -> dict[str, Score | float]:
    """Return how many bits of the world the model holds per parameter.

    The bits learned are the information in all values (``FactWorld.bits``) less the information
    that the model lacks: the loss of their characters in the training text, in bits (Allen-Zhu and
    Li, 2024, Physics of Language Models 3.3). Names are given, and do not count. The same is
    measured with every matrix rounded to eight bits, row by row.
    """
    world, model = subject.world, subject.pretrained
    bits, n = sum(world.bits().values()), model.n_parameters
    learned = bits - _bits_of_values(subject, model)
    rounded = bits - _bits_of_values(subject, _in_eight_bits(model))
    return {
        "bits a parameter": learned / n,
        "bits a parameter, int8": rounded / n,
        "learned": 100 * learned / bits,
        "parameters": n,
    }


def invention(subject: Subject) -> dict[str, Score | float]:
    """Return how much of what the model writes unprompted is made up, and the theorem's bound.

    The model writes ``SAMPLES`` statements at temperature 1; the grammar of the world parses them.
    ``hallucinated`` are those that are false about a person, or about nobody in the world.
    ``bound`` is the lower bound on it by Kalai and Vempala (2024, Calibrated Language Models Must
    Hallucinate) without their terms for small samples: ``monofacts``, the share of statements
    drawn for the training text whose fact was drawn once, minus ``miscalibration``, half the sum,
    over ``BINS`` bins of about equally probable statements, of the absolute difference between the
    mass that the model gives to a bin and the mass that the world gives to it.
    """
    world, model, tokenizer = subject.world, subject.pretrained, subject.answering.tokenizer
    parser, true = Parser(world), {p.name: world.values(p) for p in world.people}
    drawn = _written(model, tokenizer, subject.answering.run.config.seed)
    read = [parser.read(tokenizer.decode(ids[1:]).removesuffix(END)) for ids in drawn]
    stated = [found for found in read if found]
    times = Counter(world.draws())
    monofacts = sum(n == 1 for n in times.values()) / max(1, sum(times.values()))
    texts = [each.text for each in world.true_statements()]
    facts = [() if tokenizer.unknown(text) else _document(tokenizer, text) for text in texts]
    different = sorted({*facts, *drawn} - {()})
    losses = zip(different, _losses(model, different), strict=True)
    scores = {ids: float(loss.sum()) for ids, loss in losses}
    scores[()] = math.inf  # a text that the vocabulary cannot write
    of_drawn, of_facts = (np.array([scores[ids] for ids in each]) for each in (drawn, facts))
    edges = np.unique(np.quantile(of_drawn, np.linspace(0, 1, BINS + 1)[1:-1]))
    given = np.bincount(np.digitize(of_drawn, edges), minlength=BINS) / len(drawn)
    real = np.bincount(np.digitize(of_facts, edges), world.shares(), minlength=BINS)
    miscalibration = float(abs(given - real).sum() / 2)
    return {
        "hallucinated": Score(sum(true.get(name) != values for name, values in stated), len(drawn)),
        "stated": Score(len(stated), len(drawn)),
        "monofacts": 100 * monofacts,
        "miscalibration": 100 * miscalibration,
        "bound": 100 * (monofacts - miscalibration),
    }


MEASURES: dict[str, Measure] = {
    each.__name__: each for each in (extraction, reversal, capacity, invention)
}


def needs(measure: str, world: WorldConfig, kind: str) -> list[str]:
    """Return the settings that a measure needs and that a world and a task lack."""
    met = {
        "data.world.backward": measure != "reversal" or world.backward,
        "data.world.drawn": measure != "invention" or world.drawn,
        "data.world without drawn": measure != "capacity" or not world.drawn,
        "pretrain.task.kind document_modeling": kind == "document_modeling"
        or (kind == "span_corruption" and measure not in ("capacity", "invention")),
    }
    return [key for key, is_met in met.items() if not is_met]


def _answered(subject: Subject, is_asked: Callable[[str], bool]) -> Score:
    """Score the evaluation questions whose right answer satisfies ``is_asked``."""
    run = subject.answering
    answers = run.answer_questions(run.task(run.texts.require_eval()))
    return score_answers([answer for answer in answers if is_asked(answer.gold[0])])


def _memorised(subject: Subject) -> Score:
    """Return how many values in the training text the pretrained model writes in their place.

    After a full context, a value counts only if all of the person's texts that begin in the same
    way go on with it: after "His code is " the value or "number" may come.
    """
    tokenizer, task = subject.answering.tokenizer, subject.answering.run.config.pretrain.task
    in_context = not isinstance(task, SpanCorruptionConfig)
    prompts, wanted, own = [], [], defaultdict(list)
    biographies = list(subject.world.biographies())
    for person, text, _ in biographies:
        own[person.name].append(text)
    for person, text, statements in biographies:
        for _, start, end in statements:
            alike = [each for each in own[person.name] if each.startswith(text[:start])]
            if in_context and not all(each.startswith(text[:end]) for each in alike):
                continue
            left = text[max(len(person.name) + 2, start - LEFT) : start]
            prompt = f"{END}{text[:start]}" if in_context else f"{left}{person.name}"
            ids = tokenizer.encode(prompt)
            prompts.append(ids if in_context else np.append(ids, tokenizer.mask_id))
            wanted.append(tokenizer.encode(text[start:end]).tolist())
    longest = max(map(len, wanted))
    stop = tokenizer.mask_id  # language models never write it; text after the value is ignored
    decoded = decode_greedily(subject.pretrained, prompts, stop, longest)
    right = [bool(got.ids[: len(ids)] == ids) for got, ids in zip(decoded, wanted, strict=True)]
    return Score(sum(right), len(right))


def _document(tokenizer: Tokenizer, text: str) -> tuple[int, ...]:
    """Return the ids of a text with an ``END`` on either side."""
    return tuple(tokenizer.encode(f"{END}{text}{END}").tolist())


def _bits_of_values(subject: Subject, model: CharacterModel) -> float:
    """Return the summed loss, in bits, of the characters of all values in their texts."""
    biographies = subject.world.true_statements()
    documents = [_document(subject.answering.tokenizer, each.text) for each in biographies]
    losses = zip(biographies, _losses(model, documents), strict=True)
    return math.fsum(
        float(loss[start:end].sum()) for each, loss in losses for _, start, end in each.statements
    )


@torch.inference_mode()
def _losses(model: CharacterModel, documents: Sequence[tuple[int, ...]]) -> Iterator[Tensor]:
    """Yield each document's losses in bits, (T,), of its T ids after the first."""
    device = next(model.parameters()).device
    for first in range(0, len(documents), AT_ONCE):
        part = [*map(torch.tensor, documents[first : first + AT_ONCE])]
        rows = torch.nn.utils.rnn.pad_sequence(part, batch_first=True).to(device)  # (B, T + 1)
        logits = model(rows[:, :-1]).flatten(0, 1)  # (B · T, vocabulary)
        losses = F.cross_entropy(precise(logits), rows[:, 1:].flatten(), reduction="none")
        for row, ids in zip(losses.view(len(rows), -1) / math.log(2), part, strict=True):
            yield row[: len(ids) - 1].cpu()


def _written(model: CharacterModel, tokenizer: Tokenizer, seed: int) -> list[tuple[int, ...]]:
    """Return the ids of ``SAMPLES`` documents that a model writes unprompted, up to their ends."""
    [end] = tokenizer.encode(END).tolist()
    prompts, length = [tokenizer.encode(END)] * SAMPLES, model.config.block_size
    drawn = decode_at_random(model, prompts, end, length, new_generator(seed, "invention"))
    return [(end, *each.ids) for each in drawn]


def _in_eight_bits(model: CharacterModel) -> CharacterModel:
    """Return a copy whose matrices are rounded, each row to 255 levels up to its largest value."""
    model = copy.deepcopy(model)
    for parameter in (each.data for each in model.parameters() if each.dim() > 1):
        scale = parameter.abs().amax(-1, keepdim=True).clamp(min=1e-12) / INT8
        parameter.copy_((parameter / scale).round() * scale)
    return model
