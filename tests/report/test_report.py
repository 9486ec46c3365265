"""The report: one self-contained page, the same figures in the terminal and as JSON."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.helpers.cli import json_of, refuse, succeed
from tests.helpers.homes import FAMILY
from tests.helpers.pages import TAGS, Page, read

SECTIONS = {
    *("short", "questions", "score", "knowledge", "wrong"),
    *("confidence", "selection", "wordings", "invented"),
}
ASKED = ("evaluate", "runs/<i>&run")


@pytest.fixture(scope="module")
def shown(markup: Path) -> str:
    """What the terminal shows of the report, whose page is report.html."""
    result = succeed(*ASKED, "--report", "report.html")
    assert "report  4/4" in result.stderr
    return result.stdout


@pytest.fixture(scope="module")
def text(markup: Path, shown: str) -> str:
    """That page."""
    return read(markup / "report.html")


@pytest.fixture(scope="module")
def found(markup: Path, shown: str) -> Any:
    """The same report as JSON."""
    return json_of(*ASKED, "--report", "again.html")


def test_the_page_has_every_section_and_points_at_nothing_outside(text: str) -> None:
    page = Page(text)
    assert set(page.ids) >= SECTIONS
    assert len(page.ids) == len(set(page.ids))
    assert set(page.pointers) <= set(page.ids)
    assert "//" not in "".join(re.findall(r"<style>.*?</style>|<svg.*?</svg>", text, re.DOTALL))
    assert "@import" not in text
    assert page.attributes.isdisjoint({"src", "srcset", "onload", "onclick", "action", "data"})
    assert text.startswith('<!doctype html>\n<html lang="en">')
    assert "prefers-color-scheme: dark" in text
    assert "@media print" in text
    assert text.count("<script") == 1


def test_what_is_quoted_from_data_is_escaped(text: str) -> None:
    page = Page(text)
    assert page.tags <= TAGS
    words = "".join(page.texts)
    assert page.texts.count("What does this model know?") == 2
    assert "<i>&run" in words
    assert "São $x^2$" in words
    assert any(family in words for family in FAMILY)


def test_every_picture_says_in_words_what_it_shows(text: str) -> None:
    drawn = re.findall(r"<svg.*?</svg>", text, re.DOTALL)
    assert len(drawn) == 7  # no bins of so few answers, and no accuracy was measured in training
    assert len(re.findall(r"<figcaption><strong>[^<]+\.</strong> [^<]+\.</figcaption>", text)) == 7
    for svg in drawn:
        assert re.search(r'<title id="[\w-]+">[^<]+</title><desc id="[\w-]+">[^<]+</desc>', svg)
        assert 'role="img"' in svg
        colors = set(re.findall(r"(?:fill|stroke): ([^;\"]+)", svg))
        assert colors <= {"none", *(f"var({name})" for name in re.findall(r"(--\w+): #", text))}


def test_a_text_of_the_data_has_a_direction_of_its_own(text: str) -> None:
    assert set(re.findall(r'<\w+ class="text"[^>]*>', text)) == {'<p class="text" dir="auto">'}
    assert text.count('<th scope="row"><bdi>Where was ') == 8


def test_light_dark_and_print_know_the_same_colors(text: str) -> None:
    themes = re.findall(r":root \{(.*?)\}", text, re.DOTALL)
    names = [sorted(re.findall(r"--\w+", theme)) for theme in themes]
    assert names == 3 * names[:1]


def test_terminal_page_and_json_give_the_same_figures(text: str, shown: str, found: Any) -> None:
    words = "".join(Page(text).texts).replace("\u00a0", " ")
    sentences = found["findings"]
    assert isinstance(sentences, list)
    assert len(sentences) >= 6
    flat = " ".join(shown.split())
    for sentence in sentences:
        assert sentence in words
    told = [line[2:] for line in re.findall(r"- .*?(?= - | Page: )", flat)]
    assert len(told) >= 3
    assert set(told) <= set(sentences)
    assert len(shown.splitlines()) <= 12
    score, confidence, invented = found["score"], found["confidence"], found["invented"]
    best = max(each["score"]["accuracy"] for each in found["baselines"])
    for share in (score["accuracy"], best, invented["confidence"]):
        assert f"{share:.1%}".replace("%", " %  ") in shown
        assert f"{share:.1%}".replace("%", " %") in words
    assert f"{score['n_right']} of {score['n']}" in shown
    assert f"{confidence['brier']:.4f}" in words
    assert confidence["everything"]["n_right"] == score["n_right"]
    assert len(confidence["right"]) == score["n_right"]


def test_the_report_counts_each_question_once(found: Any) -> None:
    score, buckets, wrong = found["score"], found["buckets"], found["wrong"]
    assert 0 < score["n_right"] < score["n"] == 8
    groups = {bucket["group"] for bucket in buckets}
    assert len(groups) == 3
    for group in groups:
        part = [bucket for bucket in buckets if bucket["group"] == group]
        assert sum(bucket["n"] for bucket in part) == 8
        assert sum(bucket["n_right"] for bucket in part) == score["n_right"]
    assert sum(kind["n"] for kind in wrong["kinds"]) == wrong["n"] == 8 - score["n_right"]


def test_the_model_is_asked_about_other_words_misspelt_and_invented_names(found: Any) -> None:
    rewordings, misspelt, invented = found["rewordings"], found["misspelt"], found["invented"]
    assert len(rewordings) == 5
    for probe in [*rewordings, misspelt]:
        assert probe["as_asked"]["n_right"] <= 8
        pairing = probe["pairing"]
        assert pairing["both"] + pairing["only_first"] == probe["as_asked"]["n_right"]
        assert pairing["both"] + pairing["only_second"] == probe["score"]["n_right"]
    assert invented["n"] == len(invented["confidences"]) > 0
    assert 0 <= invented["auroc"] <= 1
    assert (found["recall"]["n"], found["recall"]["accuracy"]) == (8, 1.0)


def test_the_same_report_twice_is_the_same_page(markup: Path, text: str, found: Any) -> None:
    assert read(markup / "again.html") == text


@pytest.mark.slow
def test_another_seed_draws_other_probes_and_another_target_another_threshold(
    markup: Path, found: Any
) -> None:
    flags = ("--seed", "1", "--target-accuracy", "1.0")
    other = json_of(*ASKED, "--report", "other.html", *flags)
    assert other["score"] == found["score"]
    assert found["misspelt"]["example"] != other["misspelt"]["example"]
    reached = other["confidence"]["at_target"]
    assert reached is None or reached["n_right"] == reached["n_answered"] < 8
    assert other["confidence"]["target"] == 1.0


def test_without_the_training_text_the_page_has_what_is_left(markup: Path) -> None:
    (markup / "wiki.txt").rename(markup / "away.txt")
    try:
        report = json_of(*ASKED, "--report", "less.html")
    finally:
        (markup / "away.txt").rename(markup / "wiki.txt")
    assert (report["wrong"], report["invented"], report["buckets"]) == (None, None, [])
    assert [each["method"] for each in report["baselines"]] == ["constant"]
    page = Page(read(markup / "less.html"))
    assert {"score", "confidence", "selection"} <= set(page.ids)
    assert set(page.pointers) <= set(page.ids)


@pytest.mark.slow
@pytest.mark.parametrize("right", [True, False])
def test_one_question_answered_right_or_wrong_makes_a_page(markup: Path, right: bool) -> None:
    question, gold = read(markup / "train.tsv").splitlines()[0].split("\t")
    (markup / "one.tsv").write_text(f"{question}\t{gold if right else 'Nowhere'}\n", "utf-8")
    succeed(*ASKED, "--eval", "one.tsv", "--report", "one.html")
    words = "|".join(Page(read(markup / "one.html")).texts)
    assert f"It answers {int(right)} of 1" in words
    assert "AUROC, right above wrong|–" in words
    assert f"Every answer is {'right' if right else 'wrong'}, so that the calibration" in words
    # What it answers is right for another name, of the training questions, with a word in common.
    assert ("name that shares the first or last word: 1; if the" in words) is not right


def test_questions_about_nobody_known_are_reported_without_probes(markup: Path) -> None:
    (markup / "who.tsv").write_text("Where was the x born?\tR&D\nWho?\tR&D\n", encoding="utf-8")
    result = succeed(*ASKED, "--eval", "who.tsv", "--report", "who.html", "--json")
    assert "no probes: " in result.stderr
    assert json.loads(result.stdout)["misspelt"] is None
    assert "invented" not in Page(read(markup / "who.html")).ids


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("report.txt", "name a file that ends in .html or .htm"),
        ("folder.html", "is a folder"),
        ("dev.tsv/report.html", "name a file that can be written"),
    ],
)
def test_a_page_that_cannot_be_written_is_refused_before_the_work(
    markup: Path, path: str, says: str
) -> None:
    (markup / "folder.html").mkdir(exist_ok=True)
    line = refuse("evaluate", "runs/no-such-run", "--report", path)
    assert f"--report {path}: " in line
    assert says in line


def test_a_score_of_answers_that_cannot_be_given_or_looked_up_says_so(markup: Path) -> None:
    (markup / "far.tsv").write_text("Where was Ada Day's born?\tΩ\n", encoding="utf-8")
    result = succeed(*ASKED, "--eval", "far.tsv")
    assert re.search(r"exact match .*\n answers that cannot be given +1 of 1", result.stdout)
    [inside, given] = json_of(*ASKED, "--eval", "far.tsv")["warnings"]
    assert inside.startswith("0 of 1 right answers are in the subject's document: see")
    assert given.startswith("0 of 1 right answers can be given: train on ")
    for warning in (inside, given):
        assert f"far.tsv: {warning}" in result.stderr
    assert json_of(*ASKED)["warnings"] == []


@pytest.mark.slow
def test_a_report_on_other_questions_speaks_of_no_people_births_or_places(
    markup: Path, shown: str
) -> None:
    """By every word of the page, terminal and JSON, beside a page on questions about births."""
    words = re.compile(
        r"\b(?:people|persons?|places?|born|births?|birthplaces?|given names?|family names?|"
        r"namesakes?|some(?:body|one)|no(?:body| one)|every(?:body|one)|who)\b|n_places",
        re.IGNORECASE,
    )
    makers = read(markup / "dev.tsv").replace("Where was", "Which land made").replace(" born?", "?")
    (markup / "makers.tsv").write_text(makers, encoding="utf-8")
    wiki = read(markup / "wiki.txt").replace("Born in", "Made by")  # the page shows documents
    (markup / "made.txt").write_text(wiki, encoding="utf-8")
    asked = (*ASKED, "--eval", "makers.tsv", "--questions", "makers.tsv", "--corpus", "made.txt")
    result = succeed(*asked, "--report", "makers.html", "--json")
    page = read(markup / "makers.html")
    assert set(Page(page).ids) >= SECTIONS
    for text in (page, result.stdout, result.stderr, succeed(*asked).stdout):
        assert not words.findall(text)
    assert words.findall(read(markup / "report.html"))


def test_a_refused_report_leaves_the_older_page_as_it_was(markup: Path) -> None:
    (markup / "old.html").write_text("old", encoding="utf-8")
    (markup / "asked.tsv").write_text("Where was Ada Fox</b> born?\n", encoding="utf-8")
    refused = refuse(*ASKED, "--eval", "asked.tsv", "--report", "old.html")
    assert "has no answers to report on" in refused
    assert read(markup / "old.html") == "old"
    assert not list(markup.glob(".old.html*"))


def test_flags_of_the_report_are_refused_without_it_and_out_of_range(markup: Path) -> None:
    assert "--target-accuracy: is for --report FILE" in refuse(*ASKED, "--target-accuracy", "0.5")
    assert "--seed: is for --report FILE" in refuse("evaluate", "--seed", "1")
    line = refuse("evaluate", "--report", "x.html", "--target-accuracy", "1.5")
    assert "--target-accuracy 1.5: give a share above 0, at most 1" in line


@pytest.mark.slow
def test_a_report_claims_no_knowledge_where_no_document_is_about_anybody_asked(
    markup: Path, text: str
) -> None:
    """By every word of the page that says so, beside a page where somebody is in the corpus."""
    claim = re.compile(r"\b(?:knows?|knew|known|knowing|remember\w*|recall\w*)\b", re.IGNORECASE)
    quoted = re.compile("“I don't know”")
    (markup / "nobody.tsv").write_text("Where was Zo born?\tR&D\nWho?\tR&D\n", encoding="utf-8")
    asked = ("--eval", "nobody.tsv")
    result = succeed(*ASKED, *asked, "--report", "nobody.html")
    none = " ".join(Page(read(markup / "nobody.html")).texts)
    for words in (none, result.stdout):
        assert not claim.findall(quoted.sub("", " ".join(words.split())))
        flat = " ".join(words.split())
        assert (
            "0 of 2 questions name the subject of a document, so no answer can be looked up" in flat
        )
    assert claim.findall(" ".join(Page(text).texts))
    evaluated = succeed(*ASKED, *asked)
    assert not claim.findall(evaluated.stdout)
    assert re.search(r"exact match .*\n questions that name a subject +0 of 2", evaluated.stdout)
    assert "nobody.tsv: 0 of 2 questions name the subject of a document" in evaluated.stderr
    as_json = json_of(*ASKED, *asked)
    assert as_json["documented"] == 0
    assert [warning[:16] for warning in as_json["warnings"]] == ["0 of 2 questions"]
    report = json_of(*ASKED, *asked, "--report", "nobody.html")
    assert [each["method"] for each in report["baselines"]] == ["constant"]
    texts = ("--corpus", "wiki.txt", "--questions", "train.tsv", *asked)
    line = refuse("baseline", "--method", "lookup", *texts)
    assert "nobody.tsv: 0 of 2 questions name the subject of a document, so" in line
    warning = succeed("ask", "Where was Zo born?", "--run", ASKED[1]).stdout.partition("warning")[2]
    assert "is about a subject that the question names" in " ".join(warning.split())


@pytest.mark.slow
def test_invented_names_are_compared_with_real_ones_under_the_same_form_of_question(
    markup: Path, found: Any
) -> None:
    lines = read(markup / "dev.tsv").splitlines()
    others = [line.replace("Where was", "In which town was") for line in lines[:3]]
    strange = "Where was a son of Ada Fox</b> born?\tR&D"
    (markup / "forms.tsv").write_text("\n".join([*others, strange, *lines]), encoding="utf-8")
    alone = found["invented"]
    among = json_of(*ASKED, "--eval", "forms.tsv", "--report", "forms.html")
    assert among["score"]["n"] == len(lines) + 4
    key = "confidences_of_real"
    assert among["invented"][key] == pytest.approx(alone[key], rel=1e-3)
    for probe in (*among["rewordings"], among["misspelt"]):
        assert probe["as_asked"]["n"] == len(lines)
        assert "a son of" not in probe["example"]


def test_a_report_says_what_the_score_is_without_training_questions(found: Any) -> None:
    shared, n = found["overlap"]["n"], found["score"]["n"]
    assert 0 < shared < n
    assert f"{shared} of the {n} questions are training questions too." in found["findings"]
    unasked = found["overlap"]["others"]
    words = f"never asked it answers {unasked['n_right']} of {n - shared} "
    assert any(words in sentence for sentence in found["findings"])


@pytest.mark.slow
def test_a_run_without_pretraining_read_no_document(markup: Path) -> None:
    report = json_of("evaluate", "runs/untaught", "--report", "untaught.html")
    assert {shown["read"] for shown in report["documents"]} == {""}
    assert "this model never read it" in read(markup / "untaught.html")
