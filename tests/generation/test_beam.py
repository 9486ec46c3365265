"""The beam search finds what trying every answer finds, and says when it cannot know that."""

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
from nanoknow.generation.greedy import decode_greedily
from nanoknow.models.base import CharacterModel
from nanoknow.tasks.question_answering import prompt_ids
from tests.helpers.decoding import BLOCK, TOKENIZER, random_texts, scrambled
from tests.helpers.examples import examples
from tests.helpers.textbook_twins import CONFIGS, VOCAB

STOP = TOKENIZER.mask_id
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


@pytest.mark.parametrize("config", CONFIGS, ids=repr)
def test_the_best_answers_are_those_of_trying_all_of_them(config: ModelConfig) -> None:
    model = scrambled(config).double()  # no rounding decides between two answers
    for text in random_texts([0, 5, 13]):
        assert check(model, prompt_ids(TOKENIZER, text), 3, 7, ALL)


@given(
    n_text=st.integers(0, BLOCK - 1),
    seed=st.integers(0, 99),
    n_best=st.integers(1, 5),
    n_beams=st.integers(1, 40),
)
@examples(0.3)
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


def test_all_answers_together_have_the_whole_probability() -> None:
    model = scrambled(CONFIGS[0]).double()
    prompt = prompt_ids(TOKENIZER, "abc")
    every = 1 + (VOCAB - 1) * VOCAB  # the empty one, and those of one character and an end or not
    beam = search_beams(model, prompt, STOP, 2, every + 9, ALL)
    assert len(beam.answers) == every
    assert sum(math.exp(found.log_probability) for found in beam.answers) == pytest.approx(1.0)


@pytest.mark.parametrize("config", CONFIGS, ids=repr)
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
