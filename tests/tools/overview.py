"""``make pictures``: the experiment in one picture, docs/experiment.png.

Every example in it is made by the tasks that training uses, from the published data.
"""

from __future__ import annotations

import argparse
import itertools
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from PIL import Image

from nanoknow.config.experiment import ExperimentConfig
from nanoknow.config.loading import load_config
from nanoknow.config.tasks import TaskConfig
from nanoknow.data.batch import IGNORE
from nanoknow.data.sources import Texts
from nanoknow.data.tokenizer import MASK, PAD, Tokenizer
from nanoknow.errors import DataError
from nanoknow.figures.canvas import COLORS, INK, QUIET, picture
from nanoknow.system.seeds import new_generator
from nanoknow.tasks.base import Task
from nanoknow.tasks.registry import build_task

if TYPE_CHECKING:
    from matplotlib.axes import Axes

PERSON, ANSWER = "Walter Lupi", "Milan"
"""Somebody that the dev questions ask about: finetuning sees no question about him."""
OTHER_PERSON, OTHER_ANSWER = "Khatchig Mouradian", "Lebanon"
"""Somebody that the training questions ask about."""
NAME_COLOR, ANSWER_COLOR, MASK_COLOR = COLORS[0], COLORS[1], COLORS[2]
COLOR_OF = {
    PERSON: NAME_COLOR,
    OTHER_PERSON: NAME_COLOR,
    ANSWER: ANSWER_COLOR,
    OTHER_ANSWER: ANSWER_COLOR,
}
PAPER = "#F5F5F2"
WIDTH, HEIGHT = 636, 304  # points; y grows downwards
LEFT, FORM, MODEL, OUTPUT = 132, 198, 372, 484  # where columns begin
MODEL_WIDTH = 76
FONT_SIZE = 9.0
ADVANCE = 0.602 * FONT_SIZE  # of a character in DejaVu Sans Mono
MASK_ADVANCE = 1.7 * ADVANCE
BOX = 17  # height of a strip of text
ROWS = (20, 68, 158, 212, 266)  # the middle of each step's first strip


@dataclass(frozen=True)
class Example:
    """What a task makes of a document or a question: ``given``, and what it is to predict."""

    given: str
    predicted: str

    @property
    def text(self) -> str:
        """The whole of it."""
        return self.given + self.predicted


@dataclass(frozen=True)
class Examples:
    """The texts of the picture."""

    biography: str
    random_span: str
    cloze: Example
    in_place: Example
    training_question: Example
    question: Example


