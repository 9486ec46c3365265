"""``nanoknow ask`` of a model that has learned six people by heart."""

import json
import os
import pty
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import Result

import nanoknow
from tests.helpers.cli import json_of, refuse, run, succeed
from tests.helpers.homes import working_in
from tests.helpers.questions import born
from tests.helpers.small_runs import ENVIRONMENT, PYTHON

PEOPLE = {
    "Ada Bright": "Rome",
    "Bo Li": "Oslo",
    "Cy Young": "Lima",
    "Di Ross": "Rome",
    "Ed Moss": "Cork",
    "Flo Hay": "Oslo",
}
SIZES = ["n_layers=2", "d_model=32", "n_heads=2", "block_size=40", "dropout=0.0"]
COURSE = ["epochs=150", "evaluate_every=null", "optimizer.learning_rate=3e-3"]
SETTINGS = [*(f"model.{size}" for size in SIZES), *(f"scratch.{item}" for item in COURSE)]
TINY = [item for setting in SETTINGS for item in ("--set", setting)]


def ask(*arguments: str | Path, questions: str | None = None) -> Result:
    return run("ask", *arguments, typed=questions)


def reply(*arguments: str | Path) -> Any:
    return json_of("ask", *arguments)


@pytest.fixture(scope="module")
def learned(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A working directory with a run whose text does not hold where Flo Hay was born."""
    documents = [f"{name}. {name} was born in {place}." for name, place in PEOPLE.items()]
    documents[-1] = "Flo Hay. Flo Hay wrote much."
    pairs = [f"{born(name)}\t{place}" for name, place in PEOPLE.items()]
    with working_in(tmp_path_factory.mktemp("ask")) as folder:
        (folder / "wiki.txt").write_text("\n".join([*documents, "Where?"]) + "\n", encoding="utf-8")
        (folder / "pairs.tsv").write_text("\n".join(pairs[:-1]) + "\n", encoding="utf-8")
        data = ("--corpus", "wiki.txt", "--questions", "pairs.tsv")
        succeed("finetune", "--from", "scratch", *data, *TINY, "--out", "runs/knows")
        yield folder


def test_a_known_fact_comes_with_its_probability_and_its_place_in_the_text(learned: Path) -> None:
    found = reply(born("Cy Young"))
    assert (found["answer"], found["abstained"], found["doubt"]) == ("Lima", False, None)
    assert found["notes"] == []
    assert found["probability"] > 0.8
    assert found["evidence"]["where"].endswith("wiki.txt:3")
    assert found["evidence"]["sentence"] == "Cy Young was born in Lima."
    assert found["asked_in_training"]["where"].endswith("pairs.tsv:3")
    probabilities = [answer["probability"] for answer in found["answers"]]
    assert len(probabilities) == 3
    assert probabilities == sorted(probabilities, reverse=True)
    assert sum(probabilities) <= 1
    shown = ask(born("Cy Young"))
    assert "using runs/knows" in shown.stderr
    assert "wiki.txt:3: “Cy Young was born in Lima.”" in " ".join(shown.stdout.split())
    assert "warning" not in shown.stdout


def test_the_answer_is_that_of_python(learned: Path) -> None:
    loaded = nanoknow.load("runs/knows")
    for name in PEOPLE:
        found, greedy = reply(born(name)), loaded.answer(born(name))
        assert found["answer"] == greedy or any(repr(greedy) in note for note in found["notes"])


def test_an_answer_that_the_text_does_not_hold_is_called_made_up(learned: Path) -> None:
    found = reply(born("Gus Nobody"))
    assert found["doubt"].startswith("probably made up: no document of the training text")
    assert found["evidence"]["documents"] == 0
    about = reply(born("Flo Hay"))
    assert "the document about Flo Hay does not hold it" in about["doubt"]
    assert about["evidence"]["where"].endswith("wiki.txt:6")
    assert "warning" in ask(born("Flo Hay")).stdout


def test_below_the_threshold_it_says_that_it_does_not_know(learned: Path) -> None:
    question = born("Gus Nobody")
    found = reply(question, "--abstain-below", "1", "--n-best", "5")
    assert (found["answer"], found["abstained"], len(found["answers"])) == (None, True, 5)
    assert "I don't know" in ask(question, "--abstain-below", "1").stdout
    assert reply(born("Cy Young"), "--abstain-below", "0.5")["answer"] == "Lima"
    assert ask(question, "--abstain-below", "1.5").exit_code == 2


def test_another_form_of_question_is_answered_with_a_note(learned: Path) -> None:
    found = reply("Where is Cy Young born?")
    assert found["answer"] is not None
    assert found["notes"][0].endswith("training questions (Where was … born?)")
    assert found["evidence"]["name"] == "Cy Young"
    assert reply(f"Where was Bo Li {'so ' * 6}born?")["answer"] is not None  # fills the block
    odd = reply(born("Cy Ωung"))
    assert "'Ω' (U+03A9)" in odd["notes"][0]


def test_piped_questions_are_answered_one_by_one_past_those_that_cannot_be(learned: Path) -> None:
    lines = "Where was Bo Li born?\n\nWhere was Ed Moss born?\tCork\nWhere was Di Ross born?"
    result = ask("--json", questions=lines)
    replies = [json.loads(line) for line in result.stdout.splitlines()]
    assert [r["question"][10:15] for r in replies] == ["Bo Li", "Di Ro"]
    assert "a question with a tab in it" in result.stderr
    assert result.exit_code == 1
    shown = ask(questions="Where was Bo Li born?\n")
    assert shown.exit_code == 0
    assert shown.stdout.startswith("Where was Bo Li born?\n")
    assert ask(questions="").exit_code == 0


@pytest.mark.slow
def test_a_terminal_is_asked_for_questions_until_a_line_is_empty(learned: Path) -> None:
    ours, theirs = pty.openpty()
    os.write(ours, b"Where was Bo Li born?\n\nWhere was Ed Moss born?\n")
    command = [*PYTHON, "-m", "nanoknow", "ask", "--json"]
    result = subprocess.run(
        command,
        stdin=theirs,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env=ENVIRONMENT,
    )
    os.close(ours)
    os.close(theirs)
    assert result.returncode == 0, result.stderr
    assert "a question a line; an empty one ends" in result.stderr
    assert "? " in result.stderr
    [line] = result.stdout.splitlines()
    assert json.loads(line)["question"] == born("Bo Li")


@pytest.mark.parametrize(
    ("question", "said"),
    [
        ("", "an empty question"),
        ("Where was Bo Li born?\tOslo", "evaluate --eval FILE"),
        (f"Where was Bo Li {'so ' * 7}born?", "the question takes 43 characters"),
    ],
)
def test_what_is_no_question_is_refused_in_a_line(learned: Path, question: str, said: str) -> None:
    assert said in refuse("ask", question, "--run", "runs/knows")


def test_it_answers_without_the_text_and_says_that_it_cannot_check(learned: Path) -> None:
    text = learned / "wiki.txt"
    text.rename(learned / "moved.txt")
    try:
        result = ask(born("Cy Young"), "--json")
        named = reply(born("Cy Young"), "--corpus", "moved.txt")
    finally:
        (learned / "moved.txt").rename(text)
    found = json.loads(result.stdout)
    assert (found["answer"], found["evidence"]) == ("Lima", None)
    assert "cannot be checked against it: name it with --corpus" in result.stderr
    assert named["evidence"]["holds"]


def test_a_run_that_answers_no_questions_is_refused(learned: Path) -> None:
    speaks = ("--set", "pretrain.task.kind=language_modeling")
    succeed(
        "pretrain", "--corpus", "wiki.txt", *speaks, *TINY, "--epochs", "1", "--out", "runs/read"
    )
    line = refuse("ask", born("Cy Young"), "--run", "runs/read")
    assert "answers no questions: name one that 'nanoknow finetune' made" in line
