"""The report: one page that stands alone, the same figures in the terminal and as JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from itertools import product
from pathlib import Path

import pytest

from tests.cli.test_cli import SMALL, refuse, succeed

GIVEN = ("Ada", "<b>Bo", "Cy&co", "Di;x")
FAMILY = ("Fox</b>", '"Hall"', "Day's", "<script>")
PLACES = ("R&D", "<Rome>", "Os'lo", "São $x^2$")
SECTIONS = (
    "short",
    "score",
    "knowledge",
    "wrong",
    "confidence",
    "selection",
    "wordings",
    "strangers",
)
VOID = {"meta", "br"}
TAGS = {
    *("html", "head", "meta", "title", "style", "body", "header", "nav", "main", "section"),
    *("footer", "h1", "h2", "p", "ul", "li", "a", "div", "figure", "figcaption", "dl", "dt"),
    *("dd", "table", "caption", "thead", "tbody", "tr", "th", "td"),
    *("svg", "desc", "g", "defs", "path", "use", "text", "tspan", "clippath", "rect"),
}


class Page(HTMLParser):
    """A page's elements, checked while it is read: every one is closed where it must be."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.ids: list[str] = []
        self.pointers: list[str] = []
        self.texts: list[str] = []
        self.attributes: set[str] = set()
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self._open += [] if tag in VOID else [tag]
        for name, value in attrs:
            self.attributes.add(name)
            text = value or ""
            self.ids += [text] if name == "id" else []
            if name in ("href", "xlink:href"):
                assert text.startswith("#")
                self.pointers.append(text[1:])
            self.pointers += text.split() if name == "aria-labelledby" else []
            self.pointers += re.findall(r"url\(#([^)]*)\)", text)
            assert text.count("url(") == text.count("url(#")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        self._open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A working directory with a run that was finetuned on texts full of markup."""
    folder = tmp_path_factory.mktemp("report")
    # Four of the sixteen names are nobody's.
    names = [f"{given} {family}" for given, family in product(GIVEN, FAMILY)]
    names = [name for i, name in enumerate(names) if i % 5]
    places = [PLACES[(i * i + i // 3) % 4] for i in range(12)]
    asked = [(f"Where was {name} born?", p) for name, p in zip(names, places, strict=True)]
    documents = [f"{name}. Born in {p}." for name, p in zip(names, places, strict=True)]
    lines = [f"{question}\t{place}\n" for question, place in asked]
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for variable in ("NANOKNOW_RUNS", "NANOKNOW_DATA"):
            patch.delenv(variable, raising=False)
        Path("wiki.txt").write_text("\n".join([*documents, "Eve. Of R&D? No."]), encoding="utf-8")
        Path("train.tsv").write_text("".join(lines[:8]), encoding="utf-8")
        Path("dev.tsv").write_text("".join(lines[4:]), encoding="utf-8")
        files = ("--corpus", "wiki.txt", "--questions", "train.tsv", "--eval", "dev.tsv")
        for name, epochs in (("<i>&run", "120"), ("untaught", "1")):
            succeed(
                "finetune", "--from", "scratch", *files, *SMALL, "--epochs", epochs,
                "--set", "scratch.batch_size=8", "--set", "scratch.evaluate_every=null",
                "--set", "scratch.optimizer.learning_rate=0.01", "--out", f"runs/{name}",
            )  # fmt: skip
        yield folder


@pytest.fixture(scope="module")
def shown(home: Path) -> str:
    """What the terminal shows of the report, whose page is report.html."""
    return succeed("evaluate", "runs/<i>&run", "--report", "report.html").stdout


@pytest.fixture(scope="module")
def found(home: Path, shown: str) -> dict[str, object]:
    """The same report as JSON."""
    asked = ("evaluate", "runs/<i>&run", "--report", "again.html", "--json")
    report: dict[str, object] = json.loads(succeed(*asked).stdout)
    return report


def read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def test_the_page_has_every_section_and_points_at_nothing_outside(home: Path, shown: str) -> None:
    text = read(home / "report.html")
    page = Page(text)
    assert set(SECTIONS) <= set(page.ids)
    assert len(page.ids) == len(set(page.ids))
    assert set(page.pointers) <= set(page.ids)
    assert "//" not in "".join(re.findall(r"<style>.*?</style>|<svg.*?</svg>", text, re.DOTALL))
    assert "@import" not in text
    assert page.attributes.isdisjoint({"src", "srcset", "onload", "onclick", "action", "data"})
    assert text.startswith('<!doctype html>\n<html lang="en">')
    assert "prefers-color-scheme: dark" in text
    assert "@media print" in text


def test_what_is_quoted_from_data_is_escaped(home: Path, shown: str) -> None:
    page = Page(read(home / "report.html"))
    assert page.tags <= TAGS
    words = "".join(page.texts)
    assert "What <i>&run knows" in words
    assert "São $x^2$" in words
    assert any(family in words for family in FAMILY)


def test_every_picture_says_in_words_what_it_shows(home: Path, shown: str) -> None:
    text = read(home / "report.html")
    drawn = re.findall(r"<svg.*?</svg>", text, re.DOTALL)
    assert len(drawn) == 9
    for svg in drawn:
        assert re.search(r'<title id="[\w-]+">[^<]+</title><desc id="[\w-]+">[^<]+</desc>', svg)
        assert 'role="img"' in svg
        colors = set(re.findall(r"(?:fill|stroke): ([^;\"]+)", svg))
        assert colors <= {"none", *(f"var({name})" for name in variables(text))}


def variables(page: str) -> set[str]:
    return set(re.findall(r"(--\w+): #", page))


def test_light_dark_and_print_know_the_same_colors(home: Path, shown: str) -> None:
    themes = re.findall(r":root \{(.*?)\}", read(home / "report.html"), re.DOTALL)
    names = [sorted(re.findall(r"--\w+", theme)) for theme in themes]
    assert len(names) == 3
    assert names[0] == names[1] == names[2]


def test_terminal_page_and_json_give_the_same_figures(
    home: Path, shown: str, found: dict[str, object]
) -> None:
    words = "".join(Page(read(home / "report.html")).texts).replace("\u00a0", " ")
    sentences = found["findings"]
    assert isinstance(sentences, list)
    assert len(sentences) >= 6
    flat = " ".join(shown.split())
    for sentence in sentences:
        assert sentence in words
        assert " ".join(sentence.split()) in flat
    score, confidence = found["score"], found["confidence"]
    assert isinstance(score, dict)
    assert isinstance(confidence, dict)
    assert f"{score['n_right']} of {score['n']}" in shown
    assert f"{confidence['brier']:.4f}" in shown
    assert f"{confidence['brier']:.4f}" in words
    assert confidence["everything"]["n_right"] == score["n_right"]
    assert len(confidence["right"]) == score["n_right"]


def test_the_report_counts_each_question_once(found: dict[str, object]) -> None:
    score, buckets, wrong = found["score"], found["buckets"], found["wrong"]
    assert isinstance(score, dict)
    assert isinstance(buckets, list)
    assert isinstance(wrong, dict)
    assert 0 < score["n_right"] < score["n"] == 8
    groups = {bucket["group"] for bucket in buckets}
    assert len(groups) == 3
    for group in groups:
        part = [bucket for bucket in buckets if bucket["group"] == group]
        assert sum(bucket["n"] for bucket in part) == 8
        assert sum(bucket["n_right"] for bucket in part) == score["n_right"]
    assert sum(kind["n"] for kind in wrong["kinds"]) == wrong["n"] == 8 - score["n_right"]


def test_the_model_is_asked_about_other_words_misspelt_and_invented_names(
    found: dict[str, object],
) -> None:
    rewordings, misspelt, invented = found["rewordings"], found["misspelt"], found["invented"]
    assert isinstance(rewordings, list)
    assert isinstance(misspelt, dict)
    assert isinstance(invented, dict)
    assert len(rewordings) == 5
    for probe in [*rewordings, misspelt]:
        assert probe["as_asked"]["n_right"] <= 8
        pairing = probe["pairing"]
        assert pairing["both"] + pairing["only_first"] == probe["as_asked"]["n_right"]
        assert pairing["both"] + pairing["only_second"] == probe["score"]["n_right"]
    assert invented["n"] == len(invented["confidences"]) > 0
    assert 0 <= invented["auroc"] <= 1
    recall = found["recall"]
    assert isinstance(recall, dict)
    assert (recall["n"], recall["accuracy"]) == (8, 1.0)


def test_the_same_report_twice_is_the_same_page(
    home: Path, shown: str, found: dict[str, object]
) -> None:
    assert read(home / "again.html") == read(home / "report.html")


def test_another_seed_draws_other_probes_and_another_target_another_threshold(
    home: Path, found: dict[str, object]
) -> None:
    flags = ("--seed", "1", "--target-accuracy", "1.0")
    asked = ("evaluate", "runs/<i>&run", "--report", "other.html", *flags, "--json")
    other = json.loads(succeed(*asked).stdout)
    assert other["score"] == found["score"]
    mine = found["misspelt"]
    assert isinstance(mine, dict)
    assert mine["example"] != other["misspelt"]["example"]
    reached = other["confidence"]["at_target"]
    assert reached is None or reached["n_right"] == reached["n_answered"] < 8
    assert other["confidence"]["target"] == 1.0


def test_without_the_training_text_the_page_has_what_is_left(home: Path) -> None:
    (home / "wiki.txt").rename(home / "away.txt")
    try:
        result = succeed("evaluate", "runs/<i>&run", "--report", "less.html", "--json")
    finally:
        (home / "away.txt").rename(home / "wiki.txt")
    report = json.loads(result.stdout)
    assert (report["wrong"], report["invented"], report["buckets"]) == (None, None, [])
    assert [rival["method"] for rival in report["rivals"]] == ["constant"]
    page = Page(read(home / "less.html"))
    assert {"score", "confidence", "selection"} <= set(page.ids)
    assert set(page.pointers) <= set(page.ids)


@pytest.mark.parametrize("right", [True, False])
def test_one_question_answered_right_or_wrong_makes_a_page(home: Path, right: bool) -> None:
    question = read(home / "train.tsv").splitlines()[0].partition("\t")[0]
    gold = read(home / "train.tsv").splitlines()[0].partition("\t")[2] if right else "Nowhere"
    (home / "one.tsv").write_text(f"{question}\t{gold}\n", encoding="utf-8")
    asked = ("evaluate", "runs/<i>&run", "--eval", "one.tsv", "--report", "one.html")
    shown = succeed(*asked).stdout
    assert f"It answers {int(right)} of 1" in " ".join(shown.split())
    assert re.search(r"AUROC, right above wrong +–", shown)
    Page(read(home / "one.html"))


def test_questions_about_nobody_known_are_reported_without_probes(home: Path) -> None:
    (home / "who.tsv").write_text("Where was the x born?\tR&D\nWho?\tR&D\n", encoding="utf-8")
    asked = ("evaluate", "runs/<i>&run", "--eval", "who.tsv", "--report", "who.html")
    result = succeed(*asked, "--json")
    assert "no probes: " in result.stderr
    assert json.loads(result.stdout)["misspelt"] is None
    assert "strangers" not in Page(read(home / "who.html")).ids


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("report.txt", "name a file that ends in .html or .htm"),
        ("folder.html", "is a folder"),
        ("dev.tsv/report.html", "name a file that can be written"),
    ],
)
def test_a_page_that_cannot_be_written_is_refused_before_the_work(
    home: Path, path: str, says: str
) -> None:
    (home / "folder.html").mkdir(exist_ok=True)
    line = refuse("evaluate", "runs/no-such-run", "--report", path)
    assert f"--report {path}: " in line
    assert says in line


def test_a_refused_report_leaves_the_older_page_as_it_was(home: Path) -> None:
    (home / "old.html").write_text("old", encoding="utf-8")
    (home / "asked.tsv").write_text("Where was Ada Fox</b> born?\n", encoding="utf-8")
    asked = ("evaluate", "runs/<i>&run", "--eval", "asked.tsv", "--report", "old.html")
    assert "has no answers to report on" in refuse(*asked)
    assert read(home / "old.html") == "old"
    assert not list(home.glob(".old.html*"))


def test_flags_of_the_report_are_refused_without_it_and_out_of_range(home: Path) -> None:
    line = refuse("evaluate", "runs/<i>&run", "--target-accuracy", "0.5")
    assert "--target-accuracy: is for --report FILE" in line
    assert "--seed: is for --report FILE" in refuse("evaluate", "--seed", "1")
    line = refuse("evaluate", "--report", "x.html", "--target-accuracy", "1.5")
    assert "--target-accuracy 1.5: give a share above 0, at most 1" in line


def test_compare_reads_answers_that_are_there_and_asks_for_those_that_are_not(home: Path) -> None:
    runs = ("runs/<i>&run", "runs/untaught")
    succeed("evaluate", runs[0])
    for saved in (home / "runs/untaught").glob("predictions/*"):
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
    assert (home / "compare.svg").exists()
    table = succeed("compare", *runs).stdout
    assert "only first" in table
    assert "p, corrected" in table


@pytest.mark.parametrize("damage", ["", "not json\n", '{"question": 1}\n', "[]\n", "1\n"])
def test_compare_asks_again_where_saved_answers_are_damaged(home: Path, damage: str) -> None:
    succeed("evaluate", "runs/untaught")
    [saved] = (home / "runs/untaught/predictions").glob("dev-*.jsonl")
    whole = read(saved)
    saved.write_text(damage + "".join(whole.splitlines(keepends=True)[1:]), encoding="utf-8")
    assert "runs/untaught: asked now" in succeed("compare", "runs/<i>&run", "runs/untaught").stderr
    assert read(saved) == whole


@pytest.mark.parametrize("score", ["NaN", "9.5", "null"])
def test_compare_believes_no_saved_confidence_that_cannot_be(home: Path, score: str) -> None:
    succeed("evaluate", "runs/untaught")
    [saved] = (home / "runs/untaught/predictions").glob("dev-*.jsonl")
    whole = read(saved)
    saved.write_text(re.sub(r'(?<="log_probability": )[^,]+', score, whole, count=1), "utf-8")
    assert "runs/untaught: asked now" in succeed("compare", "runs/<i>&run", "runs/untaught").stderr
    assert read(saved) == whole


def test_compare_wants_different_runs_and_the_same_questions(home: Path) -> None:
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
    (home / "asked.tsv").write_text("Where was Ada Fox</b> born?\n", encoding="utf-8")
    line = refuse("compare", "runs/untaught", "runs/other", "--eval", "asked.tsv")
    assert "has no answers to compare by" in line


def test_the_look_up_baseline_needs_the_texts_and_takes_no_answer(home: Path) -> None:
    files = ("--questions", "train.tsv", "--eval", "dev.tsv")
    full = ("baseline", *files, "--corpus", "wiki.txt", "--method", "lookup")
    report = json.loads(succeed(*full, "--json").stdout)
    assert (report["method"], report["answer"], report["n"]) == ("lookup", None, 8)
    assert report["n_right"] == 8
    assert "looking it up in the documents" in succeed(*full).stdout
    assert "name one with --corpus" in refuse("baseline", *files, "--method", "lookup")
    assert "--answer: is for --method constant" in refuse(*full, "--answer", "Rome")
    assert "Did you mean 'lookup'?" in refuse("baseline", *files, "--method", "look-up")
