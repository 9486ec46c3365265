"""Greedy decoding writes what the textbook writes, and the beam search finds the best answers."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from nanoknow.config.models import ModelConfig
from nanoknow.data.batch import Group, Layout
from nanoknow.data.tokenizer import Ids
from nanoknow.generation.beam import search_beams
from nanoknow.generation.decoding import ANSWERS_AT_ONCE, decode_at_random, decode_greedily
from nanoknow.models.base import CharacterModel
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
    scrambled,
    twins,
    uncached_logits,
)
from tests.helpers.examples import examples
from tests.helpers.textbook_twins import CONFIGS, VOCAB
from tests.tools.textbook import textbook_greedy

STOP = TOKENIZER.mask_id


@pytest.mark.slow
@every_config
def test_greedy_answers_equal_the_textbooks(config: ModelConfig) -> None:
    textbook, model = twins(config)
    # in float64 no rounding decides between two characters
    textbook, model = textbook.double(), model.double()
    texts = random_texts([*range(BLOCK), *range(BLOCK), 0, 5, 5])
    whole = [
        # the block holds so many more, and what the last place says
        textbook_greedy(textbook, TOKENIZER.characters, text, min(32, BLOCK - len(text)))
        for text in texts
    ]
    for max_new in (1, 7, 32):
        found = decode(model, texts, max_new)
        assert answers_of(found) == [answer[:max_new] for answer in whole]
    stopped = [len(d.ids) for d in found if d.ids[-1] == STOP]
    assert len(set(stopped)) >= 3  # rows left at different times
    assert len(set(whole)) >= 20


@every_config
def test_an_answer_ends_with_its_stop_the_limit_or_the_block(config: ModelConfig) -> None:
    _, model = twins(config)
    texts = random_texts([0, 3, 9, 15, 20, 22, 23] * 20, seed=3)
    ends = set()
    for text, found in zip(texts, decode(model, texts, 6), strict=True):
        most = min(6, BLOCK - len(text))
        assert 1 <= len(found.ids) <= most
        assert STOP not in found.ids[:-1]
        stopped = found.ids[-1] == STOP
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
    texts = random_texts([1, 4, 9, 9, 12] * 10)
    decoded = decode(model, texts, 6)
    assert len(calls) == max(len(d.ids) for d in decoded)
    calls.clear()
    shortest = min(range(len(texts)), key=lambda i: len(decoded[i].ids))
    decode(model, [texts[shortest]], 32)
    assert len(calls) == len(decoded[shortest].ids) < 6


@every_config
def test_neither_order_nor_company_changes_an_answer(config: ModelConfig) -> None:
    _, model = twins(config)
    model = model.double()
    texts = random_texts([n % 20 for n in range(ANSWERS_AT_ONCE + 20)])
    order = np.random.default_rng(1).permutation(len(texts))
    found = decode(model, texts, 6)
    shuffled = decode(model, [texts[i] for i in order], 6)
    for place, i in enumerate(order):
        assert shuffled[place].ids == found[i].ids
        assert shuffled[place].log_probability == pytest.approx(found[i].log_probability, abs=1e-5)
    for i in (0, 7, ANSWERS_AT_ONCE + 19):
        [alone] = decode(model, [texts[i]], 6)
        assert alone.ids == found[i].ids
        assert alone.log_probability == pytest.approx(found[i].log_probability, abs=1e-5)


@every_config
def test_what_all_questions_begin_with_is_read_once_and_changes_no_answer(
    config: ModelConfig,
) -> None:
    """A beginning on both sides of the m-th latent, whole questions alike, one within another."""
    _, model = twins(config)
    model = model.double()
    read: list[int] = []
    embedding = model.get_submodule("embedding")
    embedding.register_forward_hook(lambda _, inputs, __: read.append(len(inputs[0])))
    for shared in (1, 6, 10):
        [begin, *ends] = random_texts([shared, 0, 1, 8, 8], seed=shared)
        texts = [begin + end for end in ends]
        alone = [decode(model, [text], 5)[0] for text in texts]
        for asked in (texts, [texts[-1]] * 3):
            read.clear()
            found = decode(model, asked, 5)
            longest = max(map(len, asked)) + 1
            once = shared if len(set(asked)) > 1 else len(asked[0])
            assert read[:2] == [once, len(asked) * (longest - once)]
            for text, one in zip(asked, found, strict=True):
                expected = alone[texts.index(text)]
                assert one.ids == expected.ids
                assert one.log_probability == pytest.approx(expected.log_probability, abs=1e-9)


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


ALL = VOCAB**2
"""So many beginnings are all that there are of answers of up to three characters."""


@torch.no_grad()
def every_answer(model: CharacterModel, prompt: Ids, limit: int) -> dict[tuple[int, ...], float]:
    """Return the log-probability of everything that can follow, without cache or pruning."""
    answers: dict[tuple[int, ...], float] = {}
    begun: dict[tuple[int, ...], float] = {(): 0.0}
    for length in range(1, limit + 1):
        rows = np.array([[*prompt, *ids] for ids in begun], dtype=np.int64)  # (B, T)
        n, width = rows.shape
        layout = Layout.of((Group(n, width),))
        scores = model(torch.from_numpy(rows).flatten(), layout).view(n, width, -1)[:, -1]
        longer: dict[tuple[int, ...], float] = {}
        for (ids, before), row in zip(begun.items(), scores.log_softmax(-1).tolist(), strict=True):
            for token, score in enumerate(row):
                ended = token == STOP or length == limit
                (answers if ended else longer)[*ids, token] = before + score
        begun = longer
    return answers


def check(model: CharacterModel, prompt: Ids, limit: int, n_best: int, n_beams: int) -> bool:
    """Compare with every answer where the search says it is exact; return whether it does."""
    everything = every_answer(model, prompt, limit)
    beam = search_beams(model, prompt, STOP, limit, n_best, n_beams)
    for found in beam.answers:
        assert found.log_probability == pytest.approx(everything[tuple(found.ids)], abs=1e-6)
    if beam.is_exact:
        best = sorted(everything, key=lambda ids: -everything[ids])[:n_best]
        assert [tuple(found.ids) for found in beam.answers] == best
    return beam.is_exact


@every_config
def test_the_best_answers_are_those_of_trying_all_of_them(config: ModelConfig) -> None:
    model = scrambled(config).double()  # no rounding decides between two answers
    for text in random_texts([0, 13]):
        assert check(model, prompt_ids(TOKENIZER, text), 3, 7, ALL)


@given(
    n_text=st.integers(0, BLOCK - 1),
    seed=st.integers(0, 99),
    n_best=st.integers(1, 5),
    n_beams=st.integers(1, 40),
)
@examples(0.1)
def test_a_narrow_search_that_says_it_is_exact_is(
    n_text: int, seed: int, n_best: int, n_beams: int
) -> None:
    model = scrambled(CONFIGS[0]).double()
    [text] = random_texts([n_text], seed)
    limit = min(3, BLOCK - n_text)
    check(model, prompt_ids(TOKENIZER, text), limit, n_best, n_beams)


def test_a_search_that_may_have_missed_an_answer_says_so() -> None:
    model = scrambled(CONFIGS[0]).double()
    prompts = [prompt_ids(TOKENIZER, text) for text in random_texts([3] * 20)]
    exact = [search_beams(model, prompt, STOP, 3, 1, 8).is_exact for prompt in prompts]
    assert len(set(exact)) == 2


def test_a_search_no_wider_than_its_answers_never_claims_too_much() -> None:
    model = scrambled(CONFIGS[0]).double()
    scramble(model, 3)
    seen = set()
    for text in random_texts(range(BLOCK - 3), 3):
        prompt = prompt_ids(TOKENIZER, text)
        first = uncached_logits(model, prompt)[-1].log_softmax(-1)
        first[STOP] = -math.inf
        for n in (1, 2, 3):
            beam = search_beams(model, prompt, STOP, 3, n, n)
            # This beginning is dropped, whether the empty answer is before it or not.
            was_better = float(first.topk(n + 1).values[n]) > beam.answers[-1].log_probability
            assert not (beam.is_exact and was_better)
            seen.add(was_better)
    assert len(seen) == 2
    for text in random_texts(range(0, BLOCK - 3, 2), 3):
        prompt = prompt_ids(TOKENIZER, text)
        check(model, prompt, 2, 2, 2)
        assert len(search_beams(model, prompt, STOP, 2, 5, 1).answers) == 5


def test_all_answers_together_have_the_whole_probability() -> None:
    model = scrambled(CONFIGS[0]).double()
    prompt = prompt_ids(TOKENIZER, "abc")
    every = 1 + (VOCAB - 1) * VOCAB  # the empty one, and those of one character and an end or not
    beam = search_beams(model, prompt, STOP, 2, every + 9, ALL)
    assert len(beam.answers) == every
    assert sum(math.exp(found.log_probability) for found in beam.answers) == pytest.approx(1.0)


@every_config
def test_answers_end_with_their_stop_the_limit_or_the_block(config: ModelConfig) -> None:
    model = scrambled(config)
    for n_text in (2, BLOCK - 3, BLOCK - 1):
        [text] = random_texts([n_text])
        prompt = prompt_ids(TOKENIZER, text)
        most = min(5, BLOCK - n_text)
        beam = search_beams(model, prompt, STOP, 5, 4)
        assert len(beam.answers) == 4
        scores = [found.log_probability for found in beam.answers]
        assert scores == sorted(scores, reverse=True)
        for found in beam.answers:
            assert STOP not in found.ids[:-1]
            assert found.ids[-1] == STOP or len(found.ids) == most
        [greedy] = decode_greedily(model, [prompt], STOP, 5)
        assert scores[0] >= greedy.log_probability - 1e-4


@every_config
def test_log_probabilities_are_added_up_in_float64(config: ModelConfig) -> None:
    model = scrambled(config).double()
    prompt = TOKENIZER.encode("abcab")
    stop, never = TOKENIZER.mask_id, -1
    written = [
        *decode_greedily(model, [prompt], never, 12),
        *search_beams(model, prompt, stop, 12, 4).answers,
    ]
    for found in written:
        read = np.array([*prompt, *found.ids[:-1]])
        scores = uncached_logits(model, read)[len(prompt) - 1 :].log_softmax(-1)
        exact = sum(row[i].item() for row, i in zip(scores, found.ids, strict=True))
        assert abs(found.log_probability - exact) < 1e-11


def test_drawn_characters_come_as_often_as_the_model_predicts_them() -> None:
    _, model = twins(CONFIGS[0])
    scramble(model, 3)
    prompts, n = [prompt_ids(TOKENIZER, "ab")] * 3000, 3000
    drawn = decode_at_random(model, prompts, STOP, 1, torch.Generator().manual_seed(0))
    expected = uncached_logits(model, prompts[0])[-1].double().softmax(-1)
    counts = torch.bincount(torch.tensor([each.ids[0] for each in drawn]), minlength=VOCAB)
    errors = (counts / n - expected).abs() / (expected * (1 - expected) / n).sqrt()
    assert float(errors.max()) < 4
    for each in drawn[:20]:
        assert each.log_probability == pytest.approx(float(expected[each.ids[0]].log()), abs=1e-5)
    again = decode_at_random(model, prompts, STOP, 1, torch.Generator().manual_seed(0))
    assert again == drawn
