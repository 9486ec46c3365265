"""``make pictures``: the experiment in one picture, docs/experiment.png.

Its examples are made by the tasks that training uses, from the published data.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.patches import FancyBboxPatch
from PIL import Image

from nanoknow.config.loading import load_config
from nanoknow.config.tasks import TaskConfig
from nanoknow.data.sources import Texts
from nanoknow.data.tokenizer import MASK, Tokenizer
from nanoknow.figures.canvas import COLORS, INK, QUIET, picture
from nanoknow.system.seeds import new_generator
from nanoknow.tasks.inspection import example_of
from nanoknow.tasks.registry import build_task

PERSON, ANSWER = "Walter Lupi", "Milan"
"""Somebody that the dev questions ask about: finetuning sees no question about him."""
OTHER_PERSON, OTHER_ANSWER = "Khatchig Mouradian", "Lebanon"
"""Whom the first training question asks about."""
COLOR_OF = dict.fromkeys([PERSON, OTHER_PERSON], COLORS[0]) | dict.fromkeys(
    [ANSWER, OTHER_ANSWER], COLORS[1]
)
PATH = Path("docs/experiment.png")
WIDTH, HEIGHT = 636, 304  # points; y grows downwards
LEFT, FORM, MODEL, OUTPUT = 132, 198, 372, 484  # where columns begin
MODEL_WIDTH = 76
STRIP = 17  # height of a strip of text
ADVANCE = 0.602 * 9  # of a character in DejaVu Sans Mono, 9 points
MASK_ADVANCE = 1.7 * ADVANCE
STEPS = {  # by the middle of each one's first strip
    20: ("Biography", "one line of the corpus"),
    68: ("Masked", "what is hidden is\nwritten at the end"),
    158: ("Pretrain", "on all biographies"),
    212: ("Finetune", "on questions about\nother people"),
    266: ("Ask", "closed book: nothing\nto read the answer from"),
}

Example = tuple[str, str]
"""What the model reads, and what it is to write after it."""


def main() -> None:
    """Draw it, in 64 colours."""
    original, best = load_config("birthplaces"), load_config("birthplaces-best")
    texts = Texts.find(best.data)
    documents = texts.require_corpus().documents
    index = next(i for i, text in enumerate(documents) if text.startswith(f"{PERSON}. "))

    def hides(example: Example, beside: int = 0) -> bool:
        """Whether the birthplace is hidden, with little beside, and what is around it shown."""
        shown, _, hidden = "".join(example).rstrip(MASK).rpartition(MASK)
        return ANSWER in hidden and len(hidden) <= len(ANSWER) + beside and "1960 ." in shown

    def corrupted(name_in_place: float) -> Example:
        changes = {"questions_per_document": 0.0, "name_in_place": name_in_place}
        return _example(texts, best.pretrain.task.model_copy(update=changes), index, hides)

    random_span = _example(texts, original.pretrain.task, index, partial(hides, beside=14))
    in_place = corrupted(1.0)
    training_question = _example(texts, best.finetune.task, 0, lambda _: True)
    question = (f"Where was {PERSON} born?{MASK}", f"{ANSWER}{MASK}")
    forms = (
        (68, "random span", random_span, ""),
        (91, "cloze", corrupted(0.0), "the birthplace, and little around it"),
        (114, "name in place", in_place, "the same in the form of a question"),
    )
    passes = (
        (158, in_place, "the loss is on these"),
        (212, training_question, "the loss is on these"),
        (266, question, "the answer, out of the weights"),
    )
    with picture(PATH, (WIDTH / 72, HEIGHT / 72)) as figure:
        figure.set_layout_engine("none")
        axes = figure.add_axes((0, 0, 1, 1))
        axes.set(xlim=(0, WIDTH), ylim=(HEIGHT, 0))
        axes.axis("off")
        for number, (y, (title, words)) in enumerate(STEPS.items(), start=1):
            circle = {"boxstyle": "circle,pad=0.3", "color": INK}
            _text(axes, 16, y, str(number), color="white", weight="bold", ha="center", bbox=circle)
            _text(axes, 32, y, title, size=11, weight="bold")
            _note(axes, 32, y + 10, words, va="top")
        _strip(axes, LEFT, 20, documents[index])
        for y, form, example, words in forms:
            _text(axes, LEFT, y, form, size=8)
            end = _strip(axes, FORM, y, "".join(example))
            _note(axes, end + 8, y, words)
        _box(axes, MODEL, 140, MODEL_WIDTH, 148, 6, "#E7F0F7", COLORS[0])
        middle = MODEL + MODEL_WIDTH / 2
        _text(axes, middle, 158, "transformer", weight="bold", ha="center")
        _note(axes, middle, 212, "3.3 million\nparameters", ha="center")
        _note(axes, middle, 266, "the same\nweights", ha="center")
        for y, example, words in passes:
            _pass(axes, y, example, words)
    Image.open(PATH).convert("RGB").quantize(64).save(PATH, optimize=True)


def _example(
    texts: Texts, config: TaskConfig, index: int, suits: Callable[[Example], bool]
) -> Example:
    """Return the first example of a document or question that suits, drawn seed by seed."""
    corpus = texts.require_corpus()
    tokenizer = Tokenizer.from_corpus(corpus, specials=True)
    task = build_task(config, corpus, texts.require_questions(), tokenizer, block_size=128)
    for seed in itertools.count():
        example = example_of(task, tokenizer, index, new_generator(seed, "picture"))
        if suits(example):
            return example
    raise AssertionError("unreachable")


def _pass(axes: Axes, y: float, example: Example, words: str) -> None:
    """Draw what the model reads and what it writes."""
    start = _strip(axes, LEFT, y, example[0])
    _strip(axes, OUTPUT, y, example[1])
    _note(axes, OUTPUT, y + 12, words, va="top")
    for x0, x1 in ((start + 4, MODEL - 3), (MODEL + MODEL_WIDTH + 3, OUTPUT - 4)):
        arrow = {"arrowstyle": "-|>", "color": INK, "linewidth": 1.2}
        axes.annotate("", (x1, y), (x0, y), arrowprops=arrow)


def _strip(axes: Axes, x: float, y: float, text: str) -> float:
    """Draw characters on a strip, names, answers and masks in colour; return where it ends."""
    masks = text.count(MASK)
    width = (len(text) - masks) * ADVANCE + masks * MASK_ADVANCE + 8
    _box(axes, x, y - STRIP / 2, width, STRIP, 3, "#F5F5F2", "#D9D9D4")
    at = x + 4
    for part in re.split(f"({'|'.join([*COLOR_OF, MASK])})", text):
        if part == MASK:
            grey = COLORS[2]
            _box(axes, at + 0.8, y - STRIP / 2 + 2.5, MASK_ADVANCE - 1.6, STRIP - 5, 2, grey, grey)
            style = {"color": "white", "size": 7, "weight": "bold", "ha": "center"}
            _text(axes, at + MASK_ADVANCE / 2, y, MASK, va="center_baseline", **style)
            at += MASK_ADVANCE
        else:
            weight = "bold" if part in COLOR_OF else "normal"
            style = {"color": COLOR_OF.get(part, INK), "weight": weight}
            _text(axes, at, y, part, va="center_baseline", family="DejaVu Sans Mono", **style)
            at += len(part) * ADVANCE
    return x + width


def _box(
    axes: Axes, x: float, y: float, width: float, height: float, radius: float, face: str, edge: str
) -> None:
    shape = f"round,pad=0,rounding_size={radius}"
    axes.add_patch(FancyBboxPatch((x, y), width, height, shape, fc=face, ec=edge, lw=0.8))


def _text(axes: Axes, x: float, y: float, text: str, **style: Any) -> None:
    axes.text(x, y, text, **{"va": "center", "size": 9, **style})


def _note(axes: Axes, x: float, y: float, text: str, **style: Any) -> None:
    _text(axes, x, y, text, **{"size": 7.5, "color": QUIET, "linespacing": 1.25, **style})


if __name__ == "__main__":
    main()
