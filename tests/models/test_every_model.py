"""What must hold of every registered variant; ``tests/helpers/models.py`` lists them."""

import itertools
import subprocess
import sys

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from nanoknow.config.models import ModelConfig, PerceiverConfig, TransformerConfig
from nanoknow.data.batch import Batch, Group, Layout
from nanoknow.models.registry import MODELS, build_model, outline, shapes
from tests.helpers.models import (
    CONFIGS,
    LENGTH,
    REACH,
    SIZES,
    VOCAB,
    every_model,
    logits_of,
    moved,
    random_model,
    random_tokens,
)


def test_every_registered_variant_is_covered_here() -> None:
    assert set(CONFIGS) == set(REACH) == set(MODELS)
    assert all(config.variant == name for name in CONFIGS for config in CONFIGS[name])


@every_model
def test_shapes_and_the_count_of_parameters(config: ModelConfig) -> None:
    model = build_model(config, VOCAB, torch.Generator())
    groups = (Group(3, 5), Group(2, LENGTH))
    logits = model(random_tokens(55), Layout.of(groups))
    assert logits.shape == (55, VOCAB)
    assert model.n_parameters == sum(p.numel() for p in model.state_dict().values())
    assert type(model) is MODELS[config.variant]


@every_model
def test_the_outline_has_the_shapes_of_the_model(config: ModelConfig) -> None:
    model = build_model(config, VOCAB, torch.Generator())
    assert shapes(outline(config, VOCAB)) == shapes(model.state_dict())


@pytest.mark.slow
def test_no_outline_loads_torchs_compiler() -> None:
    """It would take longer than all the rest of ``ask``."""
    configs = [config.model_dump_json() for each in CONFIGS.values() for config in each]
    code = (
        "import sys; from pydantic import TypeAdapter\n"
        "from nanoknow.config.models import ModelConfig\n"
        "from nanoknow.models.registry import outline\n"
        f"for config in {configs}: outline(TypeAdapter(ModelConfig).validate_json(config), 9)\n"
        "assert 'sympy' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@every_model
def test_a_character_changes_no_logit_before_it(config: ModelConfig) -> None:
    model = random_model(config)
    for t in range(LENGTH):
        change = moved(model, t)
        torch.testing.assert_close(change[:t], torch.zeros(t), rtol=0, atol=1e-6)
        assert float(change[t]) > 1e-3


@every_model
def test_reach_is_exactly_what_the_variant_promises(config: ModelConfig) -> None:
    model = random_model(config)
    last = LENGTH - 1
    changes = torch.stack([moved(model, t) for t in range(LENGTH)])  # (changed, place)
    for place in (0, 3, last):
        reaching = {t for t in range(LENGTH) if float(changes[t, place]) > 1e-6}
        assert reaching == REACH[config.variant](config, place)


@pytest.mark.parametrize("m", [6, LENGTH])
def test_the_perceiver_reads_the_first_m_characters_and_the_last_one(m: int) -> None:
    model = random_model(PerceiverConfig.model_validate({**SIZES, "bottleneck_dim": m}))
    latents: list[Tensor] = []
    trunk = model.get_submodule("blocks.0")
    trunk.register_forward_pre_hook(lambda _, inputs: latents.append(inputs[0]))
    changes = torch.stack([moved(model, t) for t in range(LENGTH)])  # (changed, place)
    for place in range(LENGTH):
        reaching = set(torch.nonzero(changes[:, place] > 1e-6).flatten().tolist())
        assert reaching == {*range(min(m, place + 1)), place}
    for t in range(LENGTH):
        before, *after = latents[4 * t : 4 * t + 4]
        change = torch.stack(after).sub(before).abs().amax((0, 2))  # (m,)
        assert torch.nonzero(change > 1e-6).flatten().tolist() == list(range(t, m))


def test_spread_latents_take_the_weights_of_first_ones() -> None:
    sizes = {**SIZES, "bottleneck_dim": 6}
    first = random_model(PerceiverConfig.model_validate(sizes))
    spread = random_model(PerceiverConfig.model_validate({**sizes, "latents": "spread"}), seed=1)
    spread.load_state_dict(first.state_dict())
    tokens = random_tokens(LENGTH)
    assert not torch.allclose(logits_of(spread, tokens), logits_of(first, tokens), atol=1e-2)


@pytest.mark.parametrize("config", CONFIGS["perceiver"], ids=repr)
def test_no_more_latents_are_computed_than_some_character_reaches(config: ModelConfig) -> None:
    assert isinstance(config, PerceiverConfig)
    model = random_model(config)
    computed: list[int] = []
    down = model.get_submodule("down.mlp")
    down.register_forward_hook(lambda _, inputs, __: computed.append(len(inputs[0])))
    for n in range(1, LENGTH + 1):
        logits_of(model, random_tokens(n))
        complete = sum(config.latent_end(j) <= n for j in range(config.bottleneck_dim))
        assert computed.pop() == max(1, complete)


@every_model
def test_sequences_of_one_batch_do_not_see_each_other(config: ModelConfig) -> None:
    model = random_model(config)
    rows = [random_tokens(n, seed=n) for n in (4, 4, 9, LENGTH)]
    layout = Layout.of((Group(2, 4), Group(1, 9), Group(1, LENGTH)))
    with torch.no_grad():
        together = model(torch.cat(rows), layout)
    apart = torch.cat([logits_of(model, row) for row in rows])
    torch.testing.assert_close(together, apart, rtol=0, atol=1e-5)


@every_model
def test_one_batch_can_be_learnt_by_heart(config: ModelConfig) -> None:
    model = build_model(config, VOCAB, torch.Generator().manual_seed(4)).train()
    rows = random_tokens(4, LENGTH, seed=4)
    rows[:, 0] = torch.arange(4)  # the first character decides which row it is
    lengths = torch.tensor([LENGTH - 1, 5, 12, LENGTH - 1])
    targets = rows[:, 1:].masked_fill(torch.arange(LENGTH - 1) >= lengths[:, None], -100)
    batch = Batch.from_rows(rows[:, :-1], targets, lengths)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2, weight_decay=0.0)
    losses = []
    for _ in range(60):
        optimizer.zero_grad()
        loss = F.cross_entropy(model(batch.tokens, batch.layout), batch.targets)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        losses.append(loss.item())
    assert losses[0] > 2.0
    assert losses[-1] < 0.02


