"""``nanoknow learn``, as a user runs it on files of their own."""

import re
from pathlib import Path

import pytest

from tests.helpers.cli import SMALL, json_of, refuse, succeed

NAMES = [f"{given} {family}" for given in ("Ada", "Bo", "Cy", "Di") for family in ("Fox", "Hall")]
PLACES = ["Rome", "$x^2$", "Oslo"]
EPOCHS = "pretrain.epochs=1 finetune.epochs=1 scratch.epochs=1"
TINY = [*SMALL, *(f"--set={assignment}" for assignment in EPOCHS.split())]


@pytest.fixture
def files(here: Path) -> list[str]:
    """Lives, and questions about them: six to learn and two to ask."""
    pairs = [(name, PLACES[i % 3]) for i, name in enumerate(NAMES)]
    asked = [f"Where was {name} born?\t{place}\n" for name, place in pairs]
    Path("$lives$.txt").write_text(
        "".join(f"{name}. Born in {place}, a poet.\n" for name, place in pairs), encoding="utf-8"
    )
    Path("train.tsv").write_text("".join(asked[:6]), encoding="utf-8")
    Path("$dev$.tsv").write_text("".join(asked[6:]), encoding="utf-8")
    return ["--corpus", "$lives$.txt", "--questions", "train.tsv", "--eval", "$dev$.tsv"]


@pytest.mark.slow
def test_learning_ends_in_a_table_and_a_picture_and_goes_on_where_it_was(files: list[str]) -> None:
    report = json_of("learn", *files, *TINY, "--seeds", "2", "--out", "mine")
    assert [len(scores) for scores in report["scores"].values()] == [2, 2]
    assert (report["test_scores"], report["test_constant"]) == ({}, None)
    assert report["training_questions"] == 0
    assert report["questions"].endswith("$dev$.tsv")
    assert Path("mine/learn.png").read_bytes().startswith(b"\x89PNG")
    assert {path.name for path in Path("mine").iterdir()} >= {"learn.json", "table.csv"}
    again = succeed("learn", *files, *TINY, "--seeds", "2", "--out", "mine")
    assert "resuming mine/seed-1/finetune" in again.stderr
    shown = " ".join(again.stdout.split())
    assert "$dev$.tsv, questions no training question asks" in shown
    assert "held-out people" not in shown
    assert [reply["question"] for reply in report["replies"][:2]] == [
        "Where was Di Fox born?",
        "Where was Di Hall born?",
    ]
    assert "nanoknow evaluate mine/seed-0/finetune --report report.html" in shown
    assert "The demo" not in shown
    assert "Picture: mine/learn.png" in shown


@pytest.mark.parametrize("command", ["data inspect", "pretrain", "learn"])
def test_whether_texts_fit_is_said_before_training(files: list[str], command: str) -> None:
    Path("$lives$.txt").write_text(4 * "He was born in Rome.\n" + "Bo Fox sang.\n", "utf-8")
    asked = {"data inspect": [], "pretrain": ["--dry-run"], "learn": ["--dry-run"]}[command]
    named = files[:4] if command == "pretrain" else files
    result = succeed(*command.split(), *named, *SMALL, *asked)
    said = " ".join((result.stdout + result.stderr).split())
    assert re.search(r"answers in a document about the (subject: )?0 of 6 \(not line 1\)", said)
    assert not Path("runs").exists()


@pytest.mark.slow
def test_what_takes_the_latest_run_takes_the_pretrained_one(files: list[str]) -> None:
    succeed("learn", *files, *TINY, "--seeds", "2", "--out", "runs/mine")
    assert "using runs/mine/seed-1/finetune" in succeed("ask", "Where was Di Fox born?").stderr


@pytest.mark.slow
def test_training_questions_among_those_asked_are_counted_in_the_title(files: list[str]) -> None:
    same = [*files[:-1], "train.tsv"]
    shown = succeed("learn", *same, *TINY, "--out", "mine").stdout
    assert "train.tsv, 6 of them training questions" in " ".join(shown.split())


@pytest.mark.parametrize(("left_out", "flag"), [(0, "--corpus"), (2, "--questions"), (4, "--eval")])
def test_a_file_that_is_not_named_is_asked_for_by_its_flag(
    files: list[str], left_out: int, flag: str
) -> None:
    named = files[:left_out] + files[left_out + 2 :]
    assert f"with {flag} FILE" in refuse("learn", *named)
    assert not Path("runs").exists()


@pytest.mark.parametrize("flag", ["--questions", "--eval"])
def test_questions_without_answers_are_refused_by_their_flag(files: list[str], flag: str) -> None:
    Path("asked.txt").write_text("Where was Ada Fox born?\n", encoding="utf-8")
    refused = refuse("learn", *files, flag, "asked.txt")
    assert "asked.txt: has no answers to " in refused
    assert refused.endswith(f"with {flag}")
    assert not Path("runs").exists()
