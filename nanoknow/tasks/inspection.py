"""``nanoknow data inspect``: the examples that tasks make of data, and counts of the data."""

from collections import Counter
from dataclasses import dataclass
from statistics import fmean, median

import torch

from nanoknow.config.experiment import ExperimentConfig
from nanoknow.config.tasks import SpanCorruptionConfig
from nanoknow.data.batch import IGNORE
from nanoknow.data.questions import QuestionSet
from nanoknow.data.sources import Texts
from nanoknow.data.tokenizer import PAD, Tokenizer
from nanoknow.errors import ConfigError, suggest
from nanoknow.facts.fit import FitLine, judge_fit
from nanoknow.facts.index import FactIndex, most_frequent_answer
from nanoknow.system.plain import Result
from nanoknow.system.seeds import new_generator
from nanoknow.tasks.base import Task
from nanoknow.tasks.question_answering import QuestionAnswering, fitting
from nanoknow.tasks.registry import build_task
from nanoknow.tasks.span_corruption import SpanCorruption, reach_of

VIEWS = ("namedata", "charcorruption")


@dataclass(frozen=True)
class CorpusFacts:
    """Counts of a pretraining text.

    Attributes:
        prefix: characters of a document that pretraining can see.
    """

    name: str
    documents: int
    empty: int
    shortest: int
    median: float
    longest: int
    prefix: int
    share_within_prefix: float


@dataclass(frozen=True)
class QuestionFacts:
    """Counts of a file of questions; those of answers are None where it has none.

    Attributes:
        in_training: evaluation questions that are training questions too.
        stripped: see ``QuestionSet``.
    """

    name: str
    lines: int
    asked_again: int
    in_training: int
    stripped: int
    not_ascii: int
    most_frequent_answer: str | None
    most_frequent_share: float | None
    among_training_answers: float | None


@dataclass(frozen=True, repr=False)
class Inspection(Result):
    """Examples of some data, and counts.

    Attributes:
        characters: of the corpus.
        vocabulary: distinct ones, specials included.
        pairs: x/y examples by view, padded to the block.
        questions: by role, ``training`` and ``eval``.
        fit: what has to hold of the ``corpus`` and, by role, of questions with answers.
    """

    characters: int
    vocabulary: int
    pairs: dict[str, list[tuple[str, str]]]
    corpus: CorpusFacts
    questions: dict[str, QuestionFacts]
    fit: dict[str, list[FitLine]]


def inspect(config: ExperimentConfig, view: str | None, count: int) -> Inspection:
    """Make some examples of a config's data as training does, and count what is in the data.

    Args:
        config: names the data; its model gives the block size.
        view: ``namedata`` (questions), ``charcorruption`` (corpus); None for all that the data
            allow: for a language model, its windows.
        count: examples of each.

    Raises:
        ConfigError: no corpus is named, or there is no such view of what is in the config.
        DataError: the data cannot be read.
    """
    if view is not None and view not in VIEWS:
        hint = suggest(view, VIEWS)
        raise ConfigError(f"unknown view {view!r}.{hint} Available: {', '.join(VIEWS)}")
    texts = Texts.find(config.data)
    corpus, task_config = texts.require_corpus(), config.pretrain.task
    asked = texts.eval.items if texts.eval and texts.eval.answered else ()
    tokenizer = texts.tokenizer(specials=task_config.has_marks)
    block_size = config.model.block_size
    corrupts = isinstance(task_config, SpanCorruptionConfig)
    if corrupts:  # questions mixed with the documents have a view of their own
        task_config = task_config.model_copy(update={"questions_per_document": 0.0})
    facts = FactIndex(corpus, texts.questions)
    pretraining = build_task(task_config, corpus, texts.questions, tokenizer, block_size, facts)
    if view is not None and not corrupts:
        advice = "leave the view out to see its examples"
        raise ConfigError(f"{view}: this config pretrains by {task_config.kind}: {advice}")
    tasks: dict[str, Task] = {}
    if corrupts and (view == "namedata" or (view is None and texts.questions)):
        skip_long, asking = config.data.skip_long, config.finetune.task
        questions = fitting(texts.require_questions(), tokenizer, block_size, skip_long=skip_long)
        tasks["namedata"] = QuestionAnswering(questions, tokenizer, asking, block_size)
    if view != "namedata":
        tasks["charcorruption" if corrupts else "windows"] = pretraining
    prefix, fit = block_size, {}
    if isinstance(pretraining, SpanCorruption):
        prefix = pretraining.max_length
        fit = judge_fit(facts, block_size, reach_of(pretraining.config, block_size), asked)
    lengths = [len(document) for document in corpus.documents]
    lengths = lengths if lengths[-1] else lengths[:-1]  # nothing follows the last line end
    roles = (("training", texts.questions), ("eval", texts.eval))
    return Inspection(
        characters=len(corpus.codes),
        vocabulary=len(tokenizer),
        pairs={name: _pairs(task, tokenizer, config.seed, count) for name, task in tasks.items()},
        corpus=CorpusFacts(
            name=corpus.name,
            documents=len(lengths),
            empty=lengths.count(0),
            shortest=min(lengths),
            median=median(lengths),
            longest=max(lengths),
            prefix=prefix,
            share_within_prefix=fmean(n <= prefix for n in lengths),
        ),
        questions={role: _describe(role, items, facts) for role, items in roles if items},
        fit=fit,
    )


def _pairs(task: Task, tokenizer: Tokenizer, seed: int, count: int) -> list[tuple[str, str]]:
    """Return x and y of the first examples, each made in a batch of its own."""
    generator = new_generator(seed, "inspect")
    width, pairs = task.tokens_per_example, []
    for i in range(min(count, task.n_examples)):
        read, written = example_of(task, tokenizer, i, generator)
        y = PAD * (len(read) - 1) + written
        pairs.append((f"{read}{written}"[:width].ljust(width, PAD), y.ljust(width, PAD)))
    return pairs


def example_of(
    task: Task, tokenizer: Tokenizer, index: int, generator: torch.Generator
) -> tuple[str, str]:
    """Return what a model reads of one example, and what it learns to write after that."""
    batch = task.batch(torch.tensor([index]), generator)
    predicted = (batch.targets != IGNORE).nonzero().flatten().tolist()
    ids = [*batch.tokens[: predicted[-1] + 1].tolist(), int(batch.targets[predicted[-1]])]
    text, first = tokenizer.decode(ids).rstrip(PAD), predicted[0] + 1
    return text[:first], text[first:]


def _describe(role: str, questions: QuestionSet, facts: FactIndex) -> QuestionFacts:
    items, seen = questions.items, facts.answer_counts
    top = most_frequent_answer(items) if questions.answered else None
    taught = facts.training.texts if facts.training and role == "eval" else ()
    return QuestionFacts(
        name=questions.name,
        lines=len(items),
        asked_again=sum(n - 1 for n in Counter(q.text for q in items).values()),
        in_training=sum(q.text in taught for q in items),
        stripped=questions.stripped,
        not_ascii=sum(not (q.text + (q.answer or "")).isascii() for q in items),
        most_frequent_answer=top,
        most_frequent_share=fmean(q.answer == top for q in items) if top else None,
        among_training_answers=(
            fmean(q.answer in seen for q in items) if top and seen and role == "eval" else None
        ),
    )
