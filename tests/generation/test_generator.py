"""Decoding with a cache writes what the textbook writes when it computes everything anew."""

from __future__ import annotations

import string
from collections.abc import Sequence

import numpy as np
import pytest
import torch
from torch import nn

from nanoknow.config.experiment import PastBlock
from nanoknow.config.models import ModelConfig
from nanoknow.data.batch import Group, Layout
from nanoknow.data.tokenizer import MASK, PAD, Ids, Tokenizer
from nanoknow.generation.greedy import ANSWERS_AT_ONCE, Decoded, decode_greedily
from nanoknow.generation.sampling import sample
from nanoknow.models.base import CharacterModel
from nanoknow.models.low_precision import in_bfloat16
from nanoknow.models.registry import build_model
from nanoknow.tasks.question_answering import answer_text, prompt_ids
from tests.models.test_against_textbook import CONFIGS, VOCAB, copy_weights, textbook_of
from tests.tools.textbook import TextbookModel, last_logits, textbook_greedy, textbook_sample

LETTERS = string.ascii_lowercase[: VOCAB - 2]
TOKENIZER = Tokenizer(PAD + MASK + LETTERS)
STOI = {character: i for i, character in enumerate(TOKENIZER.characters)}
BLOCK = 24

every_config = pytest.mark.parametrize("config", CONFIGS, ids=repr)


def scramble(model: nn.Module, seed: int) -> None:
    """Draw weights with which a model answers differently to whatever it reads."""
    generator = torch.Generator().manual_seed(seed)
    for name, parameter in model.named_parameters():
        noise = torch.randn(parameter.shape, generator=generator)
        if parameter.dim() == 1:
            gain = float("ln" in name and name.endswith("weight"))
            noise = gain + 0.1 * noise
        elif parameter.dim() == 2 and "emb" not in name:
            noise *= 2.0 / parameter.shape[1] ** 0.5
        if name.startswith("head") and parameter.dim() == 2:
            noise[TOKENIZER.mask_id] *= 2.0  # some answers end early, others late or not at all
        parameter.data.copy_(noise)


def twins(config: ModelConfig, seed: int = 2) -> tuple[TextbookModel, CharacterModel]:
    """Return the textbook's model and ours with the same weights."""
    assert config.block_size == BLOCK
    textbook = textbook_of(config).eval()
    scramble(textbook, seed)
    model = build_model(config, VOCAB, torch.Generator().manual_seed(0))
    copy_weights(textbook, model)
    return textbook, model


def random_texts(lengths: Sequence[int], seed: int = 0) -> list[str]:
    generator = np.random.default_rng(seed)
    return ["".join(generator.choice(list(LETTERS), n)) for n in lengths]


def decode(model: CharacterModel, texts: Sequence[str], max_new: int) -> list[Decoded]:
    prompts = [prompt_ids(TOKENIZER, text) for text in texts]
    return decode_greedily(model, prompts, TOKENIZER.mask_id, max_new)


def answers_of(decoded: Sequence[Decoded]) -> list[str]:
    return [answer_text(TOKENIZER, d.ids) for d in decoded]


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
        expected.append(
            textbook_greedy(textbook, STOI, TOKENIZER.characters, text, min(max_new, room))
        )
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


@torch.no_grad()
def uncached_logits(model: CharacterModel, ids: Ids) -> torch.Tensor:
    logits: torch.Tensor = model(torch.from_numpy(ids), Layout.of((Group(1, len(ids)),)))
    return logits


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


def draw(
    model: CharacterModel,
    context: str,
    length: int,
    seed: int = 0,
    temperature: float = 1.0,
    top_k: int | None = None,
    past_block: PastBlock = "recompute",
) -> str:
    generator = torch.Generator().manual_seed(seed)
    ids = TOKENIZER.encode(context)
    drawn = sample(model, ids, length, temperature, top_k, generator, past_block)
    return TOKENIZER.decode(drawn)


