"""People are found by name, and answers where the training data hold them or nowhere."""

from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nanoknow.data.world.make import make_world
from nanoknow.facts.evidence import WIDTH, find_evidence
from nanoknow.facts.index import FactIndex, most_frequent_answer
from tests.helpers.questions import asked, born, facts_of, questions_of
from tests.helpers.texts import corpus_text, questions_text

DOCUMENTS = [
    "Ada Lovelace. She was born in London, and died there.",
    "Ada J. Lovelace. Born in York, she was another one.",
    "Moses Mason, Jr.. Born in Dublin, New Hampshire, Mason moved.",
    "Sir Guy Bowyer, 7th Baronet. Born in Radley.",
    "Jos\u00e9 Mar\u00eda. Born in S\u00e3o Paulo (Brazil).",
    "Ada Lovelace. A namesake, of St. Gallen.",
    "Mr. T. Born in Chicago.",
    "no name",
    "",
]
PAIRS = ["Where was Ada Lovelace born?\tLondon", "Where was Bo born?\tLeeds", "Q?\tLeeds"]


@pytest.fixture(scope="module")
def facts() -> FactIndex:
    return facts_of(DOCUMENTS, questions_of(*PAIRS))


@pytest.mark.parametrize(
    ("question", "found"),
    [
        ("Where was Ada Lovelace born?", [0, 5]),
        ("Where was Ada J. Lovelace born?", [1]),
        ("Where was Moses Mason, Jr. born?", [2]),
        ("Where was Sir Guy Bowyer, 7th Baronet born?", [3]),
        ("Where was Jos\u00e9 Mar\u00eda born?", [4]),
        ("Where was Mr. T born?", [6]),
        ("Who is Ada Lovelace?", [0, 5]),
        ("Ada Lovelace", [0, 5]),
        ("Tell me of Ada Lovelace!", [0, 5]),
        ("Where was ada lovelace born?", [0, 5]),
        ("Where was Ada born?", [0, 1, 5]),  # who begins with it
        ("Where was Lovelace born?", [0, 1, 5]),  # and where nobody does, who has it anywhere
        ("Where was Ada Lovelaces born?", []),
        ("", []),
        ("?", []),
    ],
)
def test_a_question_finds_the_documents_of_the_one_it_names(
    facts: FactIndex, question: str, found: list[int]
) -> None:
    assert facts.documents_about(question) == [DOCUMENTS[i] for i in found]


def test_the_longest_name_in_a_question_is_the_one_asked_about() -> None:
    documents = ["Ada King. Born in York.", "Ada King Noel. Born in Bath.", "Noel. Born in Rome."]
    facts = facts_of(documents)
    found = [facts.documents_about(born(name)) for name in ("Ada King", "Ada King Noel", "Noel")]
    assert found == [[document] for document in documents]


@given(people=st.integers(10, 40), paraphrases=st.integers(1, 4), seed=st.integers(0, 1000))
def test_everybody_in_a_built_in_world_is_found_with_the_answer_in_their_documents(
    people: int, paraphrases: int, seed: int
) -> None:
    world = make_world(people, paraphrases, seed)
    parts = questions_text(world)
    facts = facts_of([corpus_text(world)], questions_of(parts[0]))
    found = Counter[str]()
    for part in parts:
        for question in questions_of(part).items:
            documents = facts.documents_about(question.text)
            assert len(documents) == paraphrases
            assert facts.in_documents(question)
            found.update(documents)
    assert found == Counter(corpus_text(world).splitlines())


END = DOCUMENTS[0].index("London") + len("London")


@pytest.mark.parametrize(
    ("name", "answer", "within", "expected"),
    [
        ("Ada Lovelace", "London", None, True),
        ("Ada Lovelace", "St. Gallen", None, True),  # in the second document of the name
        ("Ada Lovelace", "York", None, False),  # in another person's document
        ("Ada J. Lovelace", "York", None, True),
        ("Jos\u00e9 Mar\u00eda", "S\u00e3o Paulo", None, True),
        ("Nobody", "London", None, False),
        ("Ada Lovelace", "London", END, True),
        ("Ada Lovelace", "London", END - 1, False),  # a prefix must hold the whole answer
        ("Ada Lovelace", "London", 0, False),
    ],
)
def test_an_answer_counts_where_it_stands_in_the_persons_own_documents(
    facts: FactIndex, name: str, answer: str, within: int | None, expected: bool
) -> None:
    [question] = asked((name, answer)).items
    assert facts.in_documents(question, within) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("London", True),  # both an answer and in the text
        ("Leeds", False),  # a training answer that the text does not hold
        ("York", True),  # in the text only
        ("New Hampshire", True),
        ("Paulo (Brazil)", True),
        ("St. Gallen", True),
        ("St.. Gallen", False),
        ("Lond", False),
        ("ondon", False),
        ("london", False),
        ("S\u00e3o", True),
        ("Jos", False),  # \u00e9 follows: inside a word
        ("Hampshire, Mason", True),
        ("York London", False),
        (".", True),
        ("[a-z]+", False),
        ("", False),
        (" ", False),
        ("\n", False),
    ],
)
def test_a_string_is_mentioned_as_whole_words(facts: FactIndex, text: str, expected: bool) -> None:
    assert facts.mentions(text) is expected


