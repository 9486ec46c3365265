"""Which spans answer questions is learned from others: of any case, script and length, of any form
of question, and what a ranker is worth is counted on questions that it has not seen."""

import random
from dataclasses import replace
from pathlib import Path

import pytest

from nanoknow.data.corpus import read_corpus
from nanoknow.data.questions import Question, read_questions
from nanoknow.facts.index import AnswerFinder, FactIndex
from nanoknow.facts.ranker import Lesson, Ranker
from nanoknow.facts.spans import Passage, Spans, Words
from tests.helpers.questions import facts_of, questions_of

N, TAUGHT = 60, 30
"""Subjects, and those of them whose questions teach."""
NAMES = [f"{a} {b}" for a in ("Ada", "Bo", "Cy", "Di", "Eve", "Flo") for b in "QRSTUVWXYZ"]


def drawn(*values: str, seed: int = 0) -> list[str]:
    """Return as many as there are subjects, the first of them early."""
    rng = random.Random(seed)
    return [rng.choice(values) for _ in range(N)]


def numbered(form: str) -> list[str]:
    """Return different ones, of which no lesson holds those that are asked later."""
    return [form.format(i + 1, i % 28 + 1, 1801 + 3 * i) for i in range(N)]


JOBS = ("baker", "smith", "singer", "night watchman", "member of the crew")
HOBBIES = ("chess", "golf", "tennis", "poker")
TOWNS = drawn("Rome", "Oslo", "Bern", "Riga")
ENGLISH = "{name} of {town} was {article} {answer} who liked {other} and slept in {town} ."
CASES: dict[str, tuple[str, list[str], list[str]]] = {
    "words in lower case": (ENGLISH, drawn(*JOBS), drawn(*HOBBIES, seed=1)),
    "words in capitals": (ENGLISH, drawn(*map(str.title, JOBS)), drawn(*HOBBIES, seed=1)),
    "unseen words": (ENGLISH, numbered("maker of no{0}s"), numbered("thing{0}")),
    "dates": (
        "{name} ({answer} – {other}) was a poet of {town} .",
        numbered("{1} May {2}"),
        numbered("{1} June {2}"),
    ),
    "digits": ("{name} has {answer} legs and {other} eyes .", numbered("{0}"), numbered("{2}")),
    "decimals": ("{name} weighs {answer} kg, or {other} .", numbered("{0},{2}.5"), numbered("{2}")),
    "Chinese": (
        "{name}是一位{answer}，喜欢{other}。{town}人也。",
        drawn("面包师", "歌手", "铁匠", "守夜人"),
        drawn("象棋", "网球", seed=1),
    ),
    "Arabic": (
        "{name} ولد في {answer} وعاش في {other} .",
        drawn("بغداد", "القاهرة", "الدار البيضاء"),
        drawn("دمشق", "بغداد", "مكة", seed=1),
    ),
}


def world(kind: str) -> tuple[FactIndex, tuple[Question, ...]]:
    """Return documents of a kind with the questions that teach, and those that are asked."""
    form, answers, others = CASES[kind]
    documents = [
        form.format(name=n, answer=a, other=o, town=town, article="a")
        for n, a, o, town in zip(NAMES, answers, others, TOWNS, strict=True)
    ]
    lines = [f"What of {name}?\t{answer}" for name, answer in zip(NAMES, answers, strict=True)]
    order = random.Random(2).sample(range(N), N)
    taught, asked = ([lines[i] for i in part] for part in (order[:TAUGHT], order[TAUGHT:]))
    return facts_of(documents, questions_of(*taught)), questions_of(*asked).items


def n_right(finder: AnswerFinder, asked: tuple[Question, ...]) -> int:
    found = finder.answers([question.text for question in asked])
    return sum(said in q.gold for said, q in zip(found, asked, strict=True))


@pytest.mark.parametrize("kind", [kind for kind in CASES if "capitals" not in kind])
def test_answers_of_any_kind_are_found_in_documents_that_taught_nothing(kind: str) -> None:
    facts, asked = world(kind)
    if "unseen" in kind:
        assert not any(set(question.gold) & set(facts.answer_counts) for question in asked)
    assert n_right(facts.finder, asked) >= len(asked) - 1


