"""What is said about texts before a model learns them: how much fits, and what to do."""

from dataclasses import replace

import pytest

from nanoknow.data.questions import QuestionSet
from nanoknow.facts.fit import judge_fit
from nanoknow.facts.index import FactIndex
from tests.helpers.questions import asked, facts_of, questions_of

PLACES = {"Ada Bo": "Rome", "Cy Dee": "Oslo", "Eve Fox": "New York", "Gus Hart": "Lima"}
BORN = [f"{name} was born in {place} ." for name, place in PLACES.items()]
TRAINING = asked(*PLACES.items())


def judged(
    documents: list[str], training: QuestionSet = TRAINING, *, reach: int | None = None
) -> dict[str, list[str]]:
    """Return the lines that are said of documents, each on the line of a file, and of questions."""
    fit = judge_fit(facts_of([*documents, ""], training), 10, reach)
    return {role: [str(line) for line in lines] for role, lines in fit.items()}


def test_texts_that_fit_are_counted_without_advice() -> None:
    assert judged(BORN) == {
        "corpus": [
            "documents that are not empty: 4 of 4",
            "documents of up to 100 characters: 4 of 4",
            "documents with a subject: 4 of 4",
        ],
        "training": [
            "questions that name a subject: 4 of 4",
            "answers in a document about the subject: 4 of 4",
            "answers found in documents by other questions: 4 of 4",
        ],
    }


@pytest.mark.parametrize(
    ("documents", "role", "says"),
    [
        pytest.param(
            [*BORN, *[""] * 5],
            "corpus",
            "documents that are not empty: 4 of 9: is the form right (a document a line, "
            "--documents paragraphs, a table, JSON)?",
            id="empty",
        ),
        pytest.param(
            [*BORN[:1], *(text + " " + 9 * "He sang . " for text in BORN[1:])],
            "corpus",
            "documents of up to 100 characters: 1 of 4: is the form right (a document a line, "
            "--documents paragraphs, a table, JSON)?",
            id="long",
        ),
        pytest.param(
            ["He was born in Rome", "She was born in Oslo"],
            "training",
            "questions that name a subject: 0 of 4 (not line 1): write names in them as documents "
            "have them, give a column 'name', or add documents",
            id="names that no document has",
        ),
        pytest.param(
            [*BORN[:1], *(text.replace("born in", "far from") for text in BORN[1:2]), "Eve Fox ."],
            "training",
            "answers in a document about the subject: 2 of 4 (not line 3)",
            id="half of the answers",
        ),
        pytest.param(
            [f"{name} sang ." for name in PLACES],
            "training",
            "answers in a document about the subject: 0 of 4 (not line 1): what no document says "
            "to the letter is guessed, not known: write answers as documents do, and the subject's "
            "name (no pronoun, no title apart) into each document",
            id="answers that no document has",
        ),
        pytest.param(
            "\n\n".join(BORN).replace(" born", "\nborn").split("\n"),
            "training",
            "answers in a document about the subject: 0 of 4 (not line 1): what no document says "
            "to the letter is guessed, not known: write answers as documents do, and the subject's "
            "name (no pronoun, no title apart) into each document, or read documents of several "
            "lines with --documents paragraphs",
            id="paragraphs read line by line",
        ),
    ],
)
def test_what_does_not_fit_is_counted_and_where_it_is_most_there_is_advice(
    documents: list[str], role: str, says: str
) -> None:
    assert says in judged(documents)[role]


def test_answers_beyond_what_is_read_are_counted_apart() -> None:
    far = [text.replace("was born", "was , as everybody says , born") for text in BORN[1:]]
    lines = judged([*BORN[:1], *far], reach=30)["training"]
    assert "answers in a document about the subject: 4 of 4" in lines
    advice = "raise model.block_size, or hide by pretrain.task.context_dropout"
    assert f"answers in the first 30 characters of it: 1 of 4 (not line 2): {advice}" in lines


def test_of_questions_without_answers_nothing_is_said_about_answers() -> None:
    lines = judged(BORN, questions_of(*(question.text for question in TRAINING.items)))
    assert lines["training"] == ["questions that name a subject: 4 of 4"]


def test_questions_to_evaluate_on_are_judged_as_those_to_learn_from() -> None:
    unknown = replace(questions_of("Where was Nobody born?\tRome").items[0], line=3)
    other = [*TRAINING.items[:1], unknown]
    fit = judge_fit(facts_of(BORN, TRAINING), 10, None, other)
    lines = [(line.n, line.of, line.first) for line in fit["eval"]]
    assert lines == [(1, 2, 3), (1, 2, 3), (1, 1, None)]


def test_a_row_without_a_name_is_counted_with_advice() -> None:
    facts = facts_of(BORN, TRAINING)
    named = FactIndex(replace(facts.corpus, names=(*PLACES, "")[1:]), facts.training)
    line = judge_fit(named, 10, None)["corpus"][-1]
    advice = "begin each with the name that questions have, or give each in a column 'name'"
    assert str(line) == f"documents with a subject: 3 of 4: {advice}"
