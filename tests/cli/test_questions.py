"""What every command that reads questions makes of marks, of what nobody sees, and of overlaps."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
import typer

import nanoknow
from nanoknow.cli.app import app
from nanoknow.data.tokenizer import SPECIALS
from tests.helpers.cli import SMALL, json_of, kinds_of, refuse, succeed
from tests.helpers.textbook_twins import textbook_vanilla

RUNS = ("runs/answers", "runs/again")
CORPUS = ("--corpus", "wiki.txt")
TRAIN = ("--questions", "birth_places_train.tsv")
TUNE = ("finetune", "--from", "runs/vanilla", "--epochs", "1")
COMMANDS: dict[tuple[str, str], tuple[str, ...]] = {
    ("ask", "--questions"): ("ask", "Who?", "--run", RUNS[0]),
    ("baseline", "--eval"): ("baseline", *TRAIN),
    ("baseline", "--questions"): ("baseline", "--eval", "birth_dev.tsv"),
    ("compare", "--eval"): ("compare", *RUNS),
    ("data augment", "--eval"): ("data", "augment", *CORPUS, *TRAIN, "--out", "augmented"),
    ("data augment", "--questions"): ("data", "augment", *CORPUS, "--out", "augmented"),
    ("data inspect", "--eval"): ("data", "inspect", *CORPUS, *TRAIN),
    ("data inspect", "--questions"): ("data", "inspect", *CORPUS),
    ("evaluate", "--eval"): ("evaluate", RUNS[0]),
    ("evaluate", "--questions"): ("evaluate", RUNS[0]),
    ("export", "--eval"): ("export", "runs/vanilla", "--out", "out"),
    ("export", "--questions"): ("export", "runs/vanilla", "--out", "out"),
    ("finetune", "--eval"): (*TUNE, *TRAIN, "--out", "runs/eval"),
    ("finetune", "--questions"): (*TUNE, "--out", "runs/questions"),
    ("import", "--eval"): ("import", "vanilla.params", *CORPUS, *TRAIN),
    ("import", "--questions"): ("import", "vanilla.params", *CORPUS),
    ("learn", "--eval"): ("learn", *CORPUS, *TRAIN, "--out", "runs/learnt"),
    ("learn", "--questions"): ("learn", *CORPUS, "--eval", "birth_dev.tsv", "--out", "runs/learnt"),
    ("play", "--eval"): ("play", "--run", RUNS[0], "--port", "0"),
    ("play", "--questions"): ("play", "--run", RUNS[0], "--port", "0"),
    ("why", "--eval"): ("why", "--run", RUNS[0]),
    ("pretrain", "--questions"): (
        "pretrain",
        *CORPUS,
        *SMALL,
        "--epochs",
        "1",
        "--out",
        "runs/pre",
    ),
}
"""Each command and flag that questions come in by, and how to run it without the flag."""
SAID = {
    *(("compare", "--eval"), ("evaluate", "--eval")),
    *(("finetune", "--eval"), ("finetune", "--questions")),
}
"""Those that note what was left out."""


def flags(command: Any, name: str = "") -> Iterator[tuple[str, str]]:
    for each, inner in getattr(command, "commands", {}).items():
        yield from flags(inner, f"{name} {each}".strip())
    for parameter in command.params:
        yield from ((name, flag) for flag in ("--eval", "--questions") if flag in parameter.opts)


@pytest.fixture(scope="module", autouse=True)
def _another_run(home: Path) -> None:
    lines = (home / "data/world/birth_dev.tsv").read_text("utf-8").splitlines()
    asked = [line.replace("\t", " \t") + "\u200b" for line in lines[:3]] + lines[3:]
    (home / "blank.tsv").write_text("\r\n".join(asked) + "\r\n", encoding="utf-8")
    succeed(*TUNE, *TRAIN, "--eval", "birth_dev.tsv", "--out", RUNS[1])
    named = home / "data/world/birth_places_train.tsv"
    known = ("--set", f"data.questions={named}")  # pretraining reads their characters
    alone = ("--set", "pretrain.task={salient_spans: 0, questions_per_document: 0}")
    succeed("pretrain", *CORPUS, *known, *alone, *SMALL, "--epochs", "1", "--out", "runs/both")
    torch.save(textbook_vanilla(home / "data/world/wiki.txt").state_dict(), "vanilla.params")


def test_every_flag_that_questions_come_in_by_is_listed_here() -> None:
    assert set(flags(typer.main.get_command(app))) == set(COMMANDS)


@pytest.mark.parametrize(("command", "flag"), list(COMMANDS))
def test_a_mark_in_a_question_or_answer_is_refused_with_its_line(
    home: Path, command: str, flag: str
) -> None:
    turn = list(COMMANDS).index((command, flag)) % 2  # a question, or an answer
    mark, line = SPECIALS[turn], ("Where was Bo{} born?\tOslo", "Where?\tOs{}lo")[turn]
    (home / "marks.tsv").write_text(f"Who?\tBo\n{line.format(mark)}\n", encoding="utf-8")
    refused = refuse(*COMMANDS[command, flag], flag, "marks.tsv")
    assert f"marks.tsv:2: holds {mark!r} (U+{ord(mark):04X}), which nanoknow uses" in refused


@pytest.mark.parametrize(("command", "flag"), sorted(SAID))
def test_what_nobody_sees_is_left_out_and_said(home: Path, command: str, flag: str) -> None:
    said = succeed(*COMMANDS[command, flag], flag, "blank.tsv").stderr
    assert "blank.tsv: blanks at the ends and invisible characters left out of 3 lines" in said


def test_answers_score_the_same_with_and_without_what_nobody_sees(home: Path) -> None:
    clean, blank = (
        json_of("evaluate", RUNS[0], "--eval", name) for name in ("birth_dev.tsv", "blank.tsv")
    )
    differing = {key for key, value in clean.items() if blank[key] != value}
    assert differing <= {"questions", "predictions", "baseline"}
    assert clean["baseline"] | {"questions": ""} == blank["baseline"] | {"questions": ""}
    facts = json_of("data", "inspect", *CORPUS, *TRAIN, "--eval", "blank.tsv")["questions"]
    assert (facts["training"]["stripped"], facts["eval"]["stripped"]) == (0, 3)
    shown = succeed("data", "inspect", *CORPUS, *TRAIN, "--eval", "blank.tsv").stdout
    assert "3 with blanks left out)" in shown
    assert shown.count("left out)") == 1
    said = json_of("baseline", "--eval", "blank.tsv", "--answer", "\ufeff Oslo\u200b")
    assert said["answer"] == "Oslo"
    assert "--answer: holds '\u2047' (U+2047)" in refuse(
        "baseline", "--eval", "blank.tsv", "--answer", "Oslo\u2047"
    )


def test_a_mark_in_a_question_that_is_asked_is_left_out_and_said(home: Path) -> None:
    marked, plain = "Where was Bo\u25a1 born?\u2047Oslo", "Where was Bo born?Oslo"
    reply = json_of("ask", marked, "--run", RUNS[0])
    assert reply["answers"] == json_of("ask", plain, "--run", RUNS[0])["answers"]
    assert any("'\u25a1' (U+25A1), '\u2047' (U+2047)" in note for note in reply["notes"])
    said = succeed("attention", RUNS[0], "--question", marked, "--json")
    assert "left out 2 characters that the vocabulary does not hold: '\u25a1'" in said.stderr
    assert json.loads(said.stdout)["read"].startswith(f"{plain}\u2047")
    loaded = nanoknow.load(RUNS[0])
    assert loaded.answer(marked) == loaded.answer(plain)


def test_what_nobody_sees_in_a_question_that_is_asked_changes_nothing(home: Path) -> None:
    asked = (home / "data/world/birth_dev.tsv").read_text("utf-8").partition("\t")[0]
    odd = f"\ufeff{asked[:12]}\u200b{asked[12:]}\r\u200f"
    reply = json_of("ask", odd, "--run", RUNS[0])
    assert reply == json_of("ask", asked, "--run", RUNS[0])
    assert reply["evidence"]["documents"]
    loaded = nanoknow.load(RUNS[0])
    assert loaded.prompt(odd).tolist() == loaded.prompt(asked).tolist()


def test_a_run_that_read_no_training_questions_is_said_to_have_been_asked_none(home: Path) -> None:
    questions = home / "data/world/birth_places_train.tsv"
    taught = questions.read_text("utf-8").partition("\t")[0]
    assert json_of("ask", taught, "--run", RUNS[0])["asked_in_training"]
    assert json_of("ask", taught, "--run", "runs/both")["asked_in_training"] is None
    found = json_of("evaluate", "runs/both", "--eval", str(questions))
    assert found["documented"]
    assert (found["overlap"], found["baseline"], found["splits"]) == (None, None, None)


def test_answers_beyond_the_vocabulary_are_counted_as_never_given(home: Path) -> None:
    (home / "odd.tsv").write_text("Where was Ω born?\tΩmega\nWhere?\tOslo\n", encoding="utf-8")
    for result in (
        succeed("evaluate", RUNS[0], "--eval", "odd.tsv", "--json"),
        succeed(*TUNE, "--questions", "odd.tsv", "--out", "runs/odd"),
    ):
        assert "odd.tsv: left out 2 characters" in result.stderr
        assert "(1 in questions, 1 in answers): 'Ω' (U+03A9)" in result.stderr
        assert "odd.tsv: 1 of 2 answers cannot be given exactly" in result.stderr
    assert json_of("evaluate", RUNS[0], "--eval", "odd.tsv")["unreachable"] == 1
    assert json_of("evaluate", RUNS[0])["unreachable"] == 0


OVERLAPS = {"none": 0, "some": 3, "all": 5}


@pytest.fixture(scope="module")
def overlapping(home: Path) -> None:
    train = (home / "data/world/birth_places_train.tsv").read_text("utf-8").splitlines()
    dev = (home / "data/world/birth_dev.tsv").read_text("utf-8").splitlines()
    for name, n in OVERLAPS.items():
        # In other bytes: the same question all the same.
        lines = [f"\ufeff{line} " for line in train[:n]] + dev[: 5 - n]
        (home / f"{name}.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")


@pytest.mark.slow
@pytest.mark.parametrize(("name", "n"), OVERLAPS.items())
def test_evaluation_questions_that_training_asks_are_counted_and_scored_apart(
    overlapping: None, name: str, n: int
) -> None:
    file = ("--eval", f"{name}.tsv")
    found = json_of("evaluate", RUNS[0], *file)
    others = found["overlap"]["others"]
    assert found["overlap"]["n"] == n
    assert (others["n"] if others else 0) == found["score"]["n"] - n == 5 - n
    shown = " ".join(succeed("evaluate", RUNS[0], *file).stdout.split())
    assert ("without training questions" in shown) == bool(n)
    assert ("nothing to score; 5 of 5 left out" in shown) == (n == 5)
    if name == "some":
        facts = json_of("data", "inspect", *CORPUS, *TRAIN, *file)["questions"]
        assert (facts["training"]["in_training"], facts["eval"]["in_training"]) == (0, n)
    if name != "all":
        inspected = succeed("data", "inspect", *CORPUS, *TRAIN, *file).stdout
        assert (f", {n} training questions" in inspected) == bool(n)


@pytest.mark.parametrize(("name", "n"), OVERLAPS.items())
def test_finetuning_says_how_many_evaluation_questions_it_trains_on(
    overlapping: None, name: str, n: int
) -> None:
    out = f"runs/overlap-{name}"
    result = succeed(*TUNE, *TRAIN, "--eval", f"{name}.tsv", "--out", out)
    assert (f"{name}.tsv: {n} of 5 questions are training questions" in result.stderr) == bool(n)
    assert ("without training questions" in result.stdout) == bool(n)
    assert ("nothing to score; 5 of 5 left out" in result.stdout) == (n == 5)
    [accuracy] = kinds_of(out, "accuracy")
    others = accuracy["overlap"]["others"]
    assert (accuracy["overlap"]["n"], others["n"] if others else 0) == (n, 5 - n)
