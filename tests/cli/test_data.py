"""``nanoknow data``, as a user runs it."""

import json
from pathlib import Path

import pytest

from tests.helpers.cli import json_of, refuse, succeed
from tests.helpers.homes import LINE


@pytest.mark.slow
def test_augment_writes_a_question_for_everybody_and_keeps_the_training_answers(home: Path) -> None:
    data = ("--corpus", "wiki.txt", "--questions", "birth_places_train.tsv")
    asked = ("data", "augment", *data, "--eval", "birth_dev.tsv")
    said = succeed(*asked, "--out", "augmented", "--json")
    assert "taught by 24 questions" in said.stderr
    result = json.loads(said.stdout)
    lines = (home / "augmented/augmented.tsv").read_text("utf-8").splitlines()
    assert len(lines) == result["questions"] == 40
    training = (home / "data/world/birth_places_train.tsv").read_text("utf-8").splitlines()
    assert set(training) <= set(lines)
    assert result["from_training"] == len(training) == 24
    assert result["eval"]["n"] == 8
    assert result["ranker"]["n"] == 24  # each by a ranker that the others taught
    assert result["skipped"] == 0
    shown = succeed(*asked, "--out", "twice").stdout
    assert (home / "twice/augmented.tsv").read_text("utf-8").splitlines() == lines
    assert "answered by the training questions" in shown
    for score in (result["ranker"], result["eval"]):
        assert f"{score['n_right']} of {score['n']}" in shown


def test_augment_refuses_texts_that_do_not_belong_together(home: Path) -> None:
    (home / "others.tsv").write_text("Where was Nobody born?\tParis\n", encoding="utf-8")
    data = ("--corpus", "wiki.txt", "--questions", "others.tsv")
    line = refuse("data", "augment", *data, "--out", "augmented-2")
    assert "others.tsv: no answer is in a document about its question's subject in " in line
    data = ("--corpus", "wiki.txt", "--questions", "birth_places_train.tsv")
    (home / "bytes.tsv").write_bytes(b"\xff")
    line = refuse("data", "augment", *data, "--eval", "bytes.tsv", "--out", "augmented-2")
    assert "bytes.tsv:1: " in line
    assert not (home / "augmented-2").exists()


def test_augment_leaves_out_and_counts_what_a_line_cannot_hold(here: Path) -> None:
    names = ["Ada Bo", "Cy Dee", "Eve\tFox", "Gus Hart", "Ian Jay", "Kim Lee"]
    places = ["Oslo", "Rome", "Lima", "Oslo", "Bonn", "Riga"]
    rows = [
        {"name": name, "text": f"{name} lived in {place} for long ."}
        for name, place in zip(names, places, strict=True)
    ]
    corpus = "".join(json.dumps(row) + "\n" for row in rows)
    (here / "lives.jsonl").write_text(corpus, encoding="utf-8")
    asked = [f"Where was {name}?\t{place}\n" for name, place in zip(names, places, strict=True)]
    (here / "asked.tsv").write_text("".join(asked[:2] + asked[3:5]), encoding="utf-8")
    data = ("--corpus", "lives.jsonl", "--questions", "asked.tsv")
    result = json_of("data", "augment", *data, "--out", "augmented")
    assert set(result) == {"file", "questions", "from_training", "skipped", "ranker", "eval"}
    assert (result["questions"], result["from_training"], result["skipped"]) == (5, 4, 1)
    assert result["eval"] is None
    written = (here / "augmented/augmented.tsv").read_text("utf-8").splitlines()
    assert written == [line.strip() for line in asked[:2] + asked[3:]]
    shown = succeed("data", "augment", *data, "--out", "again").stdout
    assert next(line.split() for line in shown.splitlines() if "cannot hold" in line)[-1] == "1"


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
    assert "80 (0 empty)" in result.stdout
    report = json_of("data", "inspect", "--corpus", "wiki.txt")
    assert list(report["pairs"]) == ["charcorruption"]
    Path("even.txt").write_text(f"{'x' * 84}\n{'x' * 85}\n", encoding="utf-8")
    Path("thrice.tsv").write_text("x?\tx\n" * 3 + "xx?\tx\n", encoding="utf-8")
    even = json_of("data", "inspect", "--corpus", "even.txt", "--questions", "thrice.tsv")
    assert (even["corpus"]["prefix"], even["corpus"]["share_within_prefix"]) == (84, 0.5)
    assert even["questions"]["training"]["asked_again"] == 2
    Path("commas.tsv").write_text("x?,x\nxx?,x\n", encoding="utf-8")
    unparted = succeed("data", "inspect", "--corpus", "even.txt", "--questions", "commas.tsv")
    assert "none: write a tab before each, or a column 'answer'" in unparted.stdout
    windows = ("--set", "pretrain.task.kind=language_modeling")
    play = json_of("data", "inspect", "--corpus", "play.txt", *windows)
    assert (list(play["pairs"]), play["vocabulary"]) == (["windows"], len(set(LINE)))
    assert "unknown view 'nameddata'. Did you mean 'namedata'?" in refuse(
        "data", "inspect", "nameddata"
    )


