"""Checkpoints of small models."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from nanoknow.config.models import ModelConfig, PerceiverConfig, VanillaConfig
from nanoknow.config.tasks import SpanCorruptionConfig
from nanoknow.models.base import CharacterModel
from nanoknow.models.registry import build_model
from nanoknow.runs.checkpoint import read_checkpoint, save_checkpoint
from nanoknow.runs.records import CheckpointRecord
from nanoknow.system.device import choose_device

SIZES = {"n_layers": 2, "n_heads": 2, "d_model": 16, "block_size": 40, "dropout": 0.1}
LATENTS = {**SIZES, "n_layers": 3, "bottleneck_dim": 9}
CONFIGS: dict[str, ModelConfig] = {
    "vanilla": VanillaConfig.model_validate(SIZES),
    "perceiver": PerceiverConfig.model_validate(LATENTS),
    "spread perceiver": PerceiverConfig.model_validate({**LATENTS, "latents": "spread"}),
}
CPU = choose_device("cpu", "float32")
FILES = ("model.safetensors", "training.safetensors", "checkpoint.json")
VOCABULARY = "□⁇\n abcdé→日"
both_models = pytest.mark.parametrize("variant", CONFIGS)
every_file = pytest.mark.parametrize("name", FILES)


def make_record(step: int, config: ModelConfig = CONFIGS["vanilla"]) -> CheckpointRecord:
    return CheckpointRecord(
        version="0.0.1",
        torch="2.13",
        model=config,
        vocabulary=VOCABULARY,
        task=SpanCorruptionConfig(),
        seed=3,
        precision="float32",
        device="a CPU",
        progress={"step": step, "epoch": 1, "batch": 2, "positions": 300, "epoch_loss": 2.25},
        seconds=1.5,
        data={"corpus": {"name": "wiki.txt", "sha256": "ab" * 32}},
    )


def make_model(config: ModelConfig = CONFIGS["vanilla"], seed: int = 0) -> CharacterModel:
    return build_model(config, len(VOCABULARY), torch.Generator().manual_seed(seed))


def make_training() -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(1)
    return {
        "random.cpu": torch.randint(256, (500,), generator=generator).to(torch.uint8),
        "optimizer.step.head.ln.bias": torch.tensor(7.0),
        "optimizer.exp_avg.head.ln.bias": torch.randn(16, generator=generator),
    }


def save(folder: Path, step: int, seed: int = 0) -> Path:
    weights = make_model(seed=seed).state_dict()
    return save_checkpoint(folder, make_record(step), weights, make_training())


def sealed(content: dict[str, Any]) -> bytes:
    """Return a record's file with a hash that holds, whatever it says."""
    seal = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
    record = json.dumps({"sha256": seal, "content": content}, ensure_ascii=False)
    return record.encode("utf-8", "surrogatepass")


def read_file(checkpoint: Path, name: str) -> None:
    """Read what one of the three files holds, as resuming does."""
    found = read_checkpoint(checkpoint)
    if name == "model.safetensors":
        found.load_model(CPU)
    elif name == "training.safetensors":
        found.load_training_state()


def assert_same(first: dict[str, Tensor], second: dict[str, Tensor]) -> None:
    assert first.keys() == second.keys()
    for name, tensor in first.items():
        assert tensor.dtype == second[name].dtype, name
        assert torch.equal(tensor, second[name]), name
