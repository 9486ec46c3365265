"""The learning rate is the original's to every printed digit; weight decay falls where it says."""

from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from nanoknow.config.experiment import OptimizerConfig, ScheduleConfig, StageConfig, StageName
from nanoknow.config.loading import load_config
from nanoknow.config.models import ModelConfig, PerceiverConfig, VanillaConfig
from nanoknow.models.base import CharacterModel
from nanoknow.models.registry import build_model
from nanoknow.training.optimizer import Muon, build_optimizers, learning_rate
from tests.helpers.examples import examples
from tests.tools.textbook import textbook_learning_rate

PRETRAIN, TRAIN, SHAKESPEARE = 2_938 * 127, 2_000 * 127, 1_115_266 * 128
"""Positions of one epoch: examples by places of an example."""
TABLE: list[tuple[str, StageName, int, int, str]] = [
    ("birthplaces", "pretrain", PRETRAIN, 634, "6.000000e-04"),
    ("birthplaces", "pretrain", PRETRAIN, 645, "6.000000e-04"),
    ("birthplaces", "pretrain", PRETRAIN, 646, "6.013186e-04"),
    ("birthplaces", "pretrain", PRETRAIN, 647, "6.296935e-04"),
    ("birthplaces", "pretrain", PRETRAIN, 649, "6.881640e-04"),
    ("birthplaces", "pretrain", PRETRAIN, 650, "7.182453e-04"),
    ("birthplaces", "finetune", TRAIN, 1, "5.999844e-04"),
    ("birthplaces", "finetune", TRAIN, 2, "5.999351e-04"),
    ("birthplaces", "finetune", TRAIN, 3, "5.998521e-04"),
    ("birthplaces", "finetune", TRAIN, 10, "5.983263e-04"),
    ("birthplaces", "scratch", TRAIN, 47, "5.635213e-04"),
    ("birthplaces", "scratch", TRAIN, 75, "5.100024e-04"),
    ("shakespeare", "pretrain", SHAKESPEARE, 1, "3.000169e-04"),
    ("shakespeare", "pretrain", SHAKESPEARE, 2, "6.000000e-05"),
]
SIZES = {"n_heads": 2, "d_model": 16, "block_size": 16}


def stage_of(name: str, stage: StageName) -> StageConfig:
    return load_config(name).stage(stage)


def stage_rate(stage: StageConfig, n: int) -> float:
    # planned is 1: the shipped configs say themselves where the cosine ends
    return learning_rate(stage.schedule, stage.optimizer.learning_rate, n, planned=1)


@pytest.mark.parametrize(("name", "stage", "epoch_positions", "epoch", "expected"), TABLE)
def test_rate_at_the_end_of_an_epoch_is_the_originals_to_every_digit(
    name: str, stage: StageName, epoch_positions: int, epoch: int, expected: str
) -> None:
    assert f"{stage_rate(stage_of(name, stage), epoch_positions * epoch):.6e}" == expected


def test_epochs_and_batches_of_the_shipped_configs_are_the_originals() -> None:
    found = [
        (name, stage, config.epochs, config.batch_size, config.optimizer)
        for name, stage in dict.fromkeys((row[0], row[1]) for row in TABLE)
        for config in [stage_of(name, stage)]
    ]
    linear = OptimizerConfig(learning_rate=6e-4, decay="linear_weights")
    assert found == [
        ("birthplaces", "pretrain", 650, 128, OptimizerConfig(learning_rate=6e-3)),
        ("birthplaces", "finetune", 10, 256, OptimizerConfig(learning_rate=6e-4)),
        ("birthplaces", "scratch", 75, 256, OptimizerConfig(learning_rate=6e-4)),
        ("shakespeare", "pretrain", 2, 512, linear),
    ]
    assert (linear.betas, linear.weight_decay, linear.grad_clip) == ((0.9, 0.95), 0.1, 1.0)


