"""Whom or what questions and documents are about, as questions of one form differ."""

from dataclasses import replace
from time import process_time

import pytest

from nanoknow.facts import names
from nanoknow.facts.index import FactIndex
from nanoknow.facts.spans import Passage
from nanoknow.facts.templates import Template
from nanoknow.facts.words import folded
from tests.helpers.questions import facts_of, questions_of

NAMES = ["Ada Bo", "Cy Dee", "Eve Fox", "Gus J. Hart", "Ian Lee", "Kim Mo", "Ned Orr", "Pat Quo"]
MOTHERS = ["Zoe", "Yara", "Xenia", "Wilma", "Vera", "Una", "Tilda", "Sue"]
KNOWN = 6
"""Of the names, the first ones are asked about."""


def facts_in(document: str, question: str, names: list[str] = NAMES) -> FactIndex:
    """Return documents on all of the names, and questions on the first of them."""
    pairs = list(zip(names, MOTHERS, strict=True))
    documents = [document.format(name=name, mother=mother) for name, mother in pairs]
    asked = [f"{question.format(name=name)}\t{mother}" for name, mother in pairs[:KNOWN]]
    return facts_of(documents, questions_of(*asked))


@pytest.mark.parametrize("question", ["Who is {name}'s mother?", "《{name}》的母亲是谁？"])
@pytest.mark.parametrize(
    "document",
    [
        pytest.param("{name}. Their mother was {mother} .", id="name and stop"),
        pytest.param("{name} is a child of {mother} .", id="no stop"),
        pytest.param("The mother of {name} is {mother} .", id="in the middle"),
        pytest.param("{mother} is the mother of {name}", id="after the answer"),
        pytest.param('"{name}" was written by {mother} .', id="in quotes"),
        pytest.param("{name}。母亲{mother}。", id="no spaces"),
    ],
)
def test_the_subject_is_what_varies_between_questions_wherever_documents_name_it(
    document: str, question: str
) -> None:
    facts = facts_in(document, question)
    for i, name in enumerate(NAMES):
        asked = question.format(name=name)
        assert facts.name_in(asked) == name
        assert facts.indices_about(asked) == [i]
        assert facts.indices_about(question.format(name=name.lower())) == [i]
        # in another form than the training questions
        begins = document.startswith("{name}")
        assert facts.indices_about(f"What of {name}?") == ([i] if begins else [])


@pytest.mark.parametrize("document", ["Mother of {name} is {mother} .", "{name}。母亲{mother}。"])
def test_subjects_that_nobody_asks_about_are_where_those_are_that_somebody_does(
    document: str,
) -> None:
    assert facts_in(document, "Who is {name}'s mother?").names == NAMES


def test_titles_without_spaces_are_found_by_whole_titles() -> None:
    titles = ["龟山八景", "龟山", "八景", "送别，四首之一", "送别，四首之二", "咏史", "春", "秋"]
    facts = facts_in("{name}。{mother}。东华尘土应怜我。", "《{name}》的作者是谁？", titles)
    found = [facts.indices_about(f"《{title}》的作者是谁？") for title in titles]
    assert found == [[i] for i in range(len(titles))]


PAIRS = list(zip(NAMES, MOTHERS, strict=True))
LIVES = [f"{name} lives in {mother[:2]}ville ; the mother is {mother} ." for name, mother in PAIRS]


@pytest.mark.parametrize("second", ["Who is {}'s mother?", "The mother of {}?"])
def test_forms_of_questions_are_told_apart_also_where_one_holds_the_other(second: str) -> None:
    first = "Who is {}?"
    asked = [f"{first.format(name)}\tx" for name, _ in PAIRS[:6]]
    asked += [f"{second.format(name)}\t{mother}" for name, mother in PAIRS[:4]]
    facts = facts_of(LIVES, questions_of(*asked))
    forms = {Template(*first.split("{}")): 6, Template(*second.split("{}")): 4}
    assert facts.templates == forms
    for form in forms:
        assert [facts.name_in(form.ask(name)) for name in NAMES] == NAMES
        assert [facts.indices_about(form.ask(name)) for name in NAMES] == [[i] for i in range(8)]