@every_config
@pytest.mark.parametrize(
    ("n_context", "length"),
    [(1, 8), (5, BLOCK - 5), (5, BLOCK - 4), (5, 60), (BLOCK, 30), (BLOCK + 9, 30)],
    ids=str,
)
@pytest.mark.parametrize(("temperature", "top_k"), [(1.0, None), (0.7, 5)], ids=str)
def test_samples_equal_the_textbooks_below_and_past_the_block(
    config: ModelConfig, n_context: int, length: int, temperature: float, top_k: int | None
) -> None:
    textbook, model = twins(config)
    [context] = random_texts([n_context])
    expected = textbook_sample(
        textbook,
        STOI,
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
    ids = [STOI[c] for c in "abcab"]
    drawn = draw(model, "abcab", 60, top_k=3, temperature=3.0)
    ranks = []
    for character in drawn:
        with torch.no_grad():
            order = last_logits(textbook, ids).argsort(descending=True).tolist()
        ranks.append(order.index(STOI[character]))
        ids.append(STOI[character])
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
    texts = [draw(model, "abc", 50, seed) for seed in (1, 1, 2)]
    assert texts[0] == texts[1]
    assert texts[0] != texts[2]
    assert {len(text) for text in texts} == {50}


def test_a_low_temperature_draws_what_greed_would() -> None:
    _, model = twins(CONFIGS[0])
    cold = {draw(model, "abc", 30, seed, temperature=1e-4) for seed in range(5)}
    warm = {draw(model, "abc", 30, seed, temperature=1.0) for seed in range(5)}
    assert cold == {draw(model, "abc", 30, top_k=1)}
    assert len(warm) == 5


def test_characters_come_one_at_a_time() -> None:
    _, model = twins(CONFIGS[0])
    generator = torch.Generator().manual_seed(0)
    drawn = sample(model, TOKENIZER.encode("abc"), 10**9, 1.0, None, generator)
    first = [next(drawn) for _ in range(30)]
    assert TOKENIZER.decode(first) == draw(model, "abc", 30)


def rotary(config: ModelConfig) -> ModelConfig:
    return config.model_copy(update={"positions": "rotary"})


every_position = pytest.mark.parametrize(
    "config", [*CONFIGS, *(rotary(config) for config in CONFIGS[:2])], ids=repr
)


def scrambled(config: ModelConfig) -> CharacterModel:
    model = build_model(config, VOCAB, torch.Generator().manual_seed(0)).eval()
    scramble(model, 2)
    return model


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
@pytest.mark.parametrize("n_context", [1, BLOCK // 2 + 1, BLOCK - 1, BLOCK, BLOCK + 9])
def test_hopping_reads_half_a_block_anew_whenever_it_is_full(
    config: ModelConfig, n_context: int
) -> None:
    model = scrambled(config).double()  # no rounding decides between two characters
    [context] = random_texts([n_context])
    hopped = draw(model, context, 70, 5, past_block="hop")
    expected = hop_anew(model, TOKENIZER.encode(context).tolist(), 70, 5)
    assert hopped == TOKENIZER.decode(expected)
    within = BLOCK - min(n_context, BLOCK) + 1
    recomputed = draw(model, context, 70, 5)
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
@pytest.mark.parametrize("eight_bits", [False, True])
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
    caches = cast.new_caches(BLOCK)
    for t, token in enumerate(torch.from_numpy(ids)):
        step = Layout((Group(1, 1),), torch.tensor([t]), t + 1)
        with torch.no_grad():
            [logits] = cast(token[None], step, caches).float()
        assert float((logits - full[t]).norm() / full[t].norm()) < 0.03
        # Steps and whole passes multiply by the same rounded weights.
        assert float((logits - rounded[t]).norm() / full[t].norm()) < 0.02


@every_position
@pytest.mark.parametrize("eight_bits", [False, True])
@pytest.mark.parametrize("past_block", ["recompute", "hop"])
def test_sampling_in_bfloat16_writes_characters_of_the_vocabulary(
    config: ModelConfig, past_block: PastBlock, eight_bits: bool
) -> None:
    text, again = (
        draw(
            in_bfloat16(scrambled(config), eight_bits=eight_bits), "abc", 60, 1, 1.0, 5, past_block
        )
        for _ in range(2)
    )
    assert len(text) == 60
    assert text == again
    assert len(set(text)) > 1