@given(
    n=st.integers(0, 5_000_000),
    peak=st.floats(1e-5, 1e-1),
    warmup=st.integers(0, 50_000),
    length=st.integers(1, 1_000_000),
)
@examples(2)
def test_rate_equals_the_textbooks_everywhere(
    n: int, peak: float, warmup: int, length: int
) -> None:
    schedule = ScheduleConfig(warmup_tokens=warmup, decay_tokens=warmup + length)
    expected = textbook_learning_rate(n, peak, warmup, warmup + length)
    assert learning_rate(schedule, peak, n, planned=1) == pytest.approx(expected, rel=1e-12)


def test_rate_warms_up_falls_to_its_share_and_rises_again() -> None:
    schedule = ScheduleConfig(warmup_tokens=100, decay_tokens=1100, final_share=0.25)
    rates = [learning_rate(schedule, 8.0, n, 1) for n in (0, 50, 99, 100, 600, 1000, 1100, 2100)]
    assert rates == pytest.approx([0.0, 4.0, 7.92, 8.0, 4.0, 2.0, 2.0, 8.0])


def test_the_cosine_ends_with_the_planned_epochs_where_the_schedule_names_no_end() -> None:
    schedule = ScheduleConfig(warmup_tokens=0, decay_tokens=None, final_share=0.0)
    rates = [learning_rate(schedule, 1.0, n, planned=1000) for n in (0, 250, 500, 1000)]
    assert rates == pytest.approx([1.0, (1 + 0.5**0.5) / 2, 0.5, 0.0])


def test_a_plan_shorter_than_the_warm_up_stays_in_the_warm_up() -> None:
    schedule = ScheduleConfig(warmup_tokens=1000)
    rates = [learning_rate(schedule, 1.0, n, planned=100) for n in (10, 100)]
    assert rates == pytest.approx([0.01, 0.1])


def decay_by_name(model: CharacterModel, config: OptimizerConfig) -> dict[str, float]:
    [optimizer] = build_optimizers(model, config)
    names = {parameter: name for name, parameter in model.named_parameters()}
    decays: list[tuple[str, float]] = [
        (names[parameter], group["weight_decay"])
        for group in optimizer.param_groups
        for parameter in group["params"]
    ]
    assert len(decays) == len(names) == len(dict(decays))
    return dict(decays)


LINEAR = {
    f"{part}.{end}"
    for part in (
        "attention.query",
        "attention.key",
        "attention.value",
        "attention.projection",
        "mlp.expand",
        "mlp.contract",
    )
    for end in ("weight", "bias")
}
BLOCK = LINEAR | {"ln1.weight", "ln1.bias", "ln2.weight", "ln2.bias"}
OUTSIDE = {
    "embedding.token.weight",
    "embedding.position",
    "head.ln.weight",
    "head.ln.bias",
    "head.linear.weight",
}
CASES: list[tuple[ModelConfig, set[str], set[str]]] = [
    (VanillaConfig.model_validate({**SIZES, "n_layers": 2}), {"blocks.0", "blocks.1"}, set()),
    (
        PerceiverConfig.model_validate({**SIZES, "n_layers": 3, "bottleneck_dim": 4}),
        {"down", "blocks.0", "up"},
        {"down.basis"},
    ),
]


@pytest.mark.parametrize(("config", "blocks", "extra"), CASES, ids=["vanilla", "perceiver"])
def test_the_birthplace_trainer_decays_everything_but_biases(
    config: ModelConfig, blocks: set[str], extra: set[str]
) -> None:
    model = build_model(config, 9, torch.Generator())
    found = decay_by_name(model, OptimizerConfig(decay="all_but_biases", weight_decay=0.3))
    everything = OUTSIDE | extra | {f"{block}.{part}" for block in blocks for part in BLOCK}
    assert found == {name: 0.0 if name.endswith(".bias") else 0.3 for name in everything}