def test_a_form_is_found_by_the_questions_alone_where_documents_begin_otherwise() -> None:
    questions = [f"Who is {name}'s mother?\tx" for name in NAMES]
    facts = facts_of(["Nothing of them .", "Nor here ."], questions_of(*questions))
    assert facts.templates == {Template("Who is ", "'s mother?"): 8}
    assert facts.name_in(questions[0].partition("\t")[0]) is None


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("John Smith", [0, 2]),
        ("John Smith Jr", [1]),
        ("john smith jr", [1]),
        ("John", [0, 1, 2, 3]),
        ("John Smiths", []),
        ("Bo John", []),
        ("", []),
    ],
)
def test_namesakes_share_their_documents_and_longer_names_have_their_own(
    name: str, found: list[int]
) -> None:
    documents = ["John Smith. A poet.", "John Smith Jr. A smith.", "John Smith. A king."]
    documents += ["John Bo. A cook.", "A smith was born."]
    training = questions_of(
        *(f"Who was {n}?\tx" for n in ("John Smith", "John Smith Jr", "John Bo"))
    )
    facts = facts_of(documents, training)
    assert facts.indices_about(f"Who was {name}?") == found


def test_a_part_of_a_name_in_another_form_of_question_is_no_subject() -> None:
    facts = facts_in("{name} is a child of {mother} .", "Who is {name}'s mother?")
    assert facts.indices_about("What of Ada Boot?") == []
    assert facts.indices_about("What of Ada?") == []
    assert facts.indices_about("Tell me of Gus J. Hart, please") == [3]


def test_a_column_of_names_decides_whatever_documents_begin_with() -> None:
    plain = facts_of(["She was born in Oslo .", "ADA BO, who lived in Rome .", "Ada Bo . Else ."])
    corpus = replace(plain.corpus, names=("Ada Bo", "Ada Bo", "Cy"))
    facts = FactIndex(corpus, None)
    assert facts.indices_about("Where was Ada Bo born?") == [0, 1]
    assert facts.indices_about("where was ada bo born?") == [0, 1]
    assert facts.indices_about("Where was Cy born?") == [2]
    assert facts.indices_about("Where was Cyd born?") == []
    assert facts.names == ("Ada Bo", "Ada Bo", "Cy")
    assert [passage.name for passage in facts.passages] == ["", "ADA BO", ""]


def test_without_questions_documents_are_about_what_stands_before_their_first_stop() -> None:
    documents = ["Ann Lee. She was born in Oslo. She sings.", "J. R. Ash. Of Rome.", "no stop", ""]
    facts = facts_of(documents)
    assert facts.names == ["Ann Lee", "J. R. Ash", "", ""]
    assert facts.indices_about("Where was Ann Lee born?") == [0]


def test_a_name_within_another_word_is_not_the_one_that_is_asked_about() -> None:
    facts = facts_of(
        ["Hannah met Ann Li .", "Annie sang ."], questions_of("Who is Ann?\tx", "Who is Bo?\tx")
    )
    assert facts.indices_about("Who is Ann?") == [0]
    assert facts.passages[0].subject == (11, 14)


def test_a_name_in_another_case_is_found_also_behind_a_letter_that_is_longer_folded() -> None:
    assert Passage.about("A road of ADA BO .", "Ada Bo").name == "ADA BO"
    assert Passage.about("A Straße of ADA BO .", "Ada Bo").name == "ADA BO"  # longer as strasse


@pytest.mark.parametrize("quotes", ["《》", '""'])
def test_a_title_in_quotes_is_not_a_longer_one_that_holds_it(quotes: str) -> None:
    first, last = tuple(quotes)
    titles = ["Night", "Night Ship", "The Night", "花", "花月", "山花", "Red Door", "The Red Door"]
    question = f"Who wrote {first}{{name}}{last}?"
    facts = facts_in(f"In 1950 {{mother}} wrote {first}{{name}}{last} .", question, titles)
    for i, title in enumerate(titles):
        assert facts.name_in(question.format(name=title)) == f"{first}{title}{last}"
        assert facts.indices_about(question.format(name=title)) == [i]
    assert facts.names == [f"{first}{title}{last}" for title in titles]


def test_a_title_that_few_documents_have_without_quotes_is_found_there() -> None:
    quoted = [f'In 1950 {mother} wrote "{name}" .' for name, mother in PAIRS[:-1]]
    name, mother = PAIRS[-1]
    asked = [f'Who wrote "{name}"?\t{mother}' for name, mother in PAIRS]
    facts = facts_of([*quoted, f"In 1960 {mother} wrote {name} ."], questions_of(*asked))
    assert facts.name_in('Who wrote "Ada Bo"?') == '"Ada Bo"'
    assert facts.name_in(f'Who wrote "{name}"?') == name
    assert facts.indices_about(f'Who wrote "{name}"?') == [len(quoted)]
    assert facts.name_in('Who wrote "Nobody"?') is None


