"""People are found by name, and answers where the training data hold them."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nanoknow.data.questions import Question, QuestionSet, questions_from_bytes
from nanoknow.data.world.make import make_world
from nanoknow.facts.index import FactIndex, most_frequent_answer
from tests.helpers.texts import corpus_of, corpus_text

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


def questions_of(lines: list[str]) -> QuestionSet:
    return questions_from_bytes("\n".join(lines).encode(), "questions")


@pytest.fixture(scope="module")
def facts() -> FactIndex:
    corpus = corpus_of("\n".join(DOCUMENTS))
    return FactIndex(corpus, questions_of(PAIRS))


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
        ("Where was Lovelace born?", []),
        ("Where was Ada born?", []),
        ("Where was ada lovelace born?", []),
        ("Where was Ada Lovelaces born?", []),
        ("", []),
        ("?", []),
    ],
)
def test_a_question_finds_the_documents_of_the_one_it_names(
    facts: FactIndex, question: str, found: list[int]
) -> None:
    assert facts.documents_about(question) == [DOCUMENTS[i] for i in found]


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("Ada Lovelace", [0, 5]),
        ("Moses Mason, Jr.", [2]),
        ("Ada J. Lovelace", []),
        ("Ada J", [1]),
        ("Mr. T", []),
    ],
)
def test_the_exact_name_is_what_stands_before_the_first_full_stop_and_space(
    facts: FactIndex, name: str, found: list[int]
) -> None:
    documents = facts.documents_about(f"Where was {name} born?", exact=True)
    assert documents == [DOCUMENTS[i] for i in found]


def test_the_longest_name_in_a_question_is_the_one_asked_about() -> None:
    documents = ["Ada King. Born in York.", "Ada King Noel. Born in Bath.", "Noel. Born in Rome."]
    facts = FactIndex(corpus_of("\n".join(documents)), None)
    assert facts.documents_about("Where was Ada King Noel born?") == documents[1:2]
    assert facts.documents_about("Where was Ada King born?") == documents[:1]
    assert facts.documents_about("Where was Noel born?") == documents[2:]


@given(people=st.integers(10, 40), paraphrases=st.integers(1, 4), seed=st.integers(0, 1000))
def test_everybody_in_a_built_in_world_is_found_with_the_answer_in_their_documents(
    people: int, paraphrases: int, seed: int
) -> None:
    world = make_world(people, paraphrases, seed)
    train = questions_from_bytes(world.train.encode(), "train")
    facts = FactIndex(corpus_of(corpus_text(world)), train)
    found = Counter[str]()
    for part in (world.train, world.dev, world.test):
        for question in questions_from_bytes(part.encode(), "part").items:
            documents = facts.documents_about(question.text)
            assert len(documents) == paraphrases
            assert documents == facts.documents_about(question.text, exact=True)
            assert facts.in_documents(question)
            found.update(documents)
    assert found == Counter(corpus_text(world).splitlines())


@pytest.mark.parametrize(
    ("name", "answer", "expected"),
    [
        ("Ada Lovelace", "London", True),
        ("Ada Lovelace", "St. Gallen", True),  # in the second document of the name
        ("Ada Lovelace", "York", False),  # in another person's document
        ("Ada J. Lovelace", "York", True),
        ("Jos\u00e9 Mar\u00eda", "S\u00e3o Paulo", True),
        ("Nobody", "London", False),
    ],
)
def test_an_answer_counts_where_it_stands_in_the_persons_own_documents(
    facts: FactIndex, name: str, answer: str, expected: bool
) -> None:
    assert facts.in_documents(Question(f"Where was {name} born?", (answer,), 1)) is expected


def test_a_prefix_must_hold_the_whole_answer(facts: FactIndex) -> None:
    question = Question("Where was Ada Lovelace born?", ("London",), 1)
    end = DOCUMENTS[0].index("London") + len("London")
    assert facts.in_documents(question, end)
    assert not facts.in_documents(question, end - 1)
    assert not facts.in_documents(question, 0)


def test_an_initial_hides_a_person_from_the_exact_name_only(facts: FactIndex) -> None:
    question = Question("Where was Ada J. Lovelace born?", ("York",), 1)
    assert facts.in_documents(question)
    assert not facts.in_documents(question, exact=True)


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
    one = FactIndex(corpus_of("Rome"), None)
    two = FactIndex(corpus_of("Bath"), None)
    assert [one.mentions("Rome"), two.mentions("Rome")] == [True, False]
    assert [one.mentions("Bath"), two.mentions("Bath")] == [False, True]


def test_answers_are_counted_over_the_training_questions(facts: FactIndex) -> None:
    assert facts.answer_counts == Counter({"Leeds": 2, "London": 1})
    assert FactIndex(facts.corpus, None).answer_counts == Counter()
    unanswered = FactIndex(facts.corpus, questions_of(["Where was Bo born?"]))
    assert unanswered.answer_counts == Counter()


def test_the_most_frequent_answer_is_the_first_among_equals() -> None:
    assert most_frequent_answer(questions_of(PAIRS).items) == "Leeds"
    assert most_frequent_answer(questions_of(["a\tB", "b\tA", "c\tA", "d\tB"]).items) == "B"
