"""The counted cost is what torch counts on the real models."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.utils.flop_counter import FlopCounterMode

from nanoknow.cli.complexity import si
from nanoknow.complexity.estimate import estimate, sweep
from nanoknow.complexity.formulas import Complexity, complexity_of, vanilla_of
from nanoknow.config.models import ModelConfig, PerceiverConfig, VanillaConfig
from nanoknow.data.batch import Group, Layout
from nanoknow.errors import ConfigError
from nanoknow.models.registry import build_model
from nanoknow.system.plain import plain
from tests.helpers.cli import json_of, succeed
from tests.helpers.examples import examples
from tests.helpers.imports import loads_neither
from tests.helpers.refused import refused

SMALL = {"n_layers": 3, "n_heads": 4, "d_model": 48, "block_size": 40}
CASES: list[tuple[ModelConfig, int, int]] = [
    (VanillaConfig(), 256, 128),
    (PerceiverConfig(), 256, 128),
    (PerceiverConfig(), 256, 64),
    (PerceiverConfig(), 256, 20),
    (VanillaConfig(n_layers=8, d_model=512), 65, 128),
    (VanillaConfig(positions="rotary"), 256, 128),
    (PerceiverConfig(positions="rotary", latents="spread"), 256, 128),
    (VanillaConfig.model_validate(SMALL), 17, 1),
    (PerceiverConfig.model_validate({**SMALL, "bottleneck_dim": 9}), 17, 1),
    (PerceiverConfig.model_validate({**SMALL, "bottleneck_dim": 9}), 17, 40),
    (PerceiverConfig.model_validate({**SMALL, "bottleneck_dim": 40}), 17, 40),
    (PerceiverConfig.model_validate({**SMALL, "n_layers": 2, "bottleneck_dim": 1}), 17, 33),
    *((PerceiverConfig(latents="spread"), 256, n) for n in (128, 127, 1)),
    *(
        (PerceiverConfig.model_validate({**SMALL, "latents": "spread", "bottleneck_dim": m}), 17, n)
        for m in (1, 9, 40)
        for n in (1, 40)
    ),
]


def torch_counts(config: ModelConfig, vocab_size: int, seq_len: int) -> tuple[int, int]:
    """Return the FLOPs of the model's forward pass as torch counts them, and its parameters."""
    meta = torch.device("meta")
    with meta:
        model = build_model(config, vocab_size).eval()
    tokens = torch.zeros(seq_len, dtype=torch.int64, device=meta)
    with FlopCounterMode(display=False) as counter:
        model(tokens, Layout.of((Group(1, seq_len),), meta))
    return counter.get_total_flops(), model.n_parameters


def counts(complexity: Complexity) -> tuple[int, int]:
    return complexity.flops, complexity.parameters


@pytest.mark.parametrize(("config", "vocab_size", "seq_len"), CASES, ids=repr)
def test_flops_and_parameters_equal_torchs(
    config: ModelConfig, vocab_size: int, seq_len: int
) -> None:
    found = complexity_of(config, vocab_size, seq_len)
    assert counts(found) == torch_counts(config, vocab_size, seq_len)


@st.composite
def perceivers(draw: st.DrawFn) -> PerceiverConfig:
    heads, block_size = draw(st.integers(1, 4)), draw(st.integers(8, 50))
    return PerceiverConfig(
        n_layers=draw(st.integers(2, 5)),
        n_heads=heads,
        d_model=heads * draw(st.integers(1, 9)),
        block_size=block_size,
        bottleneck_dim=draw(st.integers(1, block_size)),
        latents=draw(st.sampled_from(["first", "spread"])),
    )


@pytest.mark.slow
@given(perceivers(), st.integers(1, 40), st.data())
@examples(0.08)
def test_flops_and_parameters_equal_torchs_for_any_sizes(
    perceiver: PerceiverConfig, vocab_size: int, data: st.DataObject
) -> None:
    seq_len = data.draw(st.integers(1, perceiver.block_size))
    for config in (perceiver, vanilla_of(perceiver)):
        found = complexity_of(config, vocab_size, seq_len)
        assert counts(found) == torch_counts(config, vocab_size, seq_len)


