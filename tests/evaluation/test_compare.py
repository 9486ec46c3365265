"""``nanoknow compare``, and the look-up baseline."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.helpers.cli import SMALL, json_of, record_of, refuse, succeed
from tests.helpers.pages import read

RUNS = ("runs/<i>&run", "runs/untaught")


def test_compare_asks_every_run_and_counts_what_they_answer(markup: Path) -> None:
    first = succeed("compare", *RUNS, "--plot", "compare.svg", "--json")
    report = json.loads(first.stdout)
    assert [run["letter"] for run in report["runs"]] == ["A", "B"]
    [pair] = report["pairs"]
    scores = [run["score"]["n_right"] for run in report["runs"]]
    pairing = pair["pairing"]
    assert pairing["both"] + pairing["only_first"] == scores[0]
    assert sum(pairing[key] for key in ("both", "only_first", "only_second", "neither")) == 8
    assert (markup / "compare.svg").exists()
    rows = [(row["run"], row["n_right"]) for row in report["table"]]
    assert rows == list(zip(RUNS, scores, strict=True))
    assert all(row["seconds"] > 0 and row["seed"] == 0 for row in report["table"])
    table = succeed("compare", *RUNS, "--out", "tables/runs.csv").stdout
    assert len(read(markup / "tables/runs.csv").splitlines()) == 1 + len(RUNS)
    assert "only first" in table
    assert "p, corrected" in table


def with_gold_answers(lines: str) -> str:
    rows = map(json.loads, lines.splitlines())
    edited = ({**row, "answer": row["gold"][0], "log_probability": -0.0} for row in rows)
    return "".join(json.dumps(row) + "\n" for row in edited)


@pytest.fixture(scope="module")
def compared(markup: Path) -> str:
    """What is said of two runs."""
    return succeed("compare", *RUNS, "--json").stdout


@pytest.mark.parametrize(
    ("suffix", "edit"),
    [
        (".jsonl", with_gold_answers),
        (".txt", with_gold_answers),
        (".jsonl", lambda whole: "not json\n" + whole),
        (".jsonl", lambda whole: "\n".join(whole.splitlines()[1:])),
        (".txt", lambda _: ""),
    ],
    ids=["all right", "text", "not json", "a line less", "empty"],
)
def test_compare_believes_no_saved_answers_and_says_which_were_edited(
    markup: Path, compared: str, suffix: str, edit: Callable[[str], str]
) -> None:
    [details] = (markup / RUNS[1]).glob("predictions/dev-*.jsonl")
    saved, whole = details.with_suffix(suffix), read(details.with_suffix(suffix))
    saved.write_text(edit(read(details)), encoding="utf-8")
    again = succeed("compare", *RUNS, "--json")
    assert again.stdout == compared
    note = f"{saved.relative_to(markup)}: held something else: written again"
    assert note in again.stderr
    assert read(saved) == whole
    assert "written again" not in succeed("compare", *RUNS).stderr


def test_saved_answers_carry_the_id_of_their_run(markup: Path) -> None:
    succeed("evaluate", "runs/untaught")
    [saved] = (markup / "runs/untaught").glob("predictions/dev-*.jsonl")
    ids = {json.loads(line)["run"] for line in read(saved).splitlines()}
    assert ids == {record_of("runs/untaught")["id"]}


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


def test_a_file_on_one_line_is_answered_line_by_line_and_what_another_run_skips_is_kept(
    markup: Path,
) -> None:
    rows = [line.split("\t") for line in read(markup / "dev.tsv").splitlines()]
    asked = json.dumps([{"question": question, "answer": answer} for question, answer in rows])
    (markup / "dev.json").write_text(asked, encoding="utf-8")
    sizes = [len(question) + len(answer) + 2 for question, answer in rows]
    files = ("--corpus", "wiki.txt", "--questions", "train.tsv", "--eval", "dev.json")
    less = ("--set", f"model.block_size={max(sizes) - 1}", "--skip-long", "--epochs", "1")
    succeed("finetune", "--from", "scratch", *files, *SMALL, *less, "--out", "runs/short")
    evaluated = json_of("evaluate", RUNS[0], "--eval", "dev.json", "--out", "answers.txt")
    of_lines = json_of("evaluate", RUNS[0], "--eval", "dev.tsv")
    whole = read(Path(evaluated["predictions"]))
    assert read(markup / "answers.txt") == whole == read(Path(of_lines["predictions"]))
    runs = ("answers.txt", RUNS[0], "runs/short")
    compared = succeed("compare", *runs, "--eval", "dev.json", "--json")
    found = json.loads(compared.stdout)
    assert found["n"] == sum(size < max(sizes) for size in sizes) < len(rows)
    assert (found["table"][0]["seed"], found["table"][0]["seconds"]) == (None, None)
    first = found["pairs"][0]["pairing"]
    assert (first["only_first"], first["only_second"]) == (0, 0)
    assert read(Path(evaluated["predictions"])) == whole
    assert "written again" not in compared.stderr