def test_worlds_that_differ_in_upper_and_lower_case_alone_rank_alike() -> None:
    capitals, lower = (world(f"words in {case}")[0] for case in ("capitals", "lower case"))
    ranked = [facts.finder.spans(4) for facts in (capitals, lower)]
    for i, (one, other) in enumerate(zip(*ranked, strict=True)):
        first, second = (
            facts.corpus.documents[i][spans[0].start : spans[0].end]
            for facts, spans in ((capitals, one), (lower, other))
        )
        assert first.lower() == second.lower()
        assert one[0].probability == pytest.approx(other[0].probability, abs=0.1)


def test_forms_of_question_in_one_corpus_find_their_own_answers() -> None:
    jobs, places = drawn(*JOBS), drawn("Rome", "New York", "Lima", seed=3)
    documents = [
        f"{name} was {job} in {place} ." if i % 2 else f"Of {place} was {name}, by trade {job} ."
        for i, (name, job, place) in enumerate(zip(NAMES, jobs, places, strict=True))
    ]
    asked = [f"What was {name}?\t{job}" for name, job in zip(NAMES, jobs, strict=True)]
    asked += [f"Where was {name} born?\t{at}" for name, at in zip(NAMES, places, strict=True)]
    taught = [line for i, line in enumerate(asked) if i % N < TAUGHT]
    others = questions_of(*(line for i, line in enumerate(asked) if i % N >= TAUGHT)).items
    finder = facts_of(documents, questions_of(*taught)).finder
    assert {finder.form_of(question.text) for question in others} == {0, 1}
    assert n_right(finder, others) >= len(others) - 2
    for spans, document in zip(finder.spans(2), documents, strict=True):
        said = {document[span.start : span.end]: span.form for span in spans}
        assert len(said) == 2, document
        assert set(said.values()) == {0, 1}


def test_of_several_documents_about_somebody_the_one_that_says_it_answers() -> None:
    jobs, places = drawn(*JOBS), drawn("Rome", "New York", "Lima", seed=3)
    documents = [f"{name} was {job} ." for name, job in zip(NAMES, jobs, strict=True)]
    documents += [f"Of {at} was {name} ." for name, at in zip(NAMES, places, strict=True)]
    asked = [f"What was {name}?\t{job}" for name, job in zip(NAMES, jobs, strict=True)]
    asked += [f"Where was {name} born?\t{at}" for name, at in zip(NAMES, places, strict=True)]
    taught = [line for i, line in enumerate(asked) if i % N < TAUGHT]
    others = questions_of(*(line for i, line in enumerate(asked) if i % N >= TAUGHT)).items
    facts = facts_of(documents, questions_of(*taught))
    assert all(len(facts.indices_about(question.text)) == 2 for question in others)
    assert n_right(facts.finder, others) >= len(others) - 1


def test_the_probabilities_of_a_form_are_shares_and_the_best_comes_first() -> None:
    facts, _ = world("Chinese")
    for spans in facts.finder.spans(10**6):
        shares = [span.probability for span in spans]
        assert shares == sorted(shares, reverse=True)
        assert sum(shares) == pytest.approx(1, abs=1e-3)
        assert len({(span.start, span.end) for span in spans}) == len(spans)


