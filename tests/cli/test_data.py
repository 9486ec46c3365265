"""``nanoknow data``, as a user runs it."""

import json
from pathlib import Path

import pytest

from tests.helpers.cli import json_of, refuse, succeed
from tests.helpers.homes import LINE

READER = [
    item
    for assignment in ("reader.d_model=16", "reader.n_layers=1", "training.epochs=2")
    for item in ("--set", f"augment.{assignment}")
]


def test_augment_writes_a_question_for_everybody_and_keeps_the_training_answers(home: Path) -> None:
    data = ("--corpus", "wiki.txt", "--questions", "birth_places_train.tsv")
    asked = ("data", "augment", *data, "--eval", "birth_dev.tsv", *READER)
    said = succeed(*asked, "--out", "augmented", "--json")
    assert "left out" not in said.stderr  # the marks around a candidate are read as marks
    result = json.loads(said.stdout)
    lines = (home / "augmented/augmented.tsv").read_text("utf-8").splitlines()
    assert len(lines) == result["questions"] == 40
    training = (home / "data/world/birth_places_train.tsv").read_text("utf-8").splitlines()
    assert set(training) <= set(lines)
    assert result["from_training"] == len(training) == 24
    assert result["eval"]["n"] == 8
    assert 0 < result["reader"]["n"] < 24
    assert json_of(*asked, "--out", "twice")["reader"] == result["reader"]
    assert (home / "twice/augmented.tsv").read_text("utf-8").splitlines() == lines
    shown = succeed("data", "augment", *data, *READER, "--out", "third").stdout
    assert "answered by the training questions" in shown


def test_augment_refuses_texts_that_do_not_belong_together(home: Path) -> None:
    (home / "others.tsv").write_text("Where was Nobody born?\tParis\n", encoding="utf-8")
    data = ("--corpus", "wiki.txt", "--questions", "others.tsv", *READER)
    line = refuse("data", "augment", *data, "--out", "augmented-2")
    assert "others.tsv: no question names the subject of a document" in line
    assert not (home / "augmented-2").exists()


def test_augment_refuses_a_text_that_cannot_spell_yes_and_no(home: Path) -> None:
    (home / "cyrillic.txt").write_text("Анна Ли. Анна Ли из города Рига .\n", encoding="utf-8")
    (home / "cyrillic.tsv").write_text("Где Анна Ли?\tРига\n", encoding="utf-8")
    data = ("--corpus", "cyrillic.txt", "--questions", "cyrillic.tsv", *READER)
    line = refuse("data", "augment", *data, "--out", "augmented-3")
    assert "cyrillic.txt: holds no 'y'" in line


def test_inspect_shows_both_views_and_the_counts(home: Path) -> None:
    result = succeed(
        "data", "inspect", "--corpus", "wiki.txt", "--questions", "birth_places_train.tsv",
        "--eval", "birth_dev.tsv", "--count", "2",
    )  # fmt: skip
    assert result.stdout.startswith("data has ")
    pairs = [line[3:] for line in result.stdout.splitlines() if line[:3] in ("x: ", "y: ")]
    assert len(pairs) == 8
    assert {len(text) for text in pairs} == {95}
    assert pairs[0].count("⁇") == 2
    assert "81 (1 empty)" in result.stdout
    report = json_of("data", "inspect", "--corpus", "wiki.txt")
    assert list(report["pairs"]) == ["charcorruption"]
    windows = ("--set", "pretrain.task.kind=language_modeling")
    play = json_of("data", "inspect", "--corpus", "play.txt", *windows)
    assert (list(play["pairs"]), play["vocabulary"]) == (["windows"], len(set(LINE)))
    assert "unknown view 'nameddata'. Did you mean 'namedata'?" in refuse(
        "data", "inspect", "nameddata"
    )


@pytest.mark.real_data
def test_the_real_data_give_the_originals_figures(
    real_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NANOKNOW_DATA", str(real_data))
    result = succeed("data", "inspect", "--config", "birthplaces")
    assert result.stdout.splitlines()[0] == "data has 418352 characters, 256 unique."
    assert "x: Where was Khatchig Mouradian born?⁇Lebanon⁇□□" in result.stdout
    report = json_of("baseline", "--config", "birthplaces")
    assert (report["answer"], report["n_right"], report["n"]) == ("London", 25, 500)
