"""Names, places and years in documents that begin with a name: which of their words are."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nanoknow.facts.salient import find_salient, subject

LIVES = [
    "Ada Lowe. Ada Lowe (born 1815 in the city of Riga) was a painter of birds .",
    "J. R. Ash. J. R. Ash, born in Wells in 1790, died in Riga .",
    "Sammy Davis Jr. The painter was born in Wells, in the north .",
    "Ann Bee. a painter she was .",
    "nobody here",
]


def salient_words(documents: list[str], wanted: set[str] | None = None) -> list[list[str]]:
    found = find_salient(documents, wanted or set())
    return [
        [document[slice(*span)] for span in spans]
        for document, (_, spans) in zip(documents, found, strict=True)
    ]


def test_salient_words_are_names_places_and_years_outside_the_documents_own_name() -> None:
    expected = [["1815", "Riga"], ["Wells", "1790", "Riga"], ["Wells"], [], []]
    assert salient_words(LIVES) == expected


def test_names_of_several_words_are_hidden_whole_and_commas_and_years_part_them() -> None:
    life = (
        "Ed Lee. Born in New York, Ohio May 1815 and dead in São Paulo  Brazil, of Flu-Like Rest."
    )
    words = ["New York", "Ohio May", "1815", "São Paulo", "Brazil", "Flu-Like Rest"]
    assert salient_words([life, "Al Bo. She was born here ."]) == [words, ["She"]]


def test_a_word_is_common_if_it_is_seldom_capitalised_but_where_sentences_start() -> None:
    lives = [
        "Ed Lowe. He was born in Deal, England . Long ago! He was a poet, he said .",
        "Al Boyd. Born in England, he struck a deal . He died there long after .",
        "Jo Rayne. Lived in west england and in Deal, a Poet . Long live he .",
    ]
    assert salient_words(lives) == [["Deal", "England"], ["England"], ["Lived", "Deal"]]


def test_wanted_words_count_alone_where_a_document_holds_any_whole_or_as_a_part() -> None:
    lives = [
        "Ed Lee. Born in New York, Ohio, in 1815 and dead in York .",
        "Al Bo. Lived in Melbourne Victoria in 1900 .",
        "Jo Ray. a poet of Riga in 1820 .",
    ]
    found = salient_words(lives, {"New York", "Victoria", "Rome", "1815", "Jo"})
    assert found == [["New York", "1815"], ["Victoria"], ["Riga", "1820"]]


def test_a_name_of_very_many_words_takes_no_longer_than_its_length() -> None:
    [words] = salient_words(["Ed Lowe. " + " ".join(f"N{i}" for i in range(30_000))], {"N7 N8"})
    assert words == ["N7 N8"]


@given(documents=st.lists(st.text(max_size=60), min_size=1, max_size=5))
def test_salient_words_lie_in_their_documents_in_order(documents: list[str]) -> None:
    for document, (name, spans) in zip(documents, find_salient(documents), strict=True):
        assert document.startswith(name)
        at = len(name)
        for start, end in spans:
            assert at <= start < end <= len(document)
            at = end


@pytest.mark.parametrize(
    ("document", "name"),
    [
        (LIVES[0], "Ada Lowe"),
        (LIVES[1], "J. R. Ash"),
        (LIVES[2], "Sammy Davis Jr"),
        ("Ed Lee. Ed Lee met J. Doe. He won .", "Ed Lee"),
        ("St. John Smith. He was born .", "St. John Smith"),
        ("Ann Lee. She was born in Oslo. She sings.", "Ann Lee"),
        ("J. R. Ash. He was born in Rome. He died.", "J. R. Ash"),
        ("Dr. Ed van Lo. He was born here. He is.", "Dr. Ed van Lo"),
        ("Al A. van den Bo. He was born here. He is.", "Al A. van den Bo"),
        ("Malcolm X. He was born in Omaha. He died.", "Malcolm X"),
        ("Bo. Born in Rome. He died.", "Bo"),
        ("no stop", ""),
        ("", ""),
    ],
)
def test_the_subject_is_what_stands_before_a_stop_that_ends_a_name(
    document: str, name: str
) -> None:
    assert subject(document) == name
