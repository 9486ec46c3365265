"""The recipe for facts of one's own, sized by the data."""

import math
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from nanoknow.config.experiment import ExperimentConfig
from nanoknow.config.loading import OWN_FACTS, Override, choose_config, resolve_config
from nanoknow.config.tasks import LanguageModelingConfig
from nanoknow.data.sources import Texts
from nanoknow.errors import DataError
from nanoknow.system.reporter import Reporter

EXAMPLES = 120_000
"""About how many documents pretraining reads, all its epochs together."""
MOST_EPOCHS, LEAST_STEPS = 40, 280
"""Most epochs and fewest steps of pretraining: few documents get more epochs, to make the steps."""
BLOCK_SIZES = range(96, 513, 32)
"""To choose from, in characters; the shortest holds a short context with a name."""
WARMUP = 0.08
"""Share of the planned tokens."""
NO_QUESTIONS = {"pretrain.task.questions_per_document": 0, "pretrain.task.salient_words": "all"}


def resolve_recipe(
    name: str | None, overrides: Sequence[Override], reporter: Reporter
) -> ExperimentConfig:
    """Return the config of a command that trains: ``resolve_config``, with ``own-facts`` sized.

    The ``overrides`` take precedence over what is sized by the data.

    Raises:
        ConfigError: see ``load_config``.
        DataError: the corpus or the training questions cannot be read.
    """
    chosen = name if name is not None else choose_config(overrides, reporter)
    config = resolve_config(chosen, overrides, reporter)
    if chosen != OWN_FACTS:
        return config
    texts = Texts.find(config.data, ("corpus", "questions"))
    if (corpus := texts.corpus) is None:  # what needs it reports that
        return config
    training = texts.questions.items if texts.questions else ()
    asked = [*training]
    with suppress(DataError):  # what needs them reports that
        asked += evaluation.items if (evaluation := Texts.find(config.data, ("eval",)).eval) else ()
    n_documents = int((corpus.lines()[1] > 0).sum())
    task, n_examples = config.pretrain.task, n_documents
    if isinstance(task, LanguageModelingConfig):
        n_examples = max(1, len(corpus.codes) // task.stride)
    # Question and answer have a mask each.
    longest = max((len(q.text) + len(q.answer or "") + 2 for q in asked), default=0)
    fewest = math.ceil(LEAST_STEPS / math.ceil(n_examples / config.pretrain.batch_size))
    sizes: dict[str, Any] = {
        "pretrain.epochs": max(fewest, min(MOST_EPOCHS, round(EXAMPLES / n_examples))),
        **({} if training else NO_QUESTIONS),
    }
    if longest:
        sizes["model.block_size"] = next((n for n in BLOCK_SIZES if n >= longest), BLOCK_SIZES[-1])
    for _ in range(2):  # the second time with the warm-up, which follows from all else
        first = [Override(key, n, f"recipe {OWN_FACTS}: {key}") for key, n in sizes.items()]
        config = resolve_config(chosen, [*first, *overrides], reporter)
        planned = n_examples * config.pretrain.epochs * config.model.block_size
        sizes["pretrain.schedule.warmup_tokens"] = round(WARMUP * planned)
    which = f"recipe {OWN_FACTS}{'' if name else ' (no --config)'}: {n_documents:,} documents"
    epochs, block = config.pretrain.epochs, config.model.block_size
    reporter.note(f"{which}, epochs of pretraining {epochs}, block_size {block}")
    if not training:
        reporter.note("no training questions: all names, places and years are worth hiding")
    return config
