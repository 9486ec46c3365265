"""``nanoknow compare``, and the look-up baseline."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.helpers.cli import SMALL, json_of, refuse, succeed
from tests.helpers.pages import read


def test_compare_reads_answers_that_are_there_and_asks_for_those_that_are_not(markup: Path) -> None:
    runs = ("runs/<i>&run", "runs/untaught")
    succeed("evaluate", runs[0])
    for saved in (markup / "runs/untaught").glob("predictions/*"):
        saved.unlink()
    first = succeed("compare", *runs, "--plot", "compare.svg", "--json")
    assert f"{runs[0]}: answers read from " in first.stderr
    assert f"{runs[1]}: asked now" in first.stderr
    again = succeed("compare", *runs, "--plot", "compare.svg", "--json")
    assert "asked now" not in again.stderr
    assert again.stdout == first.stdout
    report = json.loads(first.stdout)
    assert [run["letter"] for run in report["runs"]] == ["A", "B"]
    [pair] = report["pairs"]
    scores = [run["score"]["n_right"] for run in report["runs"]]
    pairing = pair["pairing"]
    assert pairing["both"] + pairing["only_first"] == scores[0]
    assert sum(pairing[key] for key in ("both", "only_first", "only_second", "neither")) == 8
    assert (markup / "compare.svg").exists()
    rows = [(row["run"], row["n_right"]) for row in report["table"]]
    assert rows == list(zip(runs, scores, strict=True))
    assert all(row["seconds"] > 0 and row["seed"] == 0 for row in report["table"])
    table = succeed("compare", *runs, "--out", "tables/runs.csv").stdout
    assert len(read(markup / "tables/runs.csv").splitlines()) == 1 + len(runs)
    assert "only first" in table
    assert "p, corrected" in table


def asks_again(folder: Path, damaged: Callable[[str], str]) -> None:
    """Damage the saved answers of a run: it is asked again, and they are as they were."""
    succeed("evaluate", "runs/untaught")
    [saved] = (folder / "runs/untaught/predictions").glob("dev-*.jsonl")
    whole = read(saved)
    saved.write_text(damaged(whole), encoding="utf-8")
    assert "runs/untaught: asked now" in succeed("compare", "runs/<i>&run", "runs/untaught").stderr
    assert read(saved) == whole


@pytest.mark.parametrize("damage", ["", "not json\n", '{"question": 1}\n', "[]\n", "1\n"])
def test_compare_asks_again_where_saved_answers_are_damaged(markup: Path, damage: str) -> None:
    asks_again(markup, lambda whole: damage + "".join(whole.splitlines(keepends=True)[1:]))


@pytest.mark.parametrize("score", ["NaN", "9.5", "null"])
def test_compare_believes_no_saved_confidence_that_cannot_be(markup: Path, score: str) -> None:
    of_the_first = r'(?<="log_probability": )[^,]+'
    asks_again(markup, lambda whole: re.sub(of_the_first, score, whole, count=1))


@pytest.mark.parametrize("with_gold", [True, False])
def test_compare_asks_again_where_release_0_1_0_saved_the_answers(
    markup: Path, with_gold: bool
) -> None:
    def as_then(line: str) -> str:  # it had one answer, or none, in place of a list of them
        row = json.loads(line)
        gold = row["gold"][0] if with_gold else None
        return json.dumps({**row, "gold": gold, "verdict": "wrong, a known place"}) + "\n"

    asks_again(markup, lambda whole: "".join(map(as_then, whole.splitlines())))


def test_compare_wants_different_runs_and_the_same_questions(markup: Path) -> None:
    assert "name two runs or more" in refuse("compare", "runs/untaught")
    line = refuse("compare", "runs/untaught", "runs/<i>&run", "runs/../runs/untaught")
    assert "runs/../runs/untaught: is named twice" in line
    line = refuse("compare", "runs/x", "runs/y", "--plot", "compare.pdf")
    assert "--plot compare.pdf: name a file that ends in .png or .svg" in line
    files = ("--corpus", "wiki.txt", "--questions", "train.tsv", "--eval", "train.tsv")
    succeed("finetune", "--from", "scratch", *files, *SMALL, "--epochs", "1", "--out", "runs/other")
    line = refuse("compare", "runs/untaught", "runs/other")
    assert re.search(r"made with \S*dev\.tsv, and runs/other with \S*train\.tsv: name the", line)
    both = succeed("compare", "runs/untaught", "runs/other", "--eval", "train.tsv", "--json")
    assert json.loads(both.stdout)["n"] == 8
    (markup / "asked.tsv").write_text("Where was Ada Fox</b> born?\n", encoding="utf-8")
    line = refuse("compare", "runs/untaught", "runs/other", "--eval", "asked.tsv")
    assert "has no answers to compare by" in line


def test_the_look_up_baseline_needs_the_texts_and_takes_no_answer(markup: Path) -> None:
    files = ("--questions", "train.tsv", "--eval", "dev.tsv")
    full = ("baseline", *files, "--corpus", "wiki.txt", "--method", "lookup")
    report = json_of(*full)
    assert (report["method"], report["answer"], report["n"]) == ("lookup", None, 8)
    assert report["n_right"] == 8
    assert "looking it up in the documents" in succeed(*full).stdout
    assert "name one with --corpus" in refuse("baseline", *files, "--method", "lookup")
    assert "--answer: is for --method constant" in refuse(*full, "--answer", "Rome")
    assert "Did you mean 'lookup'?" in refuse("baseline", *files, "--method", "look-up")
