"""Questions answered, and whether an answer was right, known or made up."""

import string
from math import log

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from nanoknow.config.models import VanillaConfig
from nanoknow.config.tasks import QuestionAnsweringConfig
from nanoknow.data.questions import QuestionSet
from nanoknow.data.tokenizer import MASK, PAD, Tokenizer
from nanoknow.evaluation.answers import (
    KNOWN,
    NEAR,
    NOWHERE,
    OTHER,
    OWN,
    RIGHT,
    VERDICTS,
    Answer,
    answer_questions,
    count_verdicts,
    score_answers,
    split_by_facts,
)
from nanoknow.evaluation.scores import Score
from nanoknow.generation.decoding import decode_greedily
from nanoknow.models.base import CharacterModel
from nanoknow.models.registry import build_model
from nanoknow.system.plain import plain
from nanoknow.tasks.question_answering import QuestionAnswering, answer_text
from tests.helpers.decoding import scramble
from tests.helpers.questions import asked, born, facts_of, questions_of, said

TOKENIZER = Tokenizer(PAD + MASK + string.ascii_letters + " ?.")
CONFIG = VanillaConfig(n_layers=2, n_heads=2, d_model=16, block_size=48, dropout=0.0)
NAMES = ["Ada", "Bo", "Cleo", "Dan", "Eve", "Finn", "Gus", "Hal"]


QUESTIONS = questions_of(*map(born, NAMES))


def with_gold(*gold: str) -> QuestionSet:
    return asked(*zip(NAMES, gold, strict=True))


def task_on(questions: QuestionSet) -> QuestionAnswering:
    return QuestionAnswering(questions, TOKENIZER, QuestionAnsweringConfig(max_answer_length=6), 48)


@pytest.fixture(scope="module")
def model() -> CharacterModel:
    """A model that answers nonsense, but each question with its own."""
    made = build_model(CONFIG, len(TOKENIZER), torch.Generator().manual_seed(0))
    scramble(made, 5)
    return made


@pytest.fixture(scope="module")
def written(model: CharacterModel) -> list[str]:
    """What it answers."""
    decoded = decode_greedily(model, task_on(QUESTIONS).prompts, TOKENIZER.mask_id, 6)
    answers = [answer_text(TOKENIZER, d.ids) for d in decoded]
    assert len(set(answers)) == 8
    assert all(answer.strip() == answer != "" for answer in answers)
    return answers


def test_questions_are_answered_in_their_order(model: CharacterModel, written: list[str]) -> None:
    answers = answer_questions(model, task_on(QUESTIONS))
    assert [a.question for a in answers] == [born(name) for name in NAMES]
    assert [a.answer for a in answers] == written
    assert all(a.log_probability < 0 for a in answers)
    assert {(a.gold, a.verdict, a.in_document, a.seen_in_training) for a in answers} == {
        ((), None, None, None)
    }
    assert score_answers(answers) == Score(0, 8)


def test_right_answers_are_those_equal_to_gold(model: CharacterModel, written: list[str]) -> None:
    gold = (*written[:3], *(answer + "x" for answer in written[3:]))
    answers = answer_questions(model, task_on(with_gold(*gold)))
    assert score_answers(answers) == Score(3, 8)
    assert [a.is_right for a in answers] == [True] * 3 + [False] * 5
    assert [a.verdict for a in answers] == [RIGHT] * 3 + [None] * 5


@pytest.mark.parametrize("answer", ["london", "London ", "", "Lond", "New London"])
def test_only_an_exact_answer_is_right_and_any_accepted_one(answer: str) -> None:
    gold = ("Londinium", "London")
    assert [said(one, *gold).is_right for one in (*gold, answer)] == [True, True, False]


