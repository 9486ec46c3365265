"""Probes ask what they say they ask, of whom they say, and the same for one seed."""

from dataclasses import replace
from functools import cache
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nanoknow.data.corpus import Corpus, corpus_from_chunks
from nanoknow.data.questions import QuestionSet
from nanoknow.data.world.make import make_world
from nanoknow.errors import DataError
from nanoknow.evaluation.answers import edit_distance
from nanoknow.evaluation.probe_questions import BORN, ProbeMaker
from nanoknow.evaluation.probes import judge_invented, judge_probe
from nanoknow.evaluation.scores import Pairing
from nanoknow.facts.salient import subject
from nanoknow.facts.templates import Template
from tests.helpers.questions import asked, born, facts_of, questions_of, said
from tests.helpers.texts import corpus_of, questions_text

WORLD = make_world(60, 2, 0)
CORPUS = corpus_from_chunks(WORLD["wiki.txt"], "wiki.txt")
DEV_TEXT = questions_text(WORLD)[1]
DEV = questions_of(DEV_TEXT)
NAMES = {subject(document) for document in CORPUS.documents} - {""}


@cache
def maker(questions: QuestionSet = DEV, corpus: Corpus = CORPUS, most: int = 99) -> ProbeMaker:
    return ProbeMaker.of(questions, corpus, most, Random(0))


def test_the_built_in_worlds_questions_are_put_in_five_other_ways() -> None:
    made = maker()
    assert made.template == BORN
    assert len(made.named) == len(DEV.items)
    rewordings = made.rewordings()
    assert [probe.name for probe in rewordings] == [
        "What is the birthplace of X?",
        "In which place was X born?",
        "X was born where?",
        "where was X born?",
        "where was X born",
    ]
    for probe in rewordings:
        for (source, name), question in zip(made.named, probe.items, strict=True):
            assert name in question.text
            assert question.text == probe.name.replace("X", name)
            assert question.gold == source.gold
            assert (question.line, question.number) == (source.line, source.number)


def test_another_form_of_question_keeps_its_own_words() -> None:
    made = maker(questions_of(*(f"Tell me about {name}?\tx" for name in sorted(NAMES)[:5])))
    assert made.template == Template("Tell me about ", "?")
    assert [p.name for p in made.rewordings()] == ["tell me about X?", "tell me about X"]


def test_questions_that_follow_no_form_are_left_out() -> None:
    named = maker(questions_of(DEV_TEXT + "Who?\tRome", f"{born('')}\tRome")).named
    assert [(question, born(name)) for question, name in named] == [(q, q.text) for q in DEV.items]


def test_questions_in_any_script_lose_their_mark() -> None:
    asks = Template("《", "》的作者是谁？")
    [question] = questions_of("《山行》的作者是谁？").items
    made = ProbeMaker(asks, ((question, "山行"),), ("山行",), "")
    assert [p.name for p in made.rewordings()] == ["《X》的作者是谁"]


def test_questions_about_nobody_in_the_corpus_cannot_be_probed() -> None:
    with pytest.raises(DataError, match=r"q\.tsv: no question names the subject"):
        maker(asked(("Nobody", "Rome")))


@given(seed=st.integers(0, 500))
def test_a_misspelt_name_is_one_letter_off_and_nobodys(seed: int) -> None:
    made = maker()
    probe = made.misspelt(Random(seed))
    names = {source.line: name for source, name in made.named}
    gold = {source.line: source.gold for source in DEV.items}
    assert len(probe.items) == len(names)
    for question in probe.items:
        name, right = made.template.name_in(question.text), names[question.line]
        assert name is not None
        assert name not in NAMES
        assert len(name) == len(right)
        changed = [i for i, (a, b) in enumerate(zip(name, right, strict=True)) if a != b]
        assert len(changed) in (1, 2)
        if len(changed) == 2:
            assert changed[1] == changed[0] + 1
            assert sorted(name) == sorted(right)
        assert edit_distance(name, right) <= 2
        assert [word[0] for word in name.split()] == [word[0] for word in right.split()]
        assert question.gold == gold[question.line]
    assert made.misspelt(Random(seed)) == probe


@pytest.mark.parametrize(
    ("names", "ours"),
    [
        (("BMW 320", "IBM 701", "HP 35"), {"BMW 320", "IBM 701"}),  # of HP only P could change
        (("赠汪伦", "山行", "春曉"), {"赠汪伦", "山行"}),
        (("محمود", "فيروز"), {"محمود"}),
    ],
)
def test_a_name_without_small_letters_has_one_of_its_own_kind_wrong(
    names: tuple[str, ...], ours: set[str]
) -> None:
    documents = corpus_of("\n".join(f"{name}. Of note." for name in names))
    made = maker(asked(*((name, "x") for name in ours)), documents)
    letters = {c for name in names for c in name if c.isalpha()}
    for seed in range(20):
        probe = made.misspelt(Random(seed))
        assert len(probe.items) == len(ours)
        for (_, name), question in zip(made.named, probe.items, strict=True):
            wrong = made.template.name_in(question.text)
            assert wrong is not None
            assert wrong not in names
            assert len(wrong) == len(name)
            assert wrong[0] == name[0]
            assert set(wrong) - set(name) <= letters


