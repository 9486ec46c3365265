"""Sampling with a cache writes what the textbook writes without one."""

import numpy as np
import pytest
import torch

from nanoknow.config.experiment import PastBlock, SampleConfig
from nanoknow.config.models import ModelConfig
from nanoknow.data.batch import Group, Layout
from nanoknow.generation.decoding import decode_greedily
from nanoknow.generation.sample import sample_text
from nanoknow.models.base import CharacterModel
from nanoknow.models.low_precision import Bfloat16Linear, in_bfloat16
from nanoknow.models.registry import build_model
from tests.helpers.decoding import (
    BLOCK,
    TOKENIZER,
    every_config,
    every_position,
    random_texts,
    scrambled,
    twins,
    uncached_logits,
)
from tests.helpers.textbook_twins import CONFIGS, VOCAB
from tests.tools.textbook import last_logits, textbook_sample

both_precisions = pytest.mark.parametrize("eight_bits", [False, True])


def draw(
    model: CharacterModel,
    context: str,
    length: int,
    seed: int = 0,
    temperature: float = 1.0,
    top_k: int | None = None,
    past_block: PastBlock = "recompute",
) -> str:
    config = SampleConfig(
        context=context, length=length, temperature=temperature, top_k=top_k, past_block=past_block
    )
    return "".join(sample_text(model, TOKENIZER, config, torch.Generator().manual_seed(seed)))


@every_config
@pytest.mark.parametrize(
    ("n_context", "length", "temperature", "top_k"),
    [
        (1, 8, 1.0, None),
        (5, BLOCK - 5, 0.7, 5),
        (5, BLOCK - 4, 1.0, 5),
        (5, 30, 0.7, None),
        (BLOCK, 8, 1.0, None),
        (BLOCK + 9, 8, 0.7, 5),
    ],
    ids=str,
)
def test_samples_equal_the_textbooks_below_and_past_the_block(
    config: ModelConfig, n_context: int, length: int, temperature: float, top_k: int | None
) -> None:
    textbook, model = twins(config)
    [context] = random_texts([n_context])
    expected = textbook_sample(
        textbook,
        TOKENIZER.characters,
        context,
        length,
        torch.Generator().manual_seed(4),
        temperature,
        top_k,
    )
    assert context + draw(model, context, length, 4, temperature, top_k) == expected
    assert len(expected) == n_context + length


@every_config
def test_only_the_most_probable_characters_are_drawn(config: ModelConfig) -> None:
    textbook, model = twins(config)
    ids = TOKENIZER.encode("abcab").tolist()
    drawn = draw(model, "abcab", 30, top_k=3, temperature=3.0)
    ranks = []
    for character in drawn:
        with torch.no_grad():
            order = last_logits(textbook, ids).argsort(descending=True).tolist()
        ids.append(TOKENIZER.characters.index(character))
        ranks.append(order.index(ids[-1]))
    assert set(ranks) == {0, 1, 2}


@every_config
def test_one_candidate_is_the_greedy_choice(config: ModelConfig) -> None:
    _, model = twins(config)
    prompt = TOKENIZER.encode("fgh")
    [greedy] = decode_greedily(model, [prompt], stop_id=-1, max_new=15)
    assert [TOKENIZER.characters[i] for i in greedy.ids] == list(draw(model, "fgh", 15, top_k=1))


def test_more_candidates_than_characters_are_all_of_them() -> None:
    _, model = twins(CONFIGS[0])
    assert draw(model, "abc", 40, top_k=VOCAB + 5) == draw(model, "abc", 40, top_k=None)
    assert draw(model, "abc", 40, top_k=2) != draw(model, "abc", 40, top_k=None)


@every_config
def test_the_seed_fixes_the_text(config: ModelConfig) -> None:
    _, model = twins(config)
    texts = [draw(model, "abc", 25, seed) for seed in (1, 1, 2)]
    assert texts[0] == texts[1]
    assert texts[0] != texts[2]
    assert {len(text) for text in texts} == {25}


def test_a_low_temperature_draws_what_greed_would() -> None:
    _, model = twins(CONFIGS[0])
    cold = {draw(model, "abc", 30, seed, temperature=1e-4) for seed in range(5)}
    warm = {draw(model, "abc", 30, seed, temperature=1.0) for seed in range(5)}
    assert cold == {draw(model, "abc", 30, top_k=1)}
    assert len(warm) == 5


def test_characters_come_one_at_a_time() -> None:
    _, model = twins(CONFIGS[0])
    generator = torch.Generator().manual_seed(0)
    endless = SampleConfig(context="abc", length=10**6, top_k=None)
    drawn = sample_text(model, TOKENIZER, endless, generator)
    assert "".join(next(drawn) for _ in range(30)) == draw(model, "abc", 30)