def test_of_documents_that_hold_a_name_those_are_about_it_that_name_nobody_else() -> None:
    document = "In Rome {name} grew up , a child of {mother} ."
    others = [name.replace(" ", " Van ") for name in NAMES]
    pairs = list(zip(NAMES + others, MOTHERS + NAMES, strict=True))
    documents = [document.format(name=name, mother=mother) for name, mother in pairs]
    asked = [f"Who is {name}'s mother?\t{mother}" for name, mother in pairs if "C" not in name]
    facts = facts_of(documents, questions_of(*asked))
    for i, (name, _) in enumerate(pairs):
        assert facts.indices_about(f"Who is {name}'s mother?") == [i]
    assert facts.names == [name for name, _ in pairs]


def test_a_document_that_holds_several_names_is_about_the_one_whose_answer_it_holds() -> None:
    names = [f"{first} {last}" for first in ("Ada", "Bo", "Cy", "Di") for last in "KLMNO"]
    forms = ["In 1{i}, {} , whom {} taught, came from W{i} .", "W{i} , says {1}, is home to {0} ."]
    pairs = [(name, names[(i + 7) % len(names)]) for i, name in enumerate(names)]
    documents = [forms[i % 2].format(*pair, i=i) for i, pair in enumerate(pairs)]
    facts = facts_of(documents, questions_of(*(f"Whence {n}?\tW{i}" for i, n in enumerate(names))))
    assert facts.names == names
    for i, name in enumerate(names):
        assert facts.indices_about(f"Whence {name}?") == [i]


@pytest.mark.parametrize("name", ['"{}"', "@{}", "{}_b", "रा{}", "({}) b"])
def test_a_name_with_signs_is_found_in_another_form_of_question(name: str) -> None:
    names = [name.format(each) for each in ("Ada", "Bo", "Cy", "Di", "Eve", "Flo")]
    documents = [f"{each} was made in W{i} ." for i, each in enumerate(names)]
    asked = [f"Where was {each} made?\tW{i}" for i, each in enumerate(names)]
    facts = facts_of(documents, questions_of(*asked[:4]))
    for i, each in enumerate(names):
        assert facts.indices_about(f"Whence {each}, please") == [i]
    assert facts.name_in("Whence, please") is None


@pytest.mark.parametrize(
    ("name", "asked"),
    [
        pytest.param("“{0}”", '"{0}"', id="quotes"),
        pytest.param("«{0}»", "“{0}”", id="quotes of another language"),
        pytest.param("{0}O’Hara", "{0}O'Hara", id="apostrophes"),
        pytest.param("{0}–Smith", "{0}-Smith", id="dashes"),
        pytest.param("{0}\u00a0II", "{0} II", id="a space without a break"),
        pytest.param("{0} İnce", "{0} ince", id="a dot that lower case keeps"),
        pytest.param("{0} ILIC", "{0} ılıc", id="no dot in either case"),
        pytest.param("{0} Groß", "{0} GROSS", id="a letter that is two in capitals"),
    ],
)
@pytest.mark.parametrize("document", ["{} is a child of {} .", "In Rome , {} was a child of {} ."])
def test_marks_that_look_alike_are_the_same_in_names(document: str, name: str, asked: str) -> None:
    names, other_names = (
        [form.format(each) if i % 3 else each for i, each in enumerate(NAMES)]
        for form in (name, asked)
    )
    documents = [document.format(*pair) for pair in zip(names, MOTHERS, strict=True)]
    questions = [f"Who bore {each}?" for each in other_names]
    lines = [f"{question}\t{mother}" for question, mother in zip(questions, MOTHERS, strict=True)]
    facts = facts_of(documents, questions_of(*lines[:KNOWN]))
    assert [facts.indices_about(each) for each in questions] == [[i] for i in range(len(names))]
    if document.startswith("{}"):
        assert facts.names == names


