"""The open-book baseline reads the person's own document, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from nanoknow.data.corpus import read_corpus
from nanoknow.data.questions import Question, QuestionSet, read_questions
from nanoknow.facts.index import FactIndex
from nanoknow.facts.lookup import LookUp
from tests.helpers.texts import corpus_of


def look_up(documents: list[str], places: list[str]) -> LookUp:
    items = tuple(Question("Where?", (place,), i) for i, place in enumerate(places))
    return LookUp(FactIndex(corpus_of("\n".join(documents)), QuestionSet("t.tsv", items, "")))


def test_it_answers_the_earliest_place_of_the_persons_own_document() -> None:
    documents = ["Ada Bo. She left Rome for Oslo.", "Cy Dee. He left Oslo for Rome."]
    book = look_up(documents, ["Oslo", "Rome"])
    asked = [f"Where was {name} born?" for name in ("Ada Bo", "Cy Dee", "Eve Fox", "Ada")]
    assert book.answers(asked) == ["Rome", "Oslo", None, None]


def test_of_places_that_start_together_the_longest_counts() -> None:
    book = look_up(["Ada Bo. Of New York City."], ["New York", "New York City", "New"])
    assert book.answer("Where was Ada Bo born?") == "New York City"


def test_a_document_without_a_known_place_gives_no_answer() -> None:
    assert look_up(["Ada Bo. Of Bonn."], ["Rome"]).answer("Where was Ada Bo born?") is None


def test_of_several_documents_most_decide_and_the_last_among_equals() -> None:
    documents = ["Ada Bo. Of Rome.", "Ada Bo. Of Oslo.", "Ada Bo. Of Rome, not Lima."]
    places = ["Rome", "Oslo", "Lima"]
    assert look_up(documents, places).answer("Was Ada Bo born?") == "Rome"
    assert look_up(documents[:2], places).answer("Was Ada Bo born?") == "Oslo"


def test_a_name_ends_at_the_first_stop() -> None:
    book = look_up(["Ada J. Bo. Of Rome."], ["Rome"])
    assert book.answer("Where was Ada J. Bo born?") is None


@pytest.mark.real_data
def test_on_the_published_questions_it_is_right_on_394_of_500(real_data: Path) -> None:
    folder = real_data / "birthplaces"
    training = read_questions(folder / "birth_places_train.tsv")
    book = LookUp(FactIndex(read_corpus(folder / "wiki.txt"), training))
    questions = read_questions(folder / "birth_dev.tsv").items
    found = book.answers(q.text for q in questions)
    assert sum(said == q.answer for said, q in zip(found, questions, strict=True)) == 394
