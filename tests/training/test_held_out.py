"""``pretrain.held_out``: the loss on text that a language model does not train on."""

from pathlib import Path

import pytest
import torch
import torch.nn.functional as F

import nanoknow
from tests.helpers.cli import SMALL, json_of, kinds_of, refuse, succeed

WINDOWS = ("--set", "pretrain.task.kind=language_modeling", "--set", "model.block_size=16")
RATE = ("--set", "pretrain.schedule.warmup_tokens=100")  # else by the length of the whole text
TRAIN = (
    "pretrain",
    "--corpus",
    "text.txt",
    *SMALL,
    *WINDOWS,
    "--epochs",
    "2",
    "--batch-size",
    "8",
    *RATE,
)
SEEN, UNSEEN = "abcd" * 60, "dcba" * 20


@pytest.fixture(autouse=True)
def _text(here: Path) -> None:
    (here / "text.txt").write_text(SEEN + UNSEEN, encoding="utf-8")


@pytest.mark.slow
def test_the_loss_is_that_of_the_end_and_training_reads_the_rest_alone() -> None:
    share = len(UNSEEN) / len(SEEN + UNSEEN)
    out = ("--out", "runs/held")
    summary = json_of(*TRAIN, "--set", f"pretrain.held_out={share}", *out)
    losses = kinds_of("runs/held", "held_out")
    assert [each["epoch"] for each in losses] == [1, 2]
    assert summary["held_out_loss"] == losses[-1]["loss"] > summary["loss"]
    run = nanoknow.load("runs/held")
    starts = range(0, len(UNSEEN) - 16, 16)
    ids, _ = run.encode([UNSEEN[i : i + 17] for i in starts])
    with torch.no_grad():
        expected = F.cross_entropy(run.model(ids[:, :-1]).flatten(0, 1), ids[:, 1:].flatten())
    assert losses[-1]["loss"] == pytest.approx(float(expected), abs=1e-5)
    Path("text.txt").write_text(SEEN, encoding="utf-8")
    alone = json_of(*TRAIN, "--out", "runs/alone")
    assert alone["held_out_loss"] is None
    assert alone["step"] == summary["step"]
    assert kinds_of("runs/alone", "epoch")[-1]["loss"] == pytest.approx(summary["loss"], abs=1e-5)


def test_the_loss_of_a_ruined_model_is_not_recorded() -> None:
    steep = ("--learning-rate", "1e38", "--set", "pretrain.schedule.warmup_tokens=0")
    out, once = ("--out", "runs/steep"), ("--set", "pretrain.batch_size=300", "--epochs", "1")
    line = refuse(*TRAIN, *once, *steep, "--set", "pretrain.held_out=0.25", *out)
    assert "step 1 is not saved, and step 0 is the last good checkpoint" in line
    assert kinds_of("runs/steep", "held_out") == []


def test_it_is_shown_and_refused_where_there_are_documents_or_too_little_text() -> None:
    shown = succeed(*TRAIN, "--set", "pretrain.held_out=0.25", "--out", "runs/shown").stdout
    assert "loss, held-out text" in shown
    said = refuse("pretrain", "--corpus", "text.txt", *SMALL, "--set", "pretrain.held_out=0.25")
    assert "held_out is for task.kind language_modeling, not span_corruption" in said
    assert "too few for windows" in refuse(*TRAIN, "--set", "pretrain.held_out=0.01")
