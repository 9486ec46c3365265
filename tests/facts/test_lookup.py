"""The open-book baseline, and what the published documents say of the published questions."""

from pathlib import Path

import pytest

from nanoknow.data.corpus import read_corpus
from nanoknow.data.questions import Question, read_questions
from nanoknow.evaluation.baseline import look_up
from nanoknow.facts.index import FactIndex, most_frequent_answer
from tests.helpers.questions import asked, born, facts_of


def answers(documents: list[str], places: list[str], *questions: str) -> list[str | None]:
    known = asked(*((f"Nobody {place}", place) for place in places))
    return look_up(facts_of(documents, known), questions)


def test_it_answers_the_earliest_place_of_the_persons_own_document() -> None:
    documents = ["Ada Bo. She left Rome for Oslo.", "Cy Dee. He left Oslo for Rome."]
    questions = [born(name) for name in ("Ada Bo", "Cy Dee", "Eve Fox", "Ada Bonn")]
    assert answers(documents, ["Oslo", "Rome"], *questions) == ["Rome", "Oslo", None, None]


PLACES = ["Rome", "Oslo", "Lima", "New York", "New York City", "New"]


@pytest.mark.parametrize(
    ("documents", "answer"),
    [
        pytest.param(["Ada Bo. Of New York City."], "New York City", id="the longest place"),
        pytest.param(["Ada Bo. Of Bonn."], None, id="no known place"),
        pytest.param(
            ["Ada Bo. Of Rome.", "Ada Bo. Of Oslo.", "Ada Bo. Of Rome, not Lima."],
            "Rome",
            id="most documents",
        ),
        pytest.param(["Ada Bo. Of Rome.", "Ada Bo. Of Oslo."], "Oslo", id="the last among equals"),
    ],
)
def test_the_persons_documents_decide(documents: list[str], answer: str | None) -> None:
    assert answers(documents, PLACES, "Was Ada Bo born?") == [answer]


def test_a_name_may_hold_a_stop_and_what_is_within_it_is_no_answer() -> None:
    documents = ["Ada J. Bo. Of Rome.", "Jo Lima. Jo Lima is of Oslo."]
    assert answers(documents, PLACES, born("Ada J. Bo"), born("Jo Lima")) == ["Rome", "Oslo"]


def test_an_answer_may_hold_a_short_name() -> None:
    documents = ["Li. Li is of Lima.", "York. York is of New York."]
    assert answers(documents, PLACES, born("Li"), born("York")) == ["Lima", "New York"]


@pytest.fixture(scope="module")
def published(real_data: Path) -> FactIndex:
    folder = real_data / "birthplaces"
    corpus = read_corpus(folder / "wiki.txt")
    return FactIndex(corpus, read_questions(folder / "birth_places_train.tsv"))


@pytest.fixture(scope="module")
def dev(real_data: Path) -> tuple[Question, ...]:
    return read_questions(real_data / "birthplaces" / "birth_dev.tsv").items


@pytest.mark.real_data
def test_on_the_published_questions_it_is_right_on_434_of_500(
    published: FactIndex, dev: tuple[Question, ...]
) -> None:
    found = look_up(published, (q.text for q in dev))
    assert sum(said == q.answer for said, q in zip(found, dev, strict=True)) == 434


@pytest.mark.real_data
@pytest.mark.parametrize(("within", "share"), [(None, 0.956), (112, 0.922)])
def test_dev_answers_stand_in_the_persons_document_as_often_as_computed(
    published: FactIndex, dev: tuple[Question, ...], within: int | None, share: float
) -> None:
    held = sum(published.in_documents(question, within) for question in dev)
    assert held / len(dev) == share


@pytest.mark.real_data
def test_dev_answers_occur_as_train_answers_in_92_2_percent(
    published: FactIndex, dev: tuple[Question, ...]
) -> None:
    answers = published.answer_counts
    assert sum(question.answer in answers for question in dev) / len(dev) == 0.922


@pytest.mark.real_data
def test_london_is_the_most_frequent_answer_and_right_on_25_of_500(
    published: FactIndex, dev: tuple[Question, ...]
) -> None:
    assert published.training is not None
    assert most_frequent_answer(published.training.items) == "London"
    assert sum(question.answer == "London" for question in dev) == 25
    assert len(dev) == 500


@pytest.mark.real_data
@pytest.mark.parametrize(
    "name", ["birth_places_train.tsv", "birth_dev.tsv", "birth_test_inputs.tsv"]
)
def test_everybody_asked_about_has_a_biography(
    published: FactIndex, real_data: Path, name: str
) -> None:
    questions = read_questions(real_data / "birthplaces" / name)
    lost = [item.text for item in questions.items if not published.documents_about(item.text)]
    assert lost == []