def test_wrong_answers_are_known_or_found_nowhere(
    model: CharacterModel, written: list[str]
) -> None:
    documents = [
        f"Zed. Lived in {written[1]}, it seems.",
        f"Yan. x{written[2]}x",
        f"{NAMES[4]}. Of {written[4]}.",
    ]
    facts = facts_of(documents, asked(("Xi", written[3]), ("Yu", "Rome")))
    questions = with_gold(written[0], *["Bergamo"] * 7)
    answers = answer_questions(model, task_on(questions), facts)
    # right; a whole word of the text; only part of a word; a training answer; a whole word of the
    # subject's own document; nowhere
    expected = [RIGHT, OTHER, NOWHERE, KNOWN, OWN, *[NOWHERE] * 3]
    assert [a.verdict for a in answers] == expected
    counts = {RIGHT: 1, NEAR: 0, OWN: 1, KNOWN: 1, OTHER: 1, NOWHERE: 4}
    assert count_verdicts(answers) == counts


def test_facts_tell_where_the_gold_answer_stands(model: CharacterModel) -> None:
    documents = ["Ada. Born in Rome.", "Bo. Born in Oslo.", "Cleo. A poet.", "Dan. Lima it was."]
    task = task_on(with_gold("Rome", "Rome", "Oslo", "Lima", *["Bern"] * 4))
    training = asked(("Xi", "Rome"), ("Yu", "Bern"))
    answers = answer_questions(model, task, facts_of(documents, training))
    assert [a.in_document for a in answers] == [True, False, False, True, *[False] * 4]
    assert [a.seen_in_training for a in answers] == [True, True, False, False, *[True] * 4]
    several = questions_of('{"question": "Ada?", "answers": ["Rom", "Rome"]}')
    [answer] = answer_questions(model, task_on(several), facts_of(documents, training))
    assert (answer.in_document, answer.seen_in_training) == (True, True)
    unasked = answer_questions(model, task, facts_of(documents))
    assert {a.seen_in_training for a in unasked} == {None}
    assert [a.in_document for a in unasked] == [a.in_document for a in answers]


def test_an_answer_names_the_characters_it_had_to_leave_out(model: CharacterModel) -> None:
    questions = questions_of(born("Zoë"), born("Zo"), "日本")
    answers = answer_questions(model, task_on(questions))
    assert [a.left_out for a in answers] == ["ë", "", "日本"]
    assert answers[0].answer == answers[1].answer


def made_answer(verdict: str, in_document: bool, seen: bool) -> Answer:
    answer = "Rome" if verdict == RIGHT else "Oslo"
    return said(answer, "Rome", verdict=verdict, in_document=in_document, seen=seen)


@given(
    rows=st.lists(st.tuples(st.sampled_from(VERDICTS), st.booleans(), st.booleans()), max_size=60)
)
def test_splits_add_up_to_all_answers(rows: list[tuple[str, bool, bool]]) -> None:
    answers = [made_answer(*row) for row in rows]
    splits = split_by_facts(answers)
    places = [(split.in_document, split.seen_in_training) for split in splits]
    assert sorted(places) == [(False, False), (False, True), (True, False), (True, True)]
    assert sum(split.n for split in splits) == len(rows)
    assert sum(split.n_right for split in splits) == sum(a.is_right for a in answers)
    for split, place in zip(splits, places, strict=True):
        here = [row for row in rows if row[1:] == place]
        assert split.n == len(here) == sum(split.verdicts.values())
        assert split.n_right == split.verdicts[RIGHT] == [row[0] for row in here].count(RIGHT)
    assert count_verdicts(answers) == {
        verdict: sum(split.verdicts[verdict] for split in splits) for verdict in VERDICTS
    }


def test_an_answer_turns_into_plain_values() -> None:
    assert plain(made_answer(RIGHT, in_document=True, seen=False)) == {
        "question": "Where?",
        "gold": ["Rome"],
        "answer": "Rome",
        "log_probability": log(0.5),
        "verdict": "right",
        "in_document": True,
        "seen_in_training": False,
        "left_out": "",
    }
