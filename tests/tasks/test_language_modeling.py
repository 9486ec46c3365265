"""Language modelling cuts a text into every window that the stride allows."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from nanoknow.config.tasks import LanguageModelingConfig
from nanoknow.errors import DataError
from nanoknow.tasks.language_modeling import LanguageModeling
from tests.helpers.texts import corpus_of, tokenizer_of


def task_on(text: str, block_size: int, stride: int = 1) -> LanguageModeling:
    tokenizer = tokenizer_of(text, specials=False)
    corpus = corpus_of(text, "play.txt")
    return LanguageModeling(corpus, tokenizer, LanguageModelingConfig(stride=stride), block_size)


def windows_of(task: LanguageModeling, text: str, indices: torch.Tensor) -> list[tuple[str, str]]:
    tokenizer = tokenizer_of(text, specials=False)
    batch = task.batch(indices, torch.Generator())
    [xs] = batch.layout.rectangles(batch.tokens)
    [ys] = batch.layout.rectangles(batch.targets)
    return [
        (tokenizer.decode(x), tokenizer.decode(y))
        for x, y in zip(xs.tolist(), ys.tolist(), strict=True)
    ]


@given(
    text=st.text("abc\nd", min_size=9, max_size=60),
    block_size=st.integers(8, 40),
    stride=st.integers(1, 12),
)
def test_windows_are_those_a_loop_over_the_text_finds(
    text: str, block_size: int, stride: int
) -> None:
    expected = [
        (text[i : i + block_size], text[i + 1 : i + 1 + block_size])
        for i in range(0, len(text) - block_size, stride)
    ]
    if not expected:
        with pytest.raises(DataError, match=r"^play\.txt: "):
            task_on(text, block_size, stride)
        return
    task = task_on(text, block_size, stride)
    assert task.n_examples == len(expected)
    assert windows_of(task, text, torch.arange(task.n_examples)) == expected


def test_there_is_a_window_at_every_offset() -> None:
    text = "To be, or not to be, that is the question"
    task = task_on(text, 8)
    assert task.n_examples == len(text) - 8
    assert task.tokens_per_example == 8
    assert windows_of(task, text, torch.tensor([0, 3])) == [
        ("To be, o", "o be, or"),
        ("be, or n", "e, or no"),
    ]
    [(_, last)] = windows_of(task, text, torch.tensor([task.n_examples - 1]))
    assert last == text[-8:]


@pytest.mark.parametrize("length", [1, 7, 8])
def test_a_text_without_a_window_and_its_next_character_is_refused(length: int) -> None:
    with pytest.raises(DataError, match=rf"^play\.txt: {length} characters .* block_size 8 "):
        task_on("a" * length, 8)


def test_the_shortest_text_has_one_window() -> None:
    assert task_on("abcdefghi", 8).n_examples == 1
    assert windows_of(task_on("abcdefghi", 8), "abcdefghi", torch.tensor([0])) == [
        ("abcdefgh", "bcdefghi")
    ]


def test_the_original_text_has_1_115_266_windows_of_128() -> None:
    assert task_on("ab" * (1_115_394 // 2), 128).n_examples == 1_115_266
