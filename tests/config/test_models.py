"""The variants' sizes fit together, and latents read what they are said to."""

import math
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nanoknow.config.loading import Override, load_config, parse_assignment
from nanoknow.config.models import PerceiverConfig
from nanoknow.errors import ConfigError
from tests.helpers.config_texts import refusal


def test_a_perceiver_needs_two_layers_and_no_more_latents_than_positions(folder: Path) -> None:
    few = refusal(folder, "model: {variant: perceiver, n_layers: 1}")
    assert "n_layers of 2 or more" in few
    wide = refusal(folder, "model: {variant: perceiver, bottleneck_dim: 129}")
    assert "bottleneck_dim 129 must not exceed block_size 128" in wide


def test_latents_are_first_or_spread(folder: Path) -> None:
    spread = parse_assignment("model.latents=spread")
    flags = [Override("model.variant", "perceiver", "--model"), spread]
    assert load_config(None, flags).model == PerceiverConfig(latents="spread")
    assert refusal(folder, "model: {variant: perceiver, latents: sprad}") == (
        "FILE:1: model.latents: unknown 'sprad'. Did you mean 'spread'? Available: first, spread"
    )
    with pytest.raises(ConfigError, match=r"model.latents: unknown key"):
        load_config(None, [spread])


def test_the_originals_latents_read_a_character_each_more() -> None:
    config = PerceiverConfig(bottleneck_dim=5, block_size=12)
    assert [config.latent_end(j) for j in range(5)] == [1, 2, 3, 4, 5]
    assert [config.n_latents(n) for n in range(13)] == [0, 1, 2, 3, 4, *[5] * 8]


def test_spread_latents_read_up_to_the_whole_block() -> None:
    config = PerceiverConfig(bottleneck_dim=5, block_size=12, latents="spread")
    assert [config.latent_end(j) for j in range(5)] == [3, 5, 8, 10, 12]
    assert [config.n_latents(n) for n in range(13)] == [0, 0, 0, 1, 1, 2, 2, 2, 3, 3, 4, 4, 5]


@given(st.integers(8, 300), st.data())
def test_spread_latents_end_at_equal_shares_of_the_block_rounded_up(
    block_size: int, data: st.DataObject
) -> None:
    m = data.draw(st.integers(1, block_size))
    config = PerceiverConfig(bottleneck_dim=m, block_size=block_size, latents="spread")
    ends = [config.latent_end(j) for j in range(m)]
    assert ends == [math.ceil(Fraction((j + 1) * block_size, m)) for j in range(m)]
    assert ends == sorted(set(ends))
    assert ends[-1] == block_size
    for length in range(block_size + 1):
        assert config.n_latents(length) == sum(end <= length for end in ends)
