"""What a report begins with: the experiment by one document, every question, how it was learned."""

import json
import re
import shutil
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest

from nanoknow.data.tokenizer import MASK
from nanoknow.evaluation.answers import Answer
from nanoknow.evaluation.buckets import confidences, rights
from nanoknow.evaluation.calibration import Confidence, measure_confidence
from nanoknow.report.figures import draw_confidences, draw_reliability
from nanoknow.training.curves import accuracies_beside_scratch
from tests.helpers.cli import SMALL, json_of, succeed
from tests.helpers.pages import Page, read
from tests.helpers.pictures import drawn_by
from tests.helpers.questions import said

ASKED = ("evaluate", "runs/answers", "--report", "report.html")


@pytest.fixture(scope="module")
def found(home: Path) -> Any:
    """The report on a run that was pretrained by span corruption, as JSON."""
    return json_of(*ASKED)


@pytest.fixture(scope="module")
def page(home: Path, found: Any) -> Page:
    return Page(read(home / "report.html"))


def test_documents_are_shown_as_pretraining_read_them(home: Path, found: Any) -> None:
    lines = read(home / "data/world/wiki.txt").splitlines()
    assert len(found["documents"]) == 4
    for shown in found["documents"]:
        assert shown["text"] in lines
        assert shown["name"] in shown["text"]
        assert shown["name"] in shown["answer"]["question"]
        assert shown["hidden"]
        read_of_it = shown["read"].removesuffix(MASK)
        hole = MASK if MASK in read_of_it else shown["name"]  # the name may be in its place
        assert read_of_it.replace(hole, shown["hidden"], 1) in shown["text"]


def test_the_page_shows_documents_questions_and_answers(found: Any, page: Page) -> None:
    words = "".join(page.texts)
    for shown in found["documents"]:
        assert shown["text"] in words
        assert shown["read"] in words
        assert shown["hidden"] in words
    assert {"experiment", "documents", "questions"} <= set(page.ids)


def test_every_question_is_in_the_table_with_its_answer(found: Any, page: Page) -> None:
    assert len(found["answers"]) == found["score"]["n"]
    for answer in found["answers"]:
        at = page.texts.index(answer["question"], page.texts.index("verdict"))
        row = "|".join(page.texts[at : at + 12])
        assert answer["gold"][0] in row
        assert answer["verdict"] in row
        share = re.search(r"(\d+\.\d)\u00a0%", row)
        assert share is not None


def test_a_share_is_written_in_one_way(home: Path, page: Page) -> None:
    words = " ".join(page.texts)
    assert not re.search(r"(?<![\d+−.-])0\.\d{3}(?!\d)", words)  # scores have a sign
    assert "only the model" in words


@pytest.mark.slow
def test_the_curve_of_learning_has_a_run_from_scratch_on_the_same_texts_beside_it(
    home: Path,
) -> None:
    files = ("--questions", "birth_places_train.tsv", "--eval", "birth_dev.tsv", "--epochs", "2")
    texts = ("--corpus", "data/world/wiki.txt", *files)
    often = ("finetune.evaluate_every=1", "scratch.evaluate_every=1")
    measured = [part for setting in often for part in ("--set", setting)]
    succeed("finetune", "--from", "runs/perceiver", *files, *measured, "--out", "both/finetune")
    succeed("finetune", "--from", "scratch", *texts, *SMALL, *measured, "--out", "both/scratch")
    asked = ("evaluate", "both/finetune", "--report", "both.html")
    learning = json_of(*asked)["learning"]
    assert list(learning) == ["this model", "from scratch, without pretraining"]
    assert [len(points) for points in learning.values()] == [2, 2]
    assert all(0 <= share <= 100 for points in learning.values() for _, share in points)
    assert "learning" in Page(read(home / "both.html")).ids
    assert accuracies_beside_scratch(Path("both/finetune")) == {
        name: [tuple(point) for point in points] for name, points in learning.items()
    }
    assert list(accuracies_beside_scratch(Path("both/scratch"))) == ["this model"]
    measure("both/finetune", 0.25)
    measure("both/scratch", 0.5, 1.0)
    assert accuracies_beside_scratch(Path("both/finetune")) == {
        "this model": [(1, 25.0)],
        "from scratch, without pretraining": [(1, 50.0), (2, 100.0)],
    }
    measure("both/finetune")
    assert accuracies_beside_scratch(Path("both/finetune")) == {}  # nothing to be beside
    measure("both/finetune", 0.25)
    record = home / "both/scratch/run.json"
    sha256 = re.findall(r'"sha256": "(\w+)"', read(record))[0]
    record.write_text(read(record).replace(sha256, 64 * "0"), encoding="utf-8")
    assert list(accuracies_beside_scratch(Path("both/finetune"))) == ["this model"]
    shutil.rmtree("both/scratch")
    (home / "both/finetune/metrics.jsonl").unlink()
    assert json_of(*asked)["learning"] == {}


def measure(run: str, *accuracies: float) -> None:
    """Let a run have recorded these accuracies, and no others."""
    metrics = Path(run, "metrics.jsonl")
    kept = [line for line in read(metrics).splitlines() if '"kind": "accuracy"' not in line]
    for step, accuracy in enumerate(accuracies, 1):
        kept.append(json.dumps({"kind": "accuracy", "step": step, "accuracy": accuracy}))
    metrics.write_text("\n".join(kept) + "\n", encoding="utf-8")


def measured(*shares: tuple[float, bool]) -> Confidence:
    answers: list[Answer] = [
        said("Rome" if right else "Oslo", "Rome", confidence=share) for share, right in shares
    ]
    return measure_confidence(confidences(answers), rights(answers), 0.8, Random(0))


def test_few_answers_are_points_and_many_are_bins() -> None:
    few = measured(*[(0.9, True)] * 19, (0.3, False))
    [figure] = drawn_by(lambda: draw_confidences(few))
    [axes] = figure.axes
    assert [len(np.asarray(dots.get_offsets())) for dots in axes.collections] == [19, 1]
    assert not axes.patches
    many = measured(*[(0.9, True)] * 20, *[(0.3, False)] * 20)
    [figure] = drawn_by(lambda: draw_confidences(many))
    assert figure.axes[0].patches
    assert not figure.axes[0].collections


def test_a_bin_of_one_answer_is_on_no_line() -> None:
    bins = measured(*[(0.9, True)] * 12, *[(0.6, False)] * 9, (0.2, True))
    [figure] = drawn_by(lambda: draw_reliability(bins))
    _, line = figure.axes[0].lines
    assert np.asarray(line.get_xdata()).round().tolist() == [60, 90]
    assert len(figure.axes[0].collections) == 3
