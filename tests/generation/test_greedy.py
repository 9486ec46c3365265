"""Greedy decoding with a cache writes what the textbook writes without one."""

import numpy as np
import pytest
import torch

from nanoknow.config.models import ModelConfig
from nanoknow.generation.greedy import ANSWERS_AT_ONCE
from nanoknow.models.registry import build_model
from nanoknow.tasks.question_answering import prompt_ids
from tests.helpers.decoding import (
    BLOCK,
    TOKENIZER,
    answers_of,
    decode,
    every_config,
    random_texts,
    scramble,
    twins,
    uncached_logits,
)
from tests.helpers.textbook_twins import CONFIGS, VOCAB
from tests.tools.textbook import textbook_greedy


@every_config
@pytest.mark.parametrize("max_new", [1, 7, 32])
def test_greedy_answers_equal_the_textbooks(config: ModelConfig, max_new: int) -> None:
    textbook, model = twins(config)
    # in float64 no rounding decides between two characters
    textbook, model = textbook.double(), model.double()
    texts = random_texts([*range(BLOCK), *range(BLOCK), 0, 5, 5])
    expected = []
    for text in texts:
        room = BLOCK - len(text)  # the block holds so many more, and what the last place says
        expected.append(textbook_greedy(textbook, TOKENIZER.characters, text, min(max_new, room)))
    found = decode(model, texts, max_new)
    assert answers_of(found) == expected
    if max_new == 32:
        stopped = [len(d.ids) for d in found if d.ids[-1] == TOKENIZER.mask_id]
        assert len(set(stopped)) >= 3  # rows left at different times
        assert len(set(expected)) >= 20


@every_config
def test_an_answer_ends_with_its_stop_the_limit_or_the_block(config: ModelConfig) -> None:
    _, model = twins(config)
    texts = random_texts([0, 3, 9, 15, 20, 22, 23] * 20, seed=3)
    ends = set()
    for text, found in zip(texts, decode(model, texts, 6), strict=True):
        most = min(6, BLOCK - len(text))
        assert 1 <= len(found.ids) <= most
        assert TOKENIZER.mask_id not in found.ids[:-1]
        stopped = found.ids[-1] == TOKENIZER.mask_id
        assert stopped or len(found.ids) == most
        ends.add("stop" if stopped else "limit" if most == 6 else "block")
    assert ends == {"stop", "limit", "block"}


@every_config
def test_questions_are_decoded_together_and_no_longer_than_the_longest_answer(
    config: ModelConfig,
) -> None:
    _, model = twins(config)
    calls: list[int] = []
    model.register_forward_hook(lambda *_: calls.append(1))
    decoded = decode(model, random_texts([1, 4, 9, 9, 12] * 10), 6)
    assert len(calls) == max(len(d.ids) for d in decoded)
    calls.clear()
    texts = random_texts([1, 4, 9, 9, 12] * 10)
    shortest = min(range(len(texts)), key=lambda i: len(decoded[i].ids))
    decode(model, [texts[shortest]], 32)
    assert len(calls) == len(decoded[shortest].ids) < 6


@every_config
def test_neither_order_nor_company_changes_an_answer(config: ModelConfig) -> None:
    _, model = twins(config)
    model = model.double()
    texts = random_texts([n % 20 for n in range(ANSWERS_AT_ONCE + 40)])
    order = np.random.default_rng(1).permutation(len(texts))
    found = decode(model, texts, 6)
    shuffled = decode(model, [texts[i] for i in order], 6)
    for place, i in enumerate(order):
        assert shuffled[place].ids == found[i].ids
        assert shuffled[place].log_probability == pytest.approx(found[i].log_probability, abs=1e-5)
    for i in (0, 7, 19, ANSWERS_AT_ONCE + 39):
        [alone] = decode(model, [texts[i]], 6)
        assert alone.ids == found[i].ids
        assert alone.log_probability == pytest.approx(found[i].log_probability, abs=1e-5)


@every_config
def test_log_probability_is_the_sum_over_what_was_written(config: ModelConfig) -> None:
    _, model = twins(config)
    texts = random_texts([0, 4, 9, 15, 22, 23])
    for text, found in zip(texts, decode(model, texts, 10), strict=True):
        prompt = prompt_ids(TOKENIZER, text)
        # the last character is written and never read
        whole = np.concatenate([prompt, np.array(found.ids[:-1], dtype=np.int64)])
        scores = uncached_logits(model, whole)[len(prompt) - 1 :].log_softmax(-1)
        expected = sum(float(row[i]) for row, i in zip(scores, found.ids, strict=True))
        assert found.log_probability == pytest.approx(expected, abs=1e-4)
        assert found.log_probability < 0


def test_nothing_is_decoded_from_no_prompts() -> None:
    assert decode(twins(CONFIGS[0])[1], [], 5) == []


def test_decoding_leaves_the_model_in_use_and_without_dropout() -> None:
    config = CONFIGS[0].model_copy(update={"dropout": 0.9})
    model = build_model(config, VOCAB, torch.Generator().manual_seed(0)).train()
    scramble(model, 0)
    texts = random_texts([5] * 4)
    first = decode(model, texts, 10)
    assert not model.training
    assert decode(model.train(), texts, 10) == first