@every_model
@pytest.mark.parametrize("seed", [0, 1])
def test_cached_decoding_equals_uncached_step_by_step(config: ModelConfig, seed: int) -> None:
    """Prompts padded on the right, on both sides of the m-th latent; rows leave on the way."""
    model = random_model(config, seed)
    lengths = [1, 2, 5, 6, 7, 12]
    width = max(lengths)
    texts = random_tokens(len(lengths), LENGTH, seed=seed)
    expected = [logits_of(model, text) for text in texts]
    cache = model.new_cache(LENGTH)
    keeps_memory = isinstance(config, PerceiverConfig) and config.latents == "spread"
    assert len(cache.layers) == config.n_layers
    assert (cache.memory is not None) == keeps_memory
    # what the padding holds must not matter: it is not the text that follows
    padded = random_tokens(len(lengths), width, seed=seed + 50)
    for row, text, length in zip(padded, texts, lengths, strict=True):
        row[:length] = text[:length]
    active = torch.arange(len(lengths))
    at = torch.tensor(lengths)
    with torch.no_grad():
        layout = Layout.of((Group(len(lengths), width),))
        logits = model(padded.flatten(), layout, cache).unflatten(0, (-1, width))
        logits = logits[active, at - 1]
        compared = 0
        while len(active):
            for row, i, place in zip(logits, active.tolist(), at.tolist(), strict=True):
                torch.testing.assert_close(row, expected[i][place - 1], rtol=0, atol=1e-5)
                compared += 1
            # the longest is done first, and the second row leaves early, from the middle
            stay = (at < LENGTH) & ~((active == 1) & (at >= 9))
            keep = torch.nonzero(stay).flatten()
            if len(keep) < len(active):
                active, at = active[keep], at[keep]
                cache.select(keep)
            if not len(active):
                break
            logits = model(texts[active, at], Layout((Group(len(active), 1),), at), cache)
            at = at + 1
    assert compared == sum(LENGTH + 1 - n for n in lengths) - (LENGTH - 9)


