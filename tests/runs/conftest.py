"""What the tests of runs share."""

from __future__ import annotations

from pathlib import Path

import pytest

from nanoknow.config.experiment import ExperimentConfig
from tests.helpers.small_runs import LIVES


@pytest.fixture
def config(tmp_path: Path) -> ExperimentConfig:
    corpus = tmp_path / "lives.txt"
    corpus.write_text(LIVES, encoding="utf-8")
    return ExperimentConfig.model_validate(
        {
            "seed": 5,
            "precision": "float32",
            "data": {"corpus": corpus},
            "model": {
                "variant": "vanilla",
                "n_layers": 2,
                "n_heads": 2,
                "d_model": 16,
                "block_size": 32,
            },
            "pretrain": {"epochs": 4, "batch_size": 2, "log_every": 1},
        }
    )