@pytest.mark.parametrize(
    ("config", "vocab_size", "parameters"),
    [
        (VanillaConfig(), 256, 3_323_392),
        (PerceiverConfig(), 256, 3_339_776),
        (PerceiverConfig(latents="spread"), 256, 3_339_776),
        (VanillaConfig(n_layers=8, d_model=512), 65, 25_352_192),
    ],
)
def test_parameters_are_the_originals(
    config: ModelConfig, vocab_size: int, parameters: int
) -> None:
    assert complexity_of(config, vocab_size, 128).parameters == parameters


def test_both_cross_attentions_are_counted() -> None:
    d, length, m, layers, vocab = 256, 128, 64, 4, 256
    projections = (10 * m + 2 * length) * d**2 + (10 * length + 2 * m) * d**2
    trunk = (layers - 2) * (12 * m * d**2 + 2 * m**2 * d)
    without_cross_attention = projections + trunk + length * d * vocab
    total = complexity_of(PerceiverConfig(), vocab, length).multiply_adds
    assert total - without_cross_attention == 2 * (2 * m * length * d)


def test_attention_memory_is_that_of_every_heads_matrix() -> None:
    vanilla = complexity_of(VanillaConfig(), 256, 128)
    perceiver = complexity_of(PerceiverConfig(), 256, 128)
    assert vanilla.attention_bytes == 4 * 4 * 8 * 128 * 128
    assert perceiver.attention_bytes == 4 * 8 * (2 * 64 * 128 + 2 * 64 * 64)
    assert [c.attention_entries for c in perceiver.components] == [0, 65536, 65536, 65536, 0]
    spread = complexity_of(PerceiverConfig(latents="spread"), 256, 128)
    assert [c.attention_entries for c in spread.components] == [0, 65536, 65536, 131072, 0]


def test_spread_latents_cost_the_reading_of_the_other_characters_on_top() -> None:
    d, length, m = 256, 128, 64
    vanilla, first, spread = (
        complexity_of(config, 256, length)
        for config in (VanillaConfig(), PerceiverConfig(), PerceiverConfig(latents="spread"))
    )
    more = 2 * (length - m) * d**2 + 2 * length * (length - m) * d
    assert spread.multiply_adds - first.multiply_adds == more
    assert spread.flops == 570_425_344
    assert spread.flops / vanilla.flops < 0.65


@pytest.mark.parametrize("latents", ["first", "spread", None])
@pytest.mark.parametrize(("m", "length"), [(64, 128), (9, 40), (1, 17)])
def test_formulas_in_words_give_the_total_and_each_component(
    latents: str | None, m: int, length: int
) -> None:
    sizes = {"latents": latents, "bottleneck_dim": m, "block_size": length}
    config = PerceiverConfig.model_validate(sizes) if latents else VanillaConfig(block_size=length)

    def value(text: str) -> int:
        for printed, typed in (("²", "**2"), ("−", "-"), ("ℓ", "n")):
            text = text.replace(printed, typed)
        text = re.sub(r"(?<=[\w)])(?=[a-zA-Z(])", "*", text)  # a product has no sign
        return int(eval(text, {"m": m, "n": length, "d": 256, "L": 4, "V": 256}))

    found = complexity_of(config, 256, length)
    assert value(found.formula) == found.multiply_adds
    for part in found.components:
        assert part.count * value(part.formula) == part.multiply_adds, part.name
    growth = [(part.big_o, re.sub(r"\b\d+", "", part.formula)) for part in found.components[1:]]
    assert [big_o for big_o, _ in growth] == [f"O({terms})" for _, terms in growth]


def test_a_longer_sequence_than_the_block_is_a_model_with_a_longer_block() -> None:
    for short, long in (
        (VanillaConfig(), VanillaConfig(block_size=512)),
        (PerceiverConfig(), PerceiverConfig(block_size=512)),
        (PerceiverConfig(latents="spread"), PerceiverConfig(latents="spread", block_size=512)),
    ):
        assert complexity_of(short, 256, 512) == complexity_of(long, 256, 512)