@pytest.mark.slow
def test_what_a_ranker_is_worth_is_counted_on_questions_that_did_not_teach_it() -> None:
    """Of two unknown words which is the answer is chance: only who was taught it knows it."""
    rng = random.Random(4)
    documents, lines = [], []
    for i, name in enumerate(NAMES):
        answer, other = ("".join(rng.choices("abcdefgh", k=8)) for _ in range(2))
        answer = answer if i % 2 else ("red", "blue")[i % 4 // 2]  # so known answers prove right
        documents.append(f"{name} : {' or '.join(rng.sample([answer, other], 2))} .")
        lines.append(f"What of {name}?\t{answer}")
    for repeat in (1, 2):  # asked again, a question is still one of the same subject
        training = questions_of(*(line for line in lines for _ in range(repeat)))
        finder = facts_of(documents, training).finder
        n = len(training.items)
        assert n_right(finder, training.items) >= 0.95 * n
        right, asked = finder.cross_validated
        assert asked == n
        assert 0.5 * n <= right <= 0.9 * n


def test_what_a_ranker_is_worth_is_counted_alike_where_kinds_of_questions_take_turns() -> None:
    forms = {"{} is in {} .": "Where is {}?", "{} by {} .": "Who made {}?", "{}: {} .": "Why {}?"}
    pairs = list(zip(NAMES, (f"W{i}" for i in range(N)), strict=True))
    kinds = list(forms.items()) * (N // len(forms))
    documents = [text.format(*pair) for (text, _), pair in zip(kinds, pairs, strict=True)]
    lines = [f"{ask.format(n)}\t{a}" for (_, ask), (n, a) in zip(kinds, pairs, strict=True)]
    assert facts_of(documents, questions_of(*lines)).finder.cross_validated == (N, N)


def test_questions_whose_answer_no_document_holds_are_not_counted() -> None:
    facts, _ = world("dates")
    assert facts.training is not None
    lost = questions_of("What of Nobody?\tOslo", "What of Ada Q?\tOslo").items
    training = replace(facts.training, items=(*facts.training.items, *lost))
    finder = FactIndex(facts.corpus, training).finder
    right, n = finder.cross_validated
    assert n == TAUGHT
    assert right >= n - 2
    assert finder.answers([lost[0].text]) == [None]


@pytest.mark.parametrize(
    ("text", "is_within"), [("{0} . {2} of {1} .", False), ("{0} . {2} of old .", True)]
)
def test_an_answer_is_looked_for_within_the_name_only_where_it_is_nowhere_else(
    text: str, is_within: bool
) -> None:
    towns = drawn("Rome", "Oslo", "Bern", "Riga")[:20]
    names = [f"{name} {town}" for name, town in zip(NAMES, towns, strict=False)]
    pairs = enumerate(zip(names, towns, strict=True))
    documents = [text.format(*pair, "so it is said " * (i % 2)) for i, pair in pairs]
    lines = [f"Where is {name}?\t{town}" for name, town in zip(names, towns, strict=True)]
    facts = facts_of(documents, questions_of(*lines))
    found = zip(facts.finder.spans(1), documents, names, towns, strict=True)
    for [span], document, name, town in found:
        assert document[span.start : span.end] == town
        assert (span.start < len(name)) == is_within
        assert span.probability > 0.8


def test_spans_of_many_words_stay_within_their_passage() -> None:
    words = Words.of([Passage("one of us", (0, 0)), Passage("two", (0, 0))])
    spans = Spans.of(words, 30, (-30, 30), frozenset())
    assert len(spans.first) == 6 + 1
    assert words.passage[spans.first].tolist() == words.passage[spans.last].tolist()


def test_without_a_document_that_holds_its_answer_there_is_no_ranker() -> None:
    facts = facts_of(["Ada . A poet .", "Bo . A cook ."], questions_of("Who?\tOslo"))
    finder = facts.finder
    assert finder.ranker is None
    assert finder.spans(3) == [[], []]
    assert finder.answers(["Who?"]) == [None]
    assert finder.cross_validated == (0, 0)


@pytest.mark.real_data
def test_of_the_published_makers_98_percent_are_found(real_data: Path) -> None:
    folder = real_data / "facts" / "makers"
    facts = FactIndex(read_corpus(folder / "corpus.txt"), read_questions(folder / "train.tsv"))
    dev = read_questions(folder / "dev.tsv").items
    held = tuple(question for question in dev if facts.in_documents(question))
    assert len(held) >= 300
    assert n_right(facts.finder, held) >= 0.98 * len(held)


@pytest.mark.parametrize(("most", "read"), [(1_000_000, TAUGHT), (5 * TAUGHT, 5)])
def test_of_lessons_with_more_text_than_can_be_read_some_from_everywhere_teach(
    most: int, read: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One line of text that every question is about would else be read for each of them."""
    monkeypatch.setattr("nanoknow.facts.ranker.MOST_READ", most)
    answers = [f"{i} legs" for i in range(TAUGHT)]
    lessons = [Lesson(Passage.about(f"{answer:26}.", ""), 0, (answer,)) for answer in answers]
    ranker = Ranker.taught(lessons)
    assert ranker is not None
    assert set(ranker.counts) == set(answers[:: TAUGHT // read])