def hop_anew(model: CharacterModel, ids: list[int], length: int, seed: int) -> list[int]:
    """Sample with a window that starts again at half a block, without any cache."""
    generator = torch.Generator().manual_seed(seed)
    window = ids[-BLOCK:]
    drawn = []
    for _ in range(length):
        logits = uncached_logits(model, np.array(window, dtype=np.int64))[-1]
        drawn.append(int(torch.multinomial(logits.softmax(-1), 1, generator=generator)))
        window.append(drawn[-1])
        if len(window) > BLOCK:
            window = window[-(BLOCK // 2) :]
    return drawn


@every_position
@pytest.mark.parametrize("n_context", [BLOCK // 2 + 1, BLOCK - 1, BLOCK + 9])
def test_hopping_reads_half_a_block_anew_whenever_it_is_full(
    config: ModelConfig, n_context: int
) -> None:
    model = scrambled(config).double()  # no rounding decides between two characters
    [context] = random_texts([n_context])
    hopped = draw(model, context, 30, 5, past_block="hop")
    expected = hop_anew(model, TOKENIZER.encode(context).tolist(), 30, 5)
    assert hopped == TOKENIZER.decode(expected)
    within = BLOCK - min(n_context, BLOCK) + 1
    recomputed = draw(model, context, 30, 5)
    assert recomputed[:within] == hopped[:within]
    assert recomputed != hopped


def test_hopping_costs_one_reading_of_half_a_block_for_half_a_block_of_text() -> None:
    model = scrambled(CONFIGS[0])
    read: list[int] = []
    model.register_forward_pre_hook(lambda _, inputs: read.append(len(inputs[0])))
    draw(model, random_texts([BLOCK])[0], 1 + 2 * (BLOCK // 2 + 1), past_block="hop")
    half = [BLOCK // 2, *[1] * (BLOCK // 2)]
    assert read == [BLOCK, *half, *half]


@every_position
def test_logits_of_some_tokens_are_those_rows_of_all_of_them(config: ModelConfig) -> None:
    model = scrambled(config)
    layout = Layout.of((Group(3, 9), Group(2, 4)))
    tokens = torch.randint(1, VOCAB, (35,), generator=torch.Generator().manual_seed(0))
    indices = torch.tensor([34, 0, 8, 17, 20])
    with torch.no_grad():
        some, full = model(tokens, layout, None, indices), model(tokens, layout)
    assert some.shape == (5, VOCAB)
    torch.testing.assert_close(some, full[indices], rtol=0, atol=1e-5)


@every_position
@both_precisions
def test_in_bfloat16_logits_are_close_and_the_model_itself_is_kept(
    config: ModelConfig, eight_bits: bool
) -> None:
    model = build_model(config, VOCAB, torch.Generator().manual_seed(0)).eval()
    before = {name: weight.clone() for name, weight in model.state_dict().items()}
    cast = in_bfloat16(model, eight_bits=eight_bits)
    ids = TOKENIZER.encode(random_texts([BLOCK])[0])
    full, rounded = uncached_logits(model, ids), uncached_logits(cast, ids).float()
    assert float((rounded - full).norm() / full.norm()) < 0.02
    assert not torch.equal(rounded, full)
    assert all(torch.equal(weight, before[name]) for name, weight in model.state_dict().items())
    cache = cast.new_cache(BLOCK)
    for t, token in enumerate(torch.from_numpy(ids)):
        step = Layout((Group(1, 1),), torch.tensor([t]), t + 1)
        with torch.no_grad():
            [logits] = cast(token[None], step, cache).float()
        assert float((logits - full[t]).norm() / full[t].norm()) < 0.03
        # Steps and whole passes multiply by the same rounded weights.
        assert float((logits - rounded[t]).norm() / full[t].norm()) < 0.02


@pytest.mark.parametrize("config", [CONFIGS[0], CONFIGS[1], CONFIGS[-1]], ids=repr)
@both_precisions
@pytest.mark.parametrize("past_block", ["recompute", "hop"])
def test_sampling_in_bfloat16_writes_characters_of_the_vocabulary(
    config: ModelConfig, past_block: PastBlock, eight_bits: bool
) -> None:
    models = [in_bfloat16(scrambled(config), eight_bits=eight_bits) for _ in range(2)]
    text, again = (draw(m, "abc", 30, 1, top_k=5, past_block=past_block) for m in models)
    assert len(text) == 30
    assert text == again
    assert len(set(text)) > 1


@every_position
@both_precisions
def test_in_bfloat16_each_weight_is_stored_once(config: ModelConfig, eight_bits: bool) -> None:
    model = scrambled(config)
    expected = [m for m in model.modules() if isinstance(m, torch.nn.Linear)]
    cast = list(in_bfloat16(model, eight_bits=eight_bits).modules())
    assert not any(isinstance(m, torch.nn.Linear) for m in cast)
    stored = [m for m in cast if isinstance(m, Bfloat16Linear)]
    assert sum(m.weight.numel() for m in stored) == sum(m.weight.numel() for m in expected)
    biases, theirs = ([m.bias for m in each if m.bias is not None] for each in (stored, expected))
    assert sum(b.numel() for b in biases) == sum(b.numel() for b in theirs)