def test_names_of_digits_or_one_letter_are_never_misspelt() -> None:
    made = maker(asked(("747", "x"), ("山", "x")), corpus_of("747. Of note.\n山. Of note."))
    assert len(made.named) == 2
    assert made.misspelt(Random(0)).items == ()


@given(seed=st.integers(0, 500))
def test_an_invented_name_has_words_of_the_corpus_that_no_name_has_together(seed: int) -> None:
    probe = maker().invented(20, Random(seed))
    assert len({question.text for question in probe.items}) == 20
    beginnings = {name.rpartition(" ")[0] for name in NAMES}
    last_words = {name.rpartition(" ")[2] for name in NAMES}
    ends = {(name.split()[0], name.split()[-1]) for name in NAMES}
    for question in probe.items:
        name = BORN.name_in(question.text) or ""
        beginning, _, last_word = name.rpartition(" ")
        assert beginning in beginnings
        assert last_word in last_words
        assert (name.split()[0], name.split()[-1]) not in ends
        assert name not in CORPUS.text
        assert question.gold == ()


def test_of_few_names_as_many_are_invented_as_can_be() -> None:
    corpus = corpus_of("Ada Fox. Of Rome.\nBo Hall. Of Oslo.\nPlato. Of Athens.")
    questions = asked(("Ada Fox", "Rome"))
    probe = maker(questions, corpus).invented(50, Random(0))
    assert {question.text for question in probe.items} == {born("Ada Hall"), born("Bo Fox")}
    alone = maker(questions, corpus_of("Ada Fox. Of Rome."))
    assert alone.invented(50, Random(0)).items == ()


@pytest.mark.parametrize("names", [("山行", "春曉", "赠 汪伦", "静夜 思"), ("Pac-Man", "Tetris")])
def test_no_names_are_invented_where_most_are_of_one_word(names: tuple[str, ...]) -> None:
    documents = corpus_of("\n".join(f"{name}. Of note." for name in names))
    made = maker(asked(*((name, "x") for name in names)), documents)
    assert len(made.named) == len(names)
    assert made.invented(50, Random(0)).items == ()


def test_as_many_subjects_are_drawn_as_asked_for() -> None:
    assert len(maker(most=5).named) == 5
    again = ProbeMaker.of(DEV, CORPUS, 5, Random(0)).named
    assert maker(most=5).named == again != ProbeMaker.of(DEV, CORPUS, 5, Random(1)).named


def test_a_probe_is_judged_beside_the_questions_that_it_was_made_from() -> None:
    questions = asked(("Ada", "Rome"), ("Bo", "Oslo"), ("Cy", "Bern"))
    before = [("Rome", "Rome", 0.9), ("Riga", "Oslo", 0.4), ("Bern", "Bern", 0.1)]
    plain = {
        question.number: said(answer, gold, confidence=sure)
        for question, (answer, gold, sure) in zip(questions.items, before, strict=True)
    }
    changed = [said("Rome", "Rome", confidence=0.3), said("Oslo", "Oslo", confidence=0.5)]
    found = judge_probe(replace(questions, items=questions.items[:2]), changed, plain)
    assert (found.score.n_right, found.as_asked.n_right, found.n_same) == (2, 1, 1)
    assert found.pairing == Pairing(both=1, only_first=0, only_second=1, neither=0, p=1.0)
    assert (found.confidence, found.confidence_as_asked) == pytest.approx((0.4, 0.65))


def test_answers_about_invented_names_are_judged_beside_those_about_real_ones() -> None:
    facts = facts_of(["Ada. Of Rome."], asked(("Ada", "Rome")))
    answers = [("Oslo", 0.1), ("Rome", 0.5), ("Oslo", 0.2), ("Bern", 0.3)]
    invented = [said(answer, confidence=sure) for answer, sure in answers]
    real = [said("Rome", confidence=sure) for sure in (0.6, 0.4)]
    found = judge_invented(invented, real, facts, invented[1].confidence)
    assert (found.n, found.n_training_answers, found.n_sure) == (4, 1, 1)
    assert found.auroc == 7 / 8  # of pairs, those where the real one is surer
    assert (found.confidence, found.confidence_of_real) == pytest.approx((0.25, 0.5))
    assert found.fallbacks[0] == ("Oslo", 2)
    assert [answer.answer for answer in found.examples] == ["Rome", "Bern", "Oslo"]
    assert judge_invented(invented, real, facts, None).n_sure is None