@pytest.mark.parametrize(("config", "blocks", "extra"), CASES, ids=["vanilla", "perceiver"])
def test_the_shakespeare_trainer_decays_linear_weights_alone(
    config: ModelConfig, blocks: set[str], extra: set[str]
) -> None:
    model = build_model(config, 9, torch.Generator())
    found = decay_by_name(model, OptimizerConfig(decay="linear_weights", weight_decay=0.3))
    decayed = {name for name, decay in found.items() if decay == 0.3}
    weights = {part for part in LINEAR if part.endswith(".weight")}
    expected = {f"{block}.{part}" for block in blocks for part in weights}
    assert decayed == expected | {"head.linear.weight"}
    assert extra <= found.keys() - decayed
    assert {found[name] for name in found.keys() - decayed} == {0.0}


def test_adamw_takes_its_numbers_from_the_config() -> None:
    model = build_model(CASES[0][0], 9, torch.Generator())
    [optimizer] = build_optimizers(model, OptimizerConfig(learning_rate=3e-3, betas=(0.8, 0.7)))
    settings_of: list[dict[str, Any]] = optimizer.param_groups
    assert [(g["lr"], tuple(g["betas"])) for g in settings_of] == [(3e-3, (0.8, 0.7))] * 2
    assert type(optimizer) is torch.optim.AdamW


def test_muon_takes_the_matrices_of_the_blocks_and_adamw_the_rest() -> None:
    model = build_model(VanillaConfig(n_layers=1, n_heads=1, d_model=8), 11, torch.Generator())
    config = OptimizerConfig(matrix_optimizer="muon", learning_rate=3e-3, weight_decay=0.2)
    adamw, muon = build_optimizers(model, config)
    names = {parameter: name for name, parameter in model.named_parameters()}
    taken = [{names[p] for group in o.param_groups for p in group["params"]} for o in (adamw, muon)]
    assert taken[0] | taken[1] == set(names.values())
    assert taken[1] == {
        f"blocks.0.{part}.weight"
        for part in (
            "attention.query", "attention.key", "attention.value", "attention.projection",
            "mlp.expand", "mlp.contract",
        )
    }  # fmt: skip
    assert not taken[0] & taken[1]
    assert type(muon) is Muon
    [group] = muon.param_groups
    assert (group["lr"], group["weight_decay"]) == (3e-3, 0.2)


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.bfloat16, 0.0), (torch.float32, 0.02)])
def test_muon_updates_as_torch_does_and_in_bfloat16_bit_for_bit(
    dtype: torch.dtype, tolerance: float
) -> None:
    generator = torch.Generator().manual_seed(3)
    shapes = [(8, 8), (8, 32), (32, 8)]
    start = [torch.randn(shape, generator=generator) for shape in shapes]
    ours, theirs = ([torch.nn.Parameter(each.clone()) for each in start] for _ in range(2))
    unused = torch.nn.Parameter(torch.ones(2, 2))
    options: dict[str, Any] = {"lr": 0.1, "weight_decay": 0.2}
    optimizers: list[torch.optim.Optimizer] = [
        Muon([*ours, unused], dtype, **options),
        torch.optim.Muon([*theirs, unused], adjust_lr_fn="match_rms_adamw", **options),
    ]
    for step in range(4):
        for own, other in zip(ours, theirs, strict=True):
            own.grad = step * torch.randn(own.shape, generator=generator)  # at first all 0
            other.grad = own.grad.clone()
        for optimizer in optimizers:
            optimizer.step()
    for before, own, other in zip(start, ours, theirs, strict=True):
        assert (own - before).abs().max() > 0.1
        assert torch.allclose(own, other, rtol=0.0, atol=tolerance)
    assert torch.equal(unused, torch.ones(2, 2))


def test_muon_multiplies_in_the_precision_of_the_device() -> None:
    model = build_model(VanillaConfig(n_layers=1, n_heads=1, d_model=8), 11, torch.Generator())
    config = OptimizerConfig(matrix_optimizer="muon")
    for precision, dtype in (("float32", torch.float32), ("bfloat16", torch.bfloat16)):
        muon = build_optimizers(model, config, precision)[1]
        assert isinstance(muon, Muon)
        assert muon.dtype == dtype