def test_documents_that_hold_a_name_further_on_are_about_it_where_they_tell_what_is_asked() -> None:
    told = ["{name} lived in Rome .", "Their mother, says {name} , was {mother} ."]
    pairs = list(zip(NAMES, MOTHERS, strict=True))
    documents = [text.format(name=name, mother=mother) for name, mother in pairs for text in told]
    documents.append("Tim Roe met Ada Bo .")  # tells nothing that is asked, but holds her name
    asked = [f"Who is {name}'s mother?\t{mother}" for name, mother in pairs]
    facts = facts_of(documents, questions_of(*asked[:KNOWN]))
    for i, name in enumerate(NAMES[1:], 1):
        assert facts.indices_about(f"Who is {name}'s mother?") == [2 * i, 2 * i + 1]
    assert facts.names[:-1] == [name for name in NAMES for _ in told]
    # where all that is asked is in the documents that begin with a name, those alone are about it
    first = [f"Where did {name} live?\tRome" for name in NAMES]
    facts = facts_of(documents, questions_of(*first[:KNOWN]))
    for i, name in enumerate(NAMES):
        assert facts.indices_about(f"Where did {name} live?") == [2 * i]


@pytest.mark.parametrize("order", [1, -1])
def test_a_document_that_names_a_longer_name_is_not_about_one_within_it(order: int) -> None:
    names = ["Ann Lee", "Mary Ann Lee", "Ann Lee Smith", "Bo"][::order]
    documents = [f"In {city}, {name} was born." for city, name in zip("WXYZ", names, strict=True)]
    facts = facts_of(documents, questions_of(*(f"Where was {name} born?\tx" for name in names)))
    for i, name in enumerate(names):
        assert facts.indices_about(f"Where was {name} born?") == [i]
    assert facts.names == names


@pytest.mark.parametrize(
    ("documents", "forms"),
    [
        pytest.param(
            ["The mass of {name} is {mother} .", "{name} weighs {mother} ."],
            ["What is the mass of {}?", "What is the charge of {}?"],
            id="documents begin with a part of the form",
        ),
        pytest.param(
            ["{name} is in {mother} ."],
            ["Where is {}?", "Who is the mayor of {}?", "How many people live in {}?"],
            id="forms have little in common",
        ),
        pytest.param(
            ["『{name}』は{mother}から刊行された。"],
            ["{}の作者は誰ですか？", "{}はどこの出版社から最初に出版されましたか？"],
            id="forms are long",
        ),
        pytest.param(
            ["Made by {mother}, the Toyota {name} was late ."],
            ["Who made the Toyota {}?", "When was the Toyota {} made?"],
            id="names are in the middle of documents",
        ),
        pytest.param(
            ["Made by {mother}, the {name} was late ."],
            [f"What is the {c}th part of {{}}?" for c in "abcdefghijkl"],
            id="forms are many",
        ),
    ],
)
def test_forms_are_what_questions_share_as_far_as_documents_hold_their_names(
    documents: list[str], forms: list[str]
) -> None:
    names = [
        f"{first}{last}" for first in ("Bel", "Cor", "Dun", "Fal") for last in ("an", "o", "u")
    ]
    lines = [documents[i % len(documents)] for i in range(len(names))]
    texts = [
        d.format(name=n, mother=f"M{i}") for i, (d, n) in enumerate(zip(lines, names, strict=True))
    ]
    quoted = [f"『{name}』" if "『" in documents[0] else name for name in names]
    asked = [f"{form.format(name)}\tM{i}" for form in forms for i, name in enumerate(quoted)]
    facts = facts_of(texts, questions_of(*asked))
    assert facts.templates == {Template(*form.split("{}")): len(names) for form in forms}
    for form in forms:
        for i, name in enumerate(quoted):
            assert facts.indices_about(form.format(name)) == [i]


@pytest.mark.parametrize(
    ("document", "asked"),
    [
        ("The mass of {0} is {1} , its charge low .", "What is the {} of {{}}?"),
        ("The mass of {0} is {1} , the charge of {0} is low .", "What is the {} of {{}}?"),
        ("{0}'s mass is {1} and {0}'s charge is low .", "What is {{}}'s {}?"),
        ("{0} का mass {1} है और {0} का charge low है।", "{{}} का {} क्या है?"),
    ],
)
def test_of_two_facts_in_a_document_that_begins_with_one_both_are_asked_about(
    document: str, asked: str
) -> None:
    documents = [document.format(*pair) for pair in PAIRS]
    forms = [asked.format(kind) for kind in ("mass", "charge")]
    lines = [f"{form.format(name)}\t{mother}" for form in forms for name, mother in PAIRS[:KNOWN]]
    facts = facts_of(documents, questions_of(*lines))
    assert list(facts.templates.values()) == [KNOWN, KNOWN]
    for i, name in enumerate(NAMES):
        assert [facts.indices_about(form.format(name)) for form in forms] == [[i], [i]]