@every_model
@pytest.mark.parametrize("stretches", [(1, 5, 14), (6, 1, 13)], ids=repr)
def test_a_text_that_is_read_in_stretches_is_read_alike(
    config: ModelConfig, stretches: tuple[int, ...]
) -> None:
    """The first stretch once for all texts, as they share it; later ones side by side."""
    model = random_model(config)
    texts = random_tokens(3, LENGTH)
    texts[:, : stretches[0]] = texts[0, : stretches[0]]
    cache, start = model.new_cache(LENGTH), 0
    for n in stretches:
        rows = texts[: 3 if start else 1, start : start + n]
        with torch.no_grad():
            layout = Layout.of((Group(*rows.shape),), start=start)
            logits = model(rows.flatten(), layout, cache).unflatten(0, rows.shape)
        for row, text in zip(logits, texts, strict=False):
            expected = logits_of(model, text)[start : start + n]
            torch.testing.assert_close(row, expected, rtol=0, atol=1e-5)
        if not start:
            cache.select(torch.zeros(3, dtype=torch.int64))
        start += n


@every_model
def test_a_cache_shorter_than_the_block_serves_shorter_texts(config: ModelConfig) -> None:
    model = random_model(config)
    tokens = random_tokens(8)
    expected = logits_of(model, tokens)
    cache = model.new_cache(8)
    for t in range(8):
        layout = Layout((Group(1, 1),), torch.tensor([t]))
        with torch.no_grad():
            [logits] = model(tokens[t : t + 1], layout, cache)
        torch.testing.assert_close(logits, expected[t], rtol=0, atol=1e-5)


def parameter_names(variant: str) -> set[str]:
    model = build_model(CONFIGS[variant][0], VOCAB, torch.Generator())
    return {name for name, _ in model.named_parameters()}


@pytest.mark.parametrize(("first", "second"), list(itertools.combinations(CONFIGS, 2)))
def test_variants_of_the_same_sizes_differ_in_names_and_counts(first: str, second: str) -> None:
    shared = set(TransformerConfig.model_fields)
    one, other = CONFIGS[first][0], CONFIGS[second][0]
    assert one.model_dump(include=shared) == other.model_dump(include=shared) == SIZES
    assert parameter_names(first) != parameter_names(second)
    assert random_model(one).n_parameters != random_model(other).n_parameters


def test_the_perceiver_of_the_same_sizes_has_its_bottleneck_in_place_of_two_blocks() -> None:
    vanilla, perceiver = parameter_names("vanilla"), parameter_names("perceiver")

    def block_numbers(names: set[str]) -> set[str]:
        return {name.split(".")[1] for name in names if name.startswith("blocks.")}

    parts = {name.split(".")[0] for name in perceiver} - {name.split(".")[0] for name in vanilla}
    assert parts == {"down", "up"}
    assert block_numbers(vanilla) == {"0", "1", "2"}
    assert block_numbers(perceiver) == {"0"}


@every_model
def test_weights_follow_from_the_generator_alone(config: ModelConfig) -> None:
    def weights(seed: int) -> dict[str, Tensor]:
        generator = torch.Generator().manual_seed(seed)
        return build_model(config, VOCAB, generator).state_dict()

    random_state = torch.get_rng_state()
    first, again, other = weights(1), weights(1), weights(2)
    assert torch.equal(torch.get_rng_state(), random_state)  # who asks a run keeps theirs
    torch.set_default_dtype(torch.float64)  # as a notebook may
    try:
        double = weights(1)
    finally:
        torch.set_default_dtype(torch.float32)
    for name, weight in first.items():
        assert torch.equal(weight, again[name])
        assert double[name].dtype == torch.float32
        torch.testing.assert_close(weight, double[name])  # the basis is computed, not drawn
    assert not torch.equal(first["head.linear.weight"], other["head.linear.weight"])


@every_model
def test_fresh_weights_have_the_originals_spread(config: ModelConfig) -> None:
    model = build_model(config, VOCAB, torch.Generator().manual_seed(0))
    for name, weight in model.state_dict().items():
        if ".ln" in name or name.endswith("bias") or name == "embedding.position":
            is_gain = ".ln" in name and name.endswith("weight")
            assert torch.equal(weight, torch.full_like(weight, float(is_gain))), name
        elif name != "down.basis":
            assert float(weight.std()) == pytest.approx(0.02, rel=0.15), name


@every_model
def test_dropout_draws_in_training_and_not_in_use(config: ModelConfig) -> None:
    wet = config.model_copy(update={"dropout": 0.5})
    model = build_model(wet, VOCAB, torch.Generator().manual_seed(0))
    tokens, layout = random_tokens(LENGTH), Layout.of((Group(1, LENGTH),))
    model.train()
    assert not torch.equal(model(tokens, layout), model(tokens, layout))
    model.eval()
    assert torch.equal(model(tokens, layout), model(tokens, layout))
