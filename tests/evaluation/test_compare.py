"""``nanoknow compare``, and the look-up baseline."""

from __future__ import annotations

import json
import re
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
    pairing = pair["pairing"]
    assert pairing["both"] + pairing["only_first"] == report["runs"][0]["score"]["n_right"]
    assert sum(pairing[key] for key in ("both", "only_first", "only_second", "neither")) == 8
    assert (markup / "compare.svg").exists()
    assert [row["run"] for row in report["table"]] == list(runs)
    assert [row["n_right"] for row in report["table"]] == [
        run["score"]["n_right"] for run in report["runs"]
    ]
    assert all(row["seconds"] > 0 and row["seed"] == 0 for row in report["table"])
    table = succeed("compare", *runs, "--out", "tables/runs.csv").stdout
    assert len(read(markup / "tables/runs.csv").splitlines()) == 1 + len(runs)
    assert "only first" in table
    assert "p, corrected" in table


@pytest.mark.parametrize("damage", ["", "not json\n", '{"question": 1}\n', "[]\n", "1\n"])
def test_compare_asks_again_where_saved_answers_are_damaged(markup: Path, damage: str) -> None:
    succeed("evaluate", "runs/untaught")
    [saved] = (markup / "runs/untaught/predictions").glob("dev-*.jsonl")
    whole = read(saved)
    saved.write_text(damage + "".join(whole.splitlines(keepends=True)[1:]), encoding="utf-8")
    assert "runs/untaught: asked now" in succeed("compare", "runs/<i>&run", "runs/untaught").stderr
    assert read(saved) == whole


@pytest.mark.parametrize("score", ["NaN", "9.5", "null"])
def test_compare_believes_no_saved_confidence_that_cannot_be(markup: Path, score: str) -> None:
    succeed("evaluate", "runs/untaught")
    [saved] = (markup / "runs/untaught/predictions").glob("dev-*.jsonl")
    whole = read(saved)
    saved.write_text(re.sub(r'(?<="log_probability": )[^,]+', score, whole, count=1), "utf-8")
    assert "runs/untaught: asked now" in succeed("compare", "runs/<i>&run", "runs/untaught").stderr
    assert read(saved) == whole


@pytest.mark.parametrize("with_gold", [True, False])
def test_compare_asks_again_where_release_0_1_0_saved_the_answers(
    markup: Path, with_gold: bool
) -> None:
    succeed("evaluate", "runs/untaught")
    [saved] = (markup / "runs/untaught/predictions").glob("dev-*.jsonl")
    whole = read(saved)
    rows = [json.loads(line) for line in whole.splitlines()]
    for row in rows:  # it had one answer, or none, in place of a list of them
        row["gold"] = row["gold"][0] if with_gold else None
        row["verdict"] = "wrong, a known place"
    saved.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    assert "runs/untaught: asked now" in succeed("compare", "runs/<i>&run", "runs/untaught").stderr
    assert read(saved) == whole


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
