"""Questions become the original's examples; what does not fit is refused with its line."""

from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from nanoknow.config.tasks import QuestionAnsweringConfig
from nanoknow.data.batch import IGNORE, Batch
from nanoknow.data.corpus import read_corpus
from nanoknow.data.questions import QuestionSet, questions_from_bytes, read_questions
from nanoknow.data.tokenizer import MASK, PAD, Tokenizer
from nanoknow.errors import DataError
from nanoknow.tasks.question_answering import QuestionAnswering, answer_text, fitting, prompt_ids
from tests.helpers.refused import refused
from tests.helpers.texts import tokenizer_of
from tests.tools.textbook import textbook_question

ALPHABET = "Where was Kblongi LnrtdsuPé?"
TOKENIZER = tokenizer_of(ALPHABET, specials=True)
WORDS = st.text("Wheras onLdéK", min_size=1, max_size=14).map(str.strip).filter(bool)


def task_on(raw: str, block_size: int = 64, tokenizer: Tokenizer = TOKENIZER) -> QuestionAnswering:
    questions = questions_from_bytes(raw.encode(), "q.tsv")
    return QuestionAnswering(questions, tokenizer, QuestionAnsweringConfig(), block_size)


def strings_of(task: QuestionAnswering, batch: Batch) -> list[tuple[str, str]]:
    """Return each example's x and y as the original printed them, padded to the block.

    The last mask is never an input that carries loss: a batch may leave it out of x.
    """
    width = task.tokens_per_example
    strings = []
    tokens = batch.layout.rectangles(batch.tokens)
    targets = batch.layout.rectangles(batch.targets)
    for xs, ys in zip(tokens, targets, strict=True):
        for x, y in zip(xs, ys.masked_fill(ys == IGNORE, task.tokenizer.pad_id), strict=True):
            x_text, y_text = (task.tokenizer.decode(row.tolist()).rstrip(PAD) for row in (x, y))
            whole = x_text[: len(y_text)] + y_text[-1]
            assert x_text in (whole, whole[:-1])
            strings.append((whole.ljust(width, PAD)[:width], y_text.ljust(width, PAD)))
    return strings


def all_strings(task: QuestionAnswering) -> list[tuple[str, str]]:
    return strings_of(task, task.batch(torch.arange(task.n_examples), torch.Generator()))


def test_an_example_prints_as_the_originals_data_view_does() -> None:
    text = "Where was Khatchig Mouradian born?\tLebanon\n"
    task = task_on(text, 128, tokenizer_of(text, specials=True))
    [(x, y)] = all_strings(task)
    assert x == "Where was Khatchig Mouradian born?⁇Lebanon⁇".ljust(127, PAD)
    assert y == (PAD * 33 + "⁇Lebanon⁇").ljust(127, PAD)


@given(pairs=st.lists(st.tuples(WORDS, WORDS), min_size=1, max_size=40))
def test_examples_equal_the_textbooks(pairs: list[tuple[str, str]]) -> None:
    task = task_on("".join(f"{question}\t{place}\n" for question, place in pairs), 31)
    expected = [textbook_question(question, place, 31) for question, place in pairs]
    assert sorted(all_strings(task)) == sorted(expected)
    assert task.n_examples == len(pairs)
    assert task.tokens_per_example == 30
    assert task.notes == []


def test_the_first_target_is_the_mask_after_the_question() -> None:
    task = task_on("Where?\tLondon\n")
    batch = task.batch(torch.tensor([0]), torch.Generator())
    carrying = torch.nonzero(batch.targets != IGNORE).flatten()
    first = int(carrying[0])
    assert task.tokenizer.decode([int(batch.tokens[first])]) == "?"
    assert task.tokenizer.decode([int(batch.targets[first])]) == MASK
    assert task.tokenizer.decode(batch.targets[carrying].tolist()) == "⁇London⁇"


