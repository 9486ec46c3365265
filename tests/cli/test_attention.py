"""``nanoknow attention``, as a user runs it."""

from pathlib import Path

import pytest

import nanoknow
from tests.helpers.cli import json_of, refuse, succeed


def test_attention_measures_its_findings_beside_theory(tmp_path: Path) -> None:
    small = ("attention", "--dim", "16", "--keys", "5", "--draws", "40", "--beta", "9")
    shown = succeed(*small, "--plot", str(tmp_path / "a.png"))
    assert "5 keys and values of 16 dimensions, β = 9; 40 draws, seed 0" in shown.stdout
    assert "draws where head 1 loses v_a" in shown.stdout
    assert f"Picture: {tmp_path / 'a.png'}\n" in shown.stdout
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")
    report = json_of(*small, "--seed", "3")
    assert [finding["letter"] for finding in report["findings"]] == ["a", "b", "c", "c", "d"]
    sizes = {"dim": 16, "n_keys": 5, "beta": 9.0, "draws": 40, "seed": 3}
    assert report["setting"] == sizes
    assert "--dim 4: too few for 8 orthonormal keys" in refuse("attention", "--dim", "4")
    assert "--plot a.pdf: name a file that ends in .png or .svg" in refuse(
        "attention", "--draws", "2", "--plot", "a.pdf"
    )
    assert "only with --question" in refuse("attention", "--device", "cpu")


QUESTION = "Where was Ada Bright born?"


def test_attention_shows_where_a_run_looks(home: Path) -> None:
    shown = succeed("attention", "runs/answers", "--question", QUESTION, "--plot", "heads.svg")
    lines = shown.stdout.splitlines()
    assert sum(line.strip().startswith(f"{QUESTION}⁇") for line in lines) == 2
    for head in ("down 1 ", "down 2 ", "up   1 ", "up   2 "):
        assert sum(line.startswith(head) for line in lines) == 1
    assert "A latent is marked under the last character that it reads." in lines
    assert (home / "heads.svg").read_bytes().startswith(b"<?xml")


def test_attention_takes_the_latest_run_that_answers_questions(home: Path) -> None:
    asked = ("--question", QUESTION)
    [note] = [x for x in succeed("attention", *asked).stderr.splitlines() if "using " in x]
    assert "question_answering" in note
    assert note in succeed("evaluate", "--eval", "birth_dev.tsv").stderr


def test_attention_as_json_holds_every_weight(home: Path) -> None:
    report = json_of("attention", "runs/answers", "--question", QUESTION)
    assert report["answer"] == nanoknow.load("runs/answers").answer(QUESTION)
    assert report["read"][: report["n_prompt"]] == f"{QUESTION}⁇"
    assert report["read"][report["n_prompt"] :] == report["written"][:-1]
    down, up = report["layers"]
    for layer in (down, up):
        assert len(layer["weights"]) == len(layer["queries"]) == len(report["written"])
        for heads in layer["weights"]:
            assert len(heads) == 2
            for weights in heads:
                assert len(weights) == len(layer["keys"])
                assert sum(weights) == pytest.approx(1, abs=1e-5)
    assert {key["kind"] for key in down["keys"]} == {"character"}
    assert "".join(key["character"] for key in down["keys"]) == report["read"]
    assert {key["kind"] for key in up["keys"]} == {"latent"}


def test_attention_cuts_a_long_text_to_the_terminal(home: Path) -> None:
    long = "Where was " + "Ada" * 33 + " born?"
    lines = succeed("attention", "runs/answers", "--question", long).stdout.splitlines()
    assert max(map(len, lines)) <= 120
    starts = [i for i, line in enumerate(lines) if line.strip().startswith("Where")]
    assert len(starts) == 2  # by head, by character written; each then goes on below
    first, rest = lines[starts[0]].strip(), lines[starts[0] + 5].strip()  # four heads between
    assert f"{first}{rest}".startswith(f"{long}⁇")


def test_attention_refuses_what_does_not_go_together(home: Path) -> None:
    asked = ("--question", QUESTION)
    assert "--dim: not with --question" in refuse("attention", *asked, "--dim", "8")
    assert "Add --question TEXT" in refuse("attention", "runs/answers")
    assert "answers no questions" in refuse("attention", "runs/play", *asked)
    line = refuse("attention", "runs/answers", "--question", "x" * 128)
    assert "the question takes 129 characters, and the model's block_size is 128" in line
    for named in ((), ("runs/answers",)):
        left_out = succeed("attention", *named, "--question", "Where was Ω born?")
        assert "left out 1 character " in left_out.stderr
