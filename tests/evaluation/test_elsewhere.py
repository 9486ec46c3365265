"""Answers that were made elsewhere: files of one a line, for ``evaluate`` and ``compare``."""

import json
import shutil
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import nanoknow
from tests.helpers.cli import json_of, refuse, run, succeed
from tests.helpers.examples import examples

TEXTS = ("--corpus", "data/world/wiki.txt", "--questions", "birth_places_train.tsv")
EVAL = ("--eval", "birth_dev.tsv")


@pytest.fixture(scope="module", autouse=True)
def gold(home: Path) -> list[str]:
    lines = (home / "data/world/birth_dev.tsv").read_text(encoding="utf-8").splitlines()
    answers = [line.split("\t")[1] for line in lines]
    Path("gold.txt").write_text("\n".join(answers), encoding="utf-8")
    half = [answer if i % 2 else "" for i, answer in enumerate(answers)]
    Path("half.txt").write_text("".join(f"{each}\r\n" for each in half), encoding="utf-8")
    return answers


def test_a_runs_own_answers_are_judged_as_the_run_is(home: Path) -> None:
    asked = json_of("evaluate", "runs/answers", *EVAL, "--out", "out/answers.txt")
    assert Path("out/answers.txt").read_bytes() == Path(asked["predictions"]).read_bytes()
    judged = json_of("evaluate", "--predictions", "out/answers.txt", *EVAL, *TEXTS)
    own = {"run", "variant", "epoch", "predictions", "unreachable", "left_out"}
    assert {k: v for k, v in judged.items() if k not in own} == {
        k: v for k, v in asked.items() if k not in own
    }
    assert (judged["run"], judged["variant"], judged["epoch"]) == ("out/answers.txt", None, None)


def test_answers_alone_are_scored_with_their_interval(gold: list[str]) -> None:
    half = nanoknow.evaluate(predictions="half.txt", eval="birth_dev.tsv").score
    assert half is not None
    assert (half.n_right, half.n) == (len(gold) // 2, len(gold))
    shown = succeed("evaluate", "--predictions", "half.txt", *EVAL).stdout
    assert "half.txt" in shown
    assert "95 % interval" in shown
    assert "epoch" not in shown


def test_files_are_compared_with_each_other_and_with_runs(gold: list[str]) -> None:
    files = json_of("compare", "gold.txt", "half.txt", *EVAL)
    [pair] = files["pairs"]
    assert pair["pairing"]["only_first"] == len(gold) - len(gold) // 2
    assert [each["auroc"] for each in files["runs"]] == [None, None]
    assert [row["seed"] for row in files["table"]] == [None, None]
    mixed = json_of("compare", "gold.txt", "runs/answers", *EVAL, "--plot", "mixed.png")
    assert mixed["runs"][0]["score"]["accuracy"] == 1
    assert mixed["runs"][1]["confidence"] is not None
    assert (
        "gold.txt" in succeed("compare", "gold.txt", "runs/answers", *EVAL, "--out", "x.csv").stdout
    )


def test_a_file_is_judged_by_the_texts_of_the_first_run_that_has_them(gold: list[str]) -> None:
    config = Path(shutil.copytree("runs/answers", "runs/textless"), "config.yaml")
    config.write_text(config.read_text("utf-8").replace("wiki.txt", "gone.txt"), encoding="utf-8")
    runs = json_of("compare", "gold.txt", "runs/textless", "runs/answers", *EVAL)["runs"]
    inside = [each["score_in_document"] and each["score_in_document"]["n"] for each in runs]
    assert inside == [len(gold), None, len(gold)]


@settings(examples(0.3), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=20), max_size=16))
def test_any_file_is_judged_or_refused_by_the_number_of_its_lines(
    gold: list[str], lines: list[str]
) -> None:
    text = "\n".join(lines)
    Path("any.txt").write_text(text, encoding="utf-8", newline="")
    result = run("evaluate", "--predictions", "any.txt", *EVAL, "--json")
    n = text.removesuffix("\n").count("\n") + 1
    if result.exit_code == 0:
        assert n == len(gold)
        assert json.loads(result.stdout)["score"]["n"] == n
    else:
        assert result.stderr.startswith("error: any.txt")
        assert n != len(gold) or "\x00" in text


@pytest.mark.parametrize("form", ["{}\t{}", '{{"question": "{}", "answer": "{}"}}'])
def test_lines_that_hold_more_than_answers_are_refused(gold: list[str], form: str) -> None:
    Path("rows.txt").write_text("".join(form.format("Who?", each) + "\n" for each in gold), "utf-8")
    said = refuse("evaluate", "--predictions", "rows.txt", *EVAL)
    assert "rows.txt: rows, and not answers alone: write one answer a line" in said


def test_what_does_not_fit_is_refused_in_a_line(home: Path) -> None:
    Path("short.txt").write_text("Rome\n", encoding="utf-8")
    assert "short.txt: 1 lines for the " in refuse("evaluate", "--predictions", "short.txt", *EVAL)
    assert "name a file with --eval" in refuse("evaluate", "--predictions", "gold.txt")
    assert "with --eval FILE" in refuse("compare", "gold.txt", "half.txt")
    assert "named twice" in refuse("compare", "gold.txt", "gold.txt", *EVAL)
    for more in (("runs/answers",), ("--skip-long",), ("--device", "cpu")):
        both = run("evaluate", *more, "--predictions", "gold.txt", *EVAL)
        assert (both.exit_code, "--predictions: without a run" in both.stderr) == (2, True)