def test_sweep_starts_equal_and_then_the_perceiver_falls_behind() -> None:
    rows = sweep(PerceiverConfig(), 256)
    assert [row.seq_len for row in rows] == [32, 64, 128, 256, 512, 1024, 2048, 4096]
    ratios = [row.flops_ratio for row in rows]
    assert ratios[:2] == [1.0, 1.0]
    assert ratios[1:] == sorted(set(ratios), reverse=True)
    assert rows[2].vanilla_flops == complexity_of(VanillaConfig(), 256, 128).flops


def test_estimate_reports_the_original_by_default() -> None:
    report = estimate()
    assert report.vanilla == complexity_of(VanillaConfig(), 256, 128)
    assert report.perceiver == complexity_of(PerceiverConfig(), 256, 128)
    values = json.loads(json.dumps(plain(report)))
    assert (values["vanilla"]["flops"], values["perceiver"]["flops"]) == (889192448, 545259520)
    assert (values["seq_len"], values["bottleneck_dim"]) == (128, 64)
    for variant in ("vanilla", "perceiver"):
        components = values[variant]["components"]
        for key in ("flops", "multiply_adds", "parameters", "attention_bytes"):
            assert values[variant][key] == sum(component[key] for component in components)
    assert values["sweep"][2]["flops_ratio"] == pytest.approx(545259520 / 889192448)


def test_estimate_takes_every_size() -> None:
    sizes: dict[str, Any] = {"n_layers": 2, "n_heads": 2, "d_model": 6}
    others: dict[str, Any] = {"seq_len": 9, "bottleneck_dim": 9, "vocab_size": 3}
    report = estimate(**sizes, **others)
    assert report.vanilla == complexity_of(VanillaConfig(**sizes, block_size=9), 3, 9)


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        ({"bottleneck_dim": 129}, "bottleneck_dim 129 must not exceed seq_len 128"),
        ({"seq_len": 32, "bottleneck_dim": 64}, "bottleneck_dim 64 must not exceed seq_len 32"),
        ({"d_model": 250}, "n_heads 8 must divide d_model 250 without remainder"),
        ({"n_layers": 1}, "a perceiver needs n_layers of 2 or more: one projects down, one up"),
        ({"n_heads": 0}, "n_heads: must be 1 or more (got 0)"),
        ({"seq_len": 4}, "seq_len: must be 8 or more (got 4)"),
        ({"vocab_size": 0}, "vocab_size 0: give 1 to 1,114,112, all of Unicode"),
        ({"vocab_size": 10**400}, f"vocab_size {10**400}: give 1 to 1,114,112, all of Unicode"),
    ],
)
def test_sizes_that_do_not_fit_are_refused_in_a_line(sizes: dict[str, Any], message: str) -> None:
    assert refused(ConfigError, lambda: estimate(**sizes)) == message


@pytest.mark.parametrize(
    ("number", "words"),
    [(0, "0 "), (999, "999 "), (999_499, "999 k"), (999_960, "1 M"), (871_890_000, "872 M")],
)
def test_a_number_has_three_digits_and_a_prefix(number: int, words: str) -> None:
    assert si(number) == words


def test_the_command_draws_the_sweep(tmp_path: Path) -> None:
    path = tmp_path / "complexity.svg"
    assert json_of("complexity", "--plot", path)["plot"] == str(path)
    assert f"Picture: {path}\n" in succeed("complexity", "--plot", path).stdout
    assert json_of("complexity")["plot"] is None
    assert path.read_bytes().startswith(b"<?xml")


def test_an_estimate_loads_no_torch_and_no_matplotlib() -> None:
    assert loads_neither("from nanoknow.complexity.estimate import estimate; estimate()")


def test_bottlenecks_go_from_one_latent_to_the_block_and_cost_what_each_perceiver_costs() -> None:
    report = estimate(seq_len=100, bottleneck_dim=24)
    assert [row.bottleneck_dim for row in report.bottlenecks] == [1, 2, 4, 8, 16, 24, 32, 64, 100]
    for row in report.bottlenecks:
        alone = estimate(seq_len=100, bottleneck_dim=row.bottleneck_dim).perceiver
        assert (row.flops, row.attention_bytes) == (alone.flops, alone.attention_bytes)
    flops = [row.flops for row in report.bottlenecks]
    assert flops == sorted(flops)
    assert flops[-1] == report.vanilla.flops
    assert len(plain(report)["bottlenecks"]) == 9
