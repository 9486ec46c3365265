"""Working directories with data and runs in them."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import product
from pathlib import Path

import pytest

from tests.helpers.cli import SMALL, succeed

LINE = "To be, or not to be, that is the question: O God, O God!\n"
GIVEN = ("Ada", "<b>Bo", "Cy&co", "Di;x")
FAMILY = ("Fox</b>", '"Hall"', "Day's", "<script>")
PLACES = ("R&D", "<Rome>", "Os'lo", "São $x^2$")


@contextmanager
def working_in(folder: Path) -> Iterator[Path]:
    """Make a folder the working directory, and nothing else known of where runs and data are."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for variable in ("NANOKNOW_RUNS", "NANOKNOW_DATA"):
            patch.delenv(variable, raising=False)
        yield folder


def copy_home(made: Path, copy: Path) -> None:
    """Copy a working directory with its runs, whose records name their data by absolute paths."""
    shutil.copytree(made, copy, dirs_exist_ok=True)
    for path in (*copy.glob("runs/*/config.yaml"), *copy.glob("runs/*/run.json")):
        text = path.read_text(encoding="utf-8")
        path.write_text(text.replace(str(made), str(copy)), encoding="utf-8")


def make_home() -> None:
    """Make a world and a run of each kind in the working directory."""
    succeed("data", "make", "--people", "40", "--paraphrases", "2", "--out", "data/world")
    Path("play.txt").write_text(LINE * 8, encoding="utf-8")
    corpus = ("--corpus", "data/world/wiki.txt", "--epochs", "1")
    succeed("pretrain", *corpus, *SMALL, "--out", "runs/vanilla")
    succeed(
        "pretrain", *corpus, *SMALL, "--model", "perceiver", "--bottleneck-dim", "64",
        "--out", "runs/perceiver",
    )  # fmt: skip
    succeed(
        "pretrain", "--corpus", "play.txt", *SMALL, "--epochs", "1",
        "--set", "pretrain.task.kind=language_modeling", "--out", "runs/play",
    )  # fmt: skip
    succeed(
        "finetune", "--from", "runs/perceiver", "--questions", "birth_places_train.tsv",
        "--eval", "birth_dev.tsv", "--epochs", "1", "--out", "runs/answers",
    )  # fmt: skip


def make_markup() -> None:
    """Make texts full of markup and a run that was finetuned on them, and one that learned less."""
    # Four of the sixteen names are nobody's.
    names = [f"{given} {family}" for given, family in product(GIVEN, FAMILY)]
    names = [name for i, name in enumerate(names) if i % 5]
    places = [PLACES[(i * i + i // 3) % 4] for i in range(12)]
    asked = [(f"Where was {name} born?", p) for name, p in zip(names, places, strict=True)]
    documents = [f"{name}. Born in {p}." for name, p in zip(names, places, strict=True)]
    lines = [f"{question}\t{place}\n" for question, place in asked]
    Path("wiki.txt").write_text("\n".join([*documents, "Eve. Of R&D? No."]), encoding="utf-8")
    Path("train.tsv").write_text("".join(lines[:8]), encoding="utf-8")
    Path("dev.tsv").write_text("".join(lines[4:]), encoding="utf-8")
    files = ("--corpus", "wiki.txt", "--questions", "train.tsv", "--eval", "dev.tsv")
    for name, epochs in (("<i>&run", "120"), ("untaught", "1")):
        succeed(
            "finetune", "--from", "scratch", *files, *SMALL, "--epochs", epochs,
            "--set", "scratch.batch_size=8", "--set", "scratch.evaluate_every=null",
            "--set", "scratch.optimizer.learning_rate=0.01", "--out", f"runs/{name}",
        )  # fmt: skip
