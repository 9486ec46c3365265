"""An answer is found where the training text holds it, or is said to stand nowhere."""

from __future__ import annotations

import pytest

from nanoknow.facts.evidence import WIDTH, find_evidence
from nanoknow.facts.index import FactIndex
from tests.helpers.texts import corpus_of

LONG = "and then " * 30
DOCUMENTS = (
    "Ada Lovelace. She wrote much. Ada was born in York in 1815. She died there.",
    "Jack London. Jack London was born in San Francisco.",
    "Ada Lovelace. A namesake, born in Rome.",
    f"Bo Li. {LONG}Bo was born in Oslo {LONG}.",
)


@pytest.fixture(scope="module")
def facts() -> FactIndex:
    return FactIndex(corpus_of("\n".join(DOCUMENTS)), None)


@pytest.mark.parametrize(
    ("question", "answer", "where", "sentence"),
    [
        ("Where was Ada Lovelace born?", "York", "made.txt:1", "Ada was born in York in 1815."),
        ("Ada Lovelace", "Rome", "made.txt:3", "A namesake, born in Rome."),
        ("Where was Ada Lovelace born?", "Yor", "made.txt:1", None),
        ("Where was Ada Lovelace born?", "Oslo", "made.txt:1", None),
        ("Where was Jack London born?", "London", "made.txt:2", None),
        (
            "Where was Jack London born?",
            "San Francisco",
            "made.txt:2",
            "Jack London was born in San Francisco.",
        ),
        ("Where was Jack London born?", "", "made.txt:2", None),
        ("Where was Cy Young born?", "York", None, None),
    ],
)
def test_the_line_and_the_sentence_of_the_persons_own_document_are_found(
    facts: FactIndex, question: str, answer: str, where: str | None, sentence: str | None
) -> None:
    evidence = find_evidence(facts, question, answer)
    assert (evidence.where, evidence.sentence) == (where, sentence)
    assert evidence.holds == (sentence is not None)


def test_an_answer_that_others_documents_hold_is_mentioned(facts: FactIndex) -> None:
    assert find_evidence(facts, "Where was Jack London born?", "York").mentioned
    assert not find_evidence(facts, "Where was Jack London born?", "Yor").mentioned
    assert find_evidence(facts, "Where was Ada Lovelace born?", "York").documents == 2
    assert find_evidence(facts, "Who?", "York").documents == 0


def test_a_long_sentence_is_cut_around_the_answer(facts: FactIndex) -> None:
    sentence = find_evidence(facts, "Where was Bo Li born?", "Oslo").sentence
    assert sentence is not None
    assert sentence.startswith("…")
    assert sentence.endswith("…")
    assert "born in Oslo and" in sentence
    assert WIDTH - 10 <= len(sentence) <= WIDTH + 2
    end = find_evidence(facts, "Where was Bo Li born?", "then").sentence
    assert end is not None
    assert end.startswith("and then")