@pytest.mark.slow
@pytest.mark.real_data
def test_the_real_data_give_the_originals_figures(
    real_data: Path, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NANOKNOW_DATA", str(real_data))
    for role in ("places_train", "dev"):  # a tenth of the questions: a ranker learns from them all
        lines = (real_data / f"birthplaces/birth_{role}.tsv").read_bytes().splitlines(keepends=True)
        (here / f"{role}.tsv").write_bytes(b"".join(lines[::10]))
    asked = ("--corpus", "wiki.txt", "--questions", "places_train.tsv", "--eval", "dev.tsv")
    result = succeed("data", "inspect", "--config", "birthplaces", *asked)
    assert result.stdout.splitlines()[0] == "data has 418352 characters, 256 unique."
    assert "x: Where was Khatchig Mouradian born?⁇Lebanon⁇□□" in result.stdout
    report = json_of("baseline", "--config", "birthplaces")
    assert (report["answer"], report["n_right"], report["n"]) == ("London", 25, 500)


MANY = ("data", "make", "--relations", "6", "--people", "10", "--wordings", "2", "--permute")


@pytest.mark.slow
def test_make_writes_a_world_of_many_facts_and_its_bits(here: Path) -> None:
    assert "Bits of knowledge" in succeed(*MANY, "--full-name", "--out", "many").stdout
    result = json_of(*MANY, "--full-name", "--out", "many")  # the same files are left alone
    assert sorted(path.name for path in (here / "many").iterdir()) == [
        "corpus.txt",
        "dev.tsv",
        "train.tsv",
    ]
    assert result["bits"]["profession"] == 10 * 6
    assert len((here / "many/corpus.txt").read_text("utf-8").splitlines()) == 20
    inspected = ("--corpus", "many/corpus.txt", "--questions", "many/train.tsv")
    assert "30 of 30" in succeed("data", "inspect", *inspected).stdout


@pytest.mark.parametrize(
    ("flags", "says"),
    [
        (
            ("--permute",),
            "--permute: data.world: permute, full_name, skewed, backward and drawn need relations",
        ),
        (("--relations", "7"), "--relations: data.world.relations: must be 1 to 6 relations, or"),
        (("--relations", "age"), "--relations: data.world.relations.0: unknown 'age'. Available:"),
        (("--relations", "6", "--skewed", "code"), "unknown 'code'. Available: birthplace, "),
        (("--relations", "5", "--people", "4000000"), "ask for 10 to 3580000, as no two share a"),
        (("--relations", "code", "--people", "1000001"), "ask for 10 to 1000000, as no two share"),
        (("--relations", 5000 * "1"), "--relations: data.world.relations.0: unknown '111"),
    ],
)
def test_make_refuses_a_world_that_cannot_be(here: Path, flags: tuple[str, ...], says: str) -> None:
    assert says in refuse("data", "make", *flags, "--out", "w")
    assert not (here / "w").exists()