def main() -> None:
    """Draw it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("docs/experiment.png"))
    out = parser.parse_args().out
    draw(make_examples(), out)
    if out.suffix == ".png":
        Image.open(out).convert("RGB").quantize(64).save(out, optimize=True)
    print(out)  # noqa: T201


def make_examples() -> Examples:
    """Make the examples from the published data, by the tasks of the shipped configs.

    Raises:
        DataError: the corpus is another one.
    """
    original, best = load_config("birthplaces"), load_config("birthplaces-best")
    texts = Texts.find(best.data)
    documents = texts.require_corpus().documents
    found = [i for i, text in enumerate(documents) if text.startswith(f"{PERSON}. ")]
    if len(found) != 1:
        raise DataError(f"{texts.require_corpus().name}: {len(found)} documents about {PERSON}")
    index = found[0]

    def corrupt(config: ExperimentConfig, changes: Mapping[str, float]) -> Example:
        """Draw until the birthplace is hidden and something is kept on both of its sides."""
        task_config = config.pretrain.task.model_copy(update=changes)
        task = _build(config, task_config, texts)
        for seed in itertools.count():
            example = _example(task, index, texts, seed)
            hidden = example.text.rstrip(MASK).rpartition(MASK)[2]
            if hidden == ANSWER and "born in " in example.text and "1960" in example.text:
                return example
        raise AssertionError("unreachable")

    def random_span() -> str:
        task = _build(original, original.pretrain.task, texts)
        for seed in itertools.count():
            text = _example(task, index, texts, seed).text
            hidden = text.rpartition(MASK)[2]
            if ANSWER in hidden and len(hidden) < 20 and "1960 ." in text:
                return text
        raise AssertionError("unreachable")

    questions = _build(best, best.finetune.task, texts)
    return Examples(
        biography=documents[index],
        random_span=random_span(),
        cloze=corrupt(best, {"questions_per_document": 0.0, "name_in_place": 0.0}),
        in_place=corrupt(best, {"questions_per_document": 0.0, "name_in_place": 1.0}),
        training_question=_example(questions, 0, texts, 0),
        question=Example(f"Where was {PERSON} born?{MASK}", f"{ANSWER}{MASK}"),
    )


def _build(config: ExperimentConfig, task: TaskConfig, texts: Texts) -> Task:
    corpus = texts.require_corpus()
    tokenizer = Tokenizer.from_corpus(corpus, specials=True)
    return build_task(task, corpus, texts.require_questions(), tokenizer, config.model.block_size)


def _example(task: Task, index: int, texts: Texts, seed: int) -> Example:
    """Return an example split before the first character that carries loss."""
    tokenizer = Tokenizer.from_corpus(texts.require_corpus(), specials=True)
    batch = task.batch(torch.tensor([index]), new_generator(seed, "picture"))
    predicted = batch.targets != IGNORE  # (T,)
    first = int(predicted.nonzero()[0]) + 1
    last = int(predicted.nonzero()[-1])
    ids = [*batch.tokens[: last + 1].tolist(), int(batch.targets[last])]
    text = tokenizer.decode(ids).rstrip(PAD)
    return Example(text[:first], text[first:])


def draw(examples: Examples, path: Path) -> None:
    """Draw the five steps, from top to bottom.

    Raises:
        ConfigError: the picture cannot be written.
    """
    with picture(path, (WIDTH / 72, HEIGHT / 72)) as figure:
        figure.set_layout_engine("none")
        axes = figure.add_axes((0, 0, 1, 1))
        axes.set(xlim=(0, WIDTH), ylim=(HEIGHT, 0))
        axes.axis("off")
        biography, masked, pretrain, finetune, ask = ROWS
        _step(axes, 1, biography, "Biography", "one line of the corpus")
        _strip(axes, LEFT, biography, examples.biography)
        _step(axes, 2, masked, "Masked", "what is hidden is\nwritten at the end")
        forms = (
            ("random span", examples.random_span, ""),
            ("cloze", examples.cloze.text, "the birthplace, and little around it"),
            ("name in place", examples.in_place.text, "the same in the form of a question"),
        )
        for i, (form, text, words) in enumerate(forms):
            y = masked + i * (BOX + 6)
            axes.text(LEFT, y, form, va="center", fontsize=8)
            end = _strip(axes, FORM, y, text)
            axes.text(end + 8, y, words, va="center", color=QUIET, fontsize=7.5)
        _step(axes, 3, pretrain, "Pretrain", "on all biographies")
        _step(axes, 4, finetune, "Finetune", "on questions about\nother people")
        _step(axes, 5, ask, "Ask", "closed book: nothing\nto read the answer from")
        _model(axes, pretrain - 18, ask + 22)
        _pass(axes, pretrain, examples.in_place, "the loss is on these")
        _pass(axes, finetune, examples.training_question, "the loss is on these")
        _pass(axes, ask, examples.question, "the answer, out of the weights")


def _step(axes: Axes, number: int, y: float, title: str, words: str) -> None:
    axes.text(
        16,
        y,
        str(number),
        va="center",
        ha="center",
        color="white",
        fontsize=9,
        fontweight="bold",
        bbox={"boxstyle": "circle,pad=0.3", "color": INK},
    )
    axes.text(32, y, title, va="center", fontsize=11, fontweight="bold")
    axes.text(32, y + 10, words, va="top", color=QUIET, fontsize=7.5, linespacing=1.25)


def _strip(axes: Axes, x: float, y: float, text: str) -> float:
    """Draw characters on a strip, the name, the answer and the masks in colour; return its end."""
    from matplotlib.patches import FancyBboxPatch

    n_masks = text.count(MASK)
    end = x + (len(text) - n_masks) * ADVANCE + n_masks * MASK_ADVANCE + 8
    axes.add_patch(
        FancyBboxPatch(
            (x, y - BOX / 2),
            end - x,
            BOX,
            boxstyle="round,pad=0,rounding_size=3",
            facecolor=PAPER,
            edgecolor="#D9D9D4",
            linewidth=0.8,
        )
    )
    at = x + 4
    for part in re.split(f"({'|'.join([*COLOR_OF, MASK])})", text):
        masked = part == MASK
        width = MASK_ADVANCE if masked else len(part) * ADVANCE
        if masked:
            axes.add_patch(
                FancyBboxPatch(
                    (at + 0.8, y - BOX / 2 + 2.5),
                    width - 1.6,
                    BOX - 5,
                    boxstyle="round,pad=0,rounding_size=2",
                    color=MASK_COLOR,
                    linewidth=0,
                )
            )
        axes.text(
            at + width / 2 if masked else at,
            y,
            part,
            va="center_baseline",
            ha="center" if masked else "left",
            family="DejaVu Sans" if masked else "DejaVu Sans Mono",
            fontsize=7 if masked else FONT_SIZE,
            color="white" if masked else COLOR_OF.get(part, INK),
            fontweight="bold" if masked or part in COLOR_OF else "normal",
        )
        at += width
    return end


def _model(axes: Axes, top: float, bottom: float) -> None:
    """Draw the one model that all of training and asking goes through."""
    from matplotlib.patches import FancyBboxPatch

    axes.add_patch(
        FancyBboxPatch(
            (MODEL, top),
            MODEL_WIDTH,
            bottom - top,
            boxstyle="round,pad=0,rounding_size=6",
            facecolor="#E7F0F7",
            edgecolor=NAME_COLOR,
            linewidth=1.2,
        )
    )
    middle = MODEL + MODEL_WIDTH / 2
    words = "3.3 million\nparameters", "the same\nweights"
    axes.text(middle, ROWS[2], "transformer", ha="center", va="center", fontweight="bold")
    for y, text in zip(ROWS[3:], words, strict=True):
        axes.text(middle, y, text, ha="center", va="center", color=QUIET, fontsize=7.5)


def _pass(axes: Axes, y: float, example: Example, words: str) -> None:
    """Draw what the model reads and what it writes."""
    start = _strip(axes, LEFT, y, example.given)
    _strip(axes, OUTPUT, y, example.predicted)
    axes.text(OUTPUT, y + 12, words, va="top", color=QUIET, fontsize=7.5)
    for x0, x1 in ((start + 4, MODEL - 3), (MODEL + MODEL_WIDTH + 3, OUTPUT - 4)):
        axes.annotate(
            "", (x1, y), (x0, y), arrowprops={"arrowstyle": "-|>", "color": INK, "linewidth": 1.2}
        )


if __name__ == "__main__":
    main()