def test_a_batch_holds_the_chosen_questions_alone() -> None:
    task = task_on("Where K?\tLondon\nWhere n?\tParis\nWhere s?\tLeeds\n")
    batch = task.batch(torch.tensor([2, 0, 2]), torch.Generator())
    expected = [textbook_question("Where s?", "Leeds", 64)] * 2
    expected.append(textbook_question("Where K?", "London", 64))
    assert sorted(strings_of(task, batch)) == sorted(expected)


def test_a_pair_that_fills_the_block_exactly_is_taken() -> None:
    raw = "Where?\tLondon\n"  # 6 + 1 + 6 + 1 characters
    [(x, y)] = all_strings(task_on(raw, 14))
    assert (x, y) == textbook_question("Where?", "London", 14)
    assert y.endswith(MASK)


def test_a_pair_longer_than_the_block_is_refused_with_its_file_and_line() -> None:
    raw = "Where?\tLeeds\nWhere?\tLondon\n"
    assert refused(DataError, lambda: task_on(raw, 13)) == (
        "q.tsv:2: 1 of 2 questions are longer than the model's block_size of 13: with answer and "
        "marks they take up to 14 characters (line 2): leave them out with --skip-long, or train "
        "a model with model.block_size=14"
    )


def test_pairs_longer_than_the_block_are_listed_together_or_left_out_and_counted() -> None:
    lengths = [3, 9, 5, 8, 9, 30]
    raw = "".join(f"{'n' * n}?\tLo\n" for n in lengths)
    message = refused(DataError, lambda: task_on(raw, 12))
    assert message.startswith("q.tsv:2: 4 of 6 questions are longer than the model's block_size")
    assert "up to 35 characters (lines 2, 4, 5, …)" in message
    assert message.endswith("model.block_size=35")
    three = "".join(raw.splitlines(keepends=True)[:5])
    assert "(lines 2, 4, 5): " in refused(DataError, lambda: task_on(three, 12))
    assert task_on(raw, 35).n_examples == 6
    kept = fitting(questions_from_bytes(raw.encode(), "q.tsv"), TOKENIZER, 12, skip_long=True)
    assert [question.line for question in kept.items] == [1, 3]
    assert [question.line for question in kept.skipped] == [2, 4, 5, 6]
    assert fitting(kept, TOKENIZER, 12, skip_long=False) == kept
    task = QuestionAnswering(kept, TOKENIZER, QuestionAnsweringConfig(), 12)
    assert task.notes == ["q.tsv: 4 of 6 questions left out: longer than a block"]
    none_fit = refused(DataError, lambda: fitting(kept, TOKENIZER, 4, skip_long=True))
    assert "2 of 2 questions" in none_fit
    assert "--skip-long" not in none_fit


def test_unknown_characters_are_left_out_counted_and_named() -> None:
    task = task_on("Wher→e?\tLon日don\nWhere→?\tP→ari→s\n")
    strings = sorted(all_strings(task))
    expected = [textbook_question("Where?", "London", 64), textbook_question("Where?", "Paris", 64)]
    assert strings == sorted(expected)
    assert task.unknown == {"→": 4, "日": 1}
    assert task.notes == [
        "q.tsv: left out 5 characters that the vocabulary does not hold (2 in questions, 3 in "
        "answers): '→' (U+2192), '日' (U+65E5)",
        "q.tsv: 2 of 2 answers cannot be given exactly: characters outside the vocabulary, or more "
        "than 8",
    ]


def test_an_answer_is_out_of_reach_by_its_characters_or_its_length() -> None:
    config = QuestionAnsweringConfig(max_answer_length=32)

    def unreachable(raw: str) -> int:
        questions = questions_from_bytes(raw.encode(), "q.tsv")
        return QuestionAnswering(questions, TOKENIZER, config, 128).unreachable

    assert unreachable(f"Where?\t{'L' * 32}\n") == 0
    assert unreachable(f"Where?\t{'L' * 33}\nWh→?\tL\nWh?\tL→\n") == 2


@pytest.mark.parametrize(("longest", "limit"), [(1, 8), (6, 8), (8, 10), (32, 40)])
def test_the_length_of_answers_is_that_of_the_training_answers_and_a_quarter(
    longest: int, limit: int
) -> None:
    assert task_on(f"Where?\tL\nWho?\t{'n' * longest}\n", 128).max_answer_length == limit