def test_two_indexes_do_not_share_what_they_mention() -> None:
    one, two = facts_of(["Rome"]), facts_of(["Bath"])
    assert [one.mentions("Rome"), two.mentions("Rome")] == [True, False]
    assert [one.mentions("Bath"), two.mentions("Bath")] == [False, True]


def test_answers_are_counted_over_the_training_questions(facts: FactIndex) -> None:
    assert facts.answer_counts == Counter({"Leeds": 2, "London": 1})
    assert FactIndex(facts.corpus, None).answer_counts == Counter()
    assert FactIndex(facts.corpus, questions_of(born("Bo"))).answer_counts == Counter()


def test_the_most_frequent_answer_is_the_first_among_equals() -> None:
    assert most_frequent_answer(questions_of(*PAIRS).items) == "Leeds"
    assert most_frequent_answer(questions_of("a\tB", "b\tA", "c\tA", "d\tB").items) == "B"


LONG = "and then " * 30
JACKS = "Jack London was born in San Francisco."
LIVES = (
    "Ada Lovelace. She wrote much. Ada was born in York in 1815. She died there.",
    f"Jack London. {JACKS}",
    "Ada Lovelace. A namesake, born in Rome.",
    f"Bo Li. {LONG}Bo was born in Oslo {LONG}.",
)


@pytest.fixture(scope="module")
def lives() -> FactIndex:
    return facts_of(LIVES)


@pytest.mark.parametrize(
    ("question", "answer", "where", "sentence"),
    [
        (born("Ada Lovelace"), "York", "made.txt:1", "Ada was born in York in 1815."),
        ("Ada Lovelace", "Rome", "made.txt:3", "A namesake, born in Rome."),
        (born("Ada Lovelace"), "Yor", "made.txt:1", None),
        (born("Ada Lovelace"), "Oslo", "made.txt:1", None),
        (born("Jack London"), "London", "made.txt:2", None),
        (born("Jack London"), "San Francisco", "made.txt:2", JACKS),
        (born("Jack London"), "", "made.txt:2", None),
        (born("Cy Young"), "York", None, None),
    ],
)
def test_the_line_and_the_sentence_of_the_persons_own_document_are_found(
    lives: FactIndex, question: str, answer: str, where: str | None, sentence: str | None
) -> None:
    evidence = find_evidence(lives, question, answer)
    assert (evidence.where, evidence.sentence) == (where, sentence)
    assert evidence.holds == (sentence is not None)


def test_a_sentence_that_begins_its_document_is_shown_from_its_first_letter() -> None:
    documents = ["Ada Bo was born in Oslo . She sang .", "Cy Dee was born in Rome ."]
    training = asked(("Ada Bo", "Oslo"), ("Cy Dee", "Rome"))
    evidence = find_evidence(facts_of(documents, training), born("Ada Bo"), "Oslo")
    assert (evidence.name, evidence.sentence) == ("Ada Bo", "Ada Bo was born in Oslo .")


def test_where_no_document_is_about_a_name_there_is_no_subject() -> None:
    corpus = replace(facts_of(["She was born in Rome ."]).corpus, names=("Ada Bo",))
    evidence = find_evidence(FactIndex(corpus, None), born("Ada"), "Rome")  # only a part of hers
    assert (evidence.documents, evidence.name, evidence.where) == (0, None, None)


def test_an_answer_that_others_documents_hold_is_mentioned(lives: FactIndex) -> None:
    assert find_evidence(lives, born("Jack London"), "York").mentioned
    assert not find_evidence(lives, born("Jack London"), "Yor").mentioned
    assert find_evidence(lives, born("Ada Lovelace"), "York").documents == 2
    assert find_evidence(lives, "Who?", "York").documents == 0


def test_a_long_sentence_is_cut_around_the_answer(lives: FactIndex) -> None:
    sentence = find_evidence(lives, born("Bo Li"), "Oslo").sentence or ""
    assert (sentence[0], sentence[-1]) == ("…", "…")
    assert "born in Oslo and" in sentence
    assert WIDTH - 10 <= len(sentence) <= WIDTH + 2
    end = find_evidence(lives, born("Bo Li"), "then").sentence or ""
    assert end.startswith("and then")


def test_without_training_questions_a_part_of_a_name_names_nobody() -> None:
    facts = facts_of(["John Almeida. He was born in Rome.", "Bo. Born in York."])
    names = [facts.name_in(born(name)) for name in ("John Thorne", "John Almeida", "Bo")]
    assert names == [None, "John Almeida", "Bo"]