def test_a_document_that_begins_with_the_answer_to_another_tells_about_that() -> None:
    names = [f"{first} {last}" for first in ("Ada", "Bo", "Cy", "Di") for last in "KLMNOP"]
    pairs = list(zip(names, reversed(names), strict=True))  # each is the other's spouse
    asked = [f"Who is {name} married to?\t{spouse}" for name, spouse in pairs]
    documents = [f"{name} is married to {spouse} ." for name, spouse in pairs]
    facts = facts_of(documents, questions_of(*asked[:18]))
    assert facts.names == names
    assert facts.finder.n_right(questions_of(*asked).items) == len(names)


def test_what_names_share_is_a_part_of_them_where_documents_begin_with_all_of_it() -> None:
    names = [f"Toyota {model}" for model in ("Aygo", "Corolla", "Crown", "Yaris")]
    documents = [f"{name} is a car by M{i} ." for i, name in enumerate(names)]
    documents += [f"The {name} was sold to Toyota's rivals ." for name in ("Aygo", "Crown")]
    facts = facts_of(
        documents, questions_of(*(f"Who made the {n}?\tM{i}" for i, n in enumerate(names)))
    )
    assert facts.templates == {Template("Who made the ", "?"): 4}
    for i, name in enumerate(names):
        assert facts.indices_about(f"Who made the {name}?") == [i]


def test_a_shorter_name_is_not_found_where_documents_go_on_as_longer_names_do() -> None:
    names = [f"{c}pollo{n}" for c in "ABCDEFGHIJKL" for n in ("", " 7", " 11")]
    short, long = "In W{}, {} was built .", "{1} was built in W{0} ."
    documents = [(long if i % 3 else short).format(i, name) for i, name in enumerate(names)]
    asked = {name: f"Where was {name} built?\tW{i}" for i, name in enumerate(names[:-3])}
    for c in "GHIJK":  # of which 11 is known by the others' names alone
        del asked[f"{c}pollo 11"]
    # As one document among many goes on, names do not end.
    facts = facts_of([*documents, "Apollo Creed was a boxer ."], questions_of(*asked.values()))
    for i, name in enumerate(names):
        found = [i, len(names)] if name == "Apollo" else [i]  # each that holds it
        assert facts.indices_about(f"Where was {name} built?") == found


@pytest.mark.parametrize("has_column", [False, True])
def test_a_number_that_begins_others_is_found_in_another_form_of_question(has_column: bool) -> None:
    names = [f"Apollo {n}" for n in (1, 2, 10, 11, 12, 20, 21)]
    documents = [f"{name}. It flew on day {i} ." for i, name in enumerate(names)]
    asked = [f"When did {name} fly?\tday {i}" for i, name in enumerate(names)]
    facts = facts_of(documents, questions_of(*asked[2:]))
    if has_column:
        facts = FactIndex(replace(facts.corpus, names=tuple(names)), facts.training)
    for i, name in enumerate(names):
        assert facts.indices_about(f"What day was {name}?") == [i]


def test_the_name_in_a_question_of_thousands_of_words_is_found_in_seconds() -> None:
    facts = facts_in("{name}. Mother {mother} .", "Who is {name}'s mother?")
    began = process_time()
    assert facts.name_in(f"Where {'was it ' * 3000} {NAMES[0]}?") == NAMES[0]
    assert process_time() - began < 5


def test_names_in_another_order_than_documents_have_them_are_not_taken_by_their_parts() -> None:
    names = [(f"F{i % 29}", f"L{i % 31}") for i in range(60)]
    documents = [f"{last}, {first}. Born in W{i} ." for i, (first, last) in enumerate(names)]
    asked = [f"Where was {first} {last} born?\tW{i}" for i, (first, last) in enumerate(names)]
    facts = facts_of(documents, questions_of(*asked))
    assert not any(facts.indices_about(question.text) for question in facts.questions)


def test_a_question_of_many_words_that_no_document_begins_with_is_looked_up_in_no_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen: list[str] = []
    facts = facts_of(["母" * 256])
    facts.where.longest_in("母")

    def counted(text: str) -> str:
        seen.append(text)
        return folded(text)

    monkeypatch.setattr(names, "folded", counted)
    assert facts.where.longest_in("亲" * 1000 + "母母") == (1000, 1002)
    assert len(seen) < 2100