def test_a_question_of_unknown_characters_alone_is_asked_with_nothing_but_the_mask() -> None:
    task = task_on("日本\tLondon\nWhere?\tLeeds\n")
    assert [task.tokenizer.decode(p) for p in task.prompts] == [MASK, "Where?⁇"]
    pairs = all_strings(task)
    # with no question before it, the mask is the first input and the answer the first target
    assert ("⁇London⁇".ljust(63, PAD), "London⁇".ljust(63, PAD)) in pairs
    assert textbook_question("Where?", "Leeds", 64) in pairs
    alone = task_on("日本\n")
    assert [task.tokenizer.decode(p) for p in alone.prompts] == [MASK]


def test_questions_without_answers_can_be_asked() -> None:
    task = task_on("Where was K?\nWhere was L?\nWh→ere?\n")
    assert not task.questions.answered
    prompts = [task.tokenizer.decode(prompt) for prompt in task.prompts]
    assert prompts == ["Where was K?⁇", "Where was L?⁇", "Where?⁇"]
    assert task.unknown == {"→": 1}


def test_a_question_without_an_answer_may_fill_the_block_but_for_its_marks() -> None:
    assert task_on("Where?\n", 8).n_examples == 1
    with pytest.raises(DataError, match=r"^q\.tsv:1: "):
        task_on("Where?\n", 7)


def test_prompts_are_the_question_and_the_mask() -> None:
    ids = prompt_ids(TOKENIZER, "Where→?")
    assert TOKENIZER.decode(ids) == "Where?⁇"
    assert int(ids[-1]) == TOKENIZER.mask_id


@pytest.mark.parametrize(
    ("decoded", "answer"),
    [("London⁇", "London"), ("London", "London"), ("⁇", ""), ("Lon⁇don⁇", "Lon"), ("", "")],
)
def test_the_answer_is_what_stands_before_the_first_mask(decoded: str, answer: str) -> None:
    ids = [TOKENIZER.characters.index(character) for character in decoded]
    assert answer_text(TOKENIZER, ids) == answer


def test_longer_blocks_only_add_padding() -> None:
    raw = "Where was K?\tLondon\nWhere?\tParis\n"
    short, long = task_on(raw, 30), task_on(raw, 64)
    for task in (short, long):
        # nothing is computed for the padding: the batch ends with the longest example
        batch = task.batch(torch.arange(2), torch.Generator())
        assert max(group.length for group in batch.layout.groups) == 19
    assert (short.tokens_per_example, long.tokens_per_example) == (29, 63)


def test_an_empty_answer_among_unknown_characters_is_the_mask_alone() -> None:
    questions: QuestionSet = questions_from_bytes("Where?\t日本\n".encode(), "q.tsv")
    task = QuestionAnswering(questions, TOKENIZER, QuestionAnsweringConfig(), 64)
    assert all_strings(task) == [textbook_question("Where?", "", 64)]


@pytest.mark.real_data
@pytest.mark.parametrize(
    ("name", "n", "answered"),
    [
        ("birth_places_train.tsv", 2000, True),
        ("birth_dev.tsv", 500, True),
        ("birth_test_inputs.tsv", 437, False),
    ],
)
def test_the_original_questions_all_fit_and_are_all_known(
    name: str, n: int, answered: bool, real_data: Path
) -> None:
    folder = real_data / "birthplaces"
    tokenizer = Tokenizer.from_corpus(read_corpus(folder / "wiki.txt"), specials=True)
    questions = read_questions(folder / name)
    task = QuestionAnswering(questions, tokenizer, QuestionAnsweringConfig(), 128)
    assert (task.n_examples, questions.answered, task.unknown) == (n, answered, {})
    pairs = [(q.text, q.answer or "") for q in questions.items]
    expected = [textbook_question(question, place, 128) for question, place in pairs]
    assert sorted(all_strings(task)) == sorted(expected)
