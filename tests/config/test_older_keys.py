"""Keys of earlier releases: renamed ones are read, removed ones are neutral or one line."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from nanoknow.config.experiment import ExperimentConfig
from nanoknow.config.loading import Override, load_config, parse_assignment
from nanoknow.config.models import VanillaConfig
from nanoknow.config.older_keys import REMOVED, RENAMED
from nanoknow.config.tasks import SpanCorruptionConfig
from nanoknow.errors import CheckpointError, ConfigError
from nanoknow.runs.run import Run
from tests.helpers.checkpoints import sealed
from tests.helpers.config_texts import load, refusal

MADE = Path(__file__).parents[1] / "runs" / "made_by_0_1_0"

OLD = """\
model: {qk_norm: false}
pretrain:
  task: {scraps_loss: hidden, shuffle_clauses: 0.0}
  optimizer: {matrices: muon, average: 0}
  schedule: {warmup_positions: 7, decay_positions: 70}
augment:
  reader: {qk_norm: false}
  training: {optimizer: {matrices: adamw}}
"""


def test_a_file_with_all_the_old_names_is_read(folder: Path) -> None:
    config = load(folder, OLD)
    assert config.pretrain.task == SpanCorruptionConfig(cloze_loss="hidden")
    assert config.pretrain.optimizer.matrix_optimizer == "muon"
    assert "augment" not in config.model_dump()  # the reader that it was for is gone
    schedule = config.pretrain.schedule
    assert (schedule.warmup_tokens, schedule.decay_tokens) == (7, 70)
    assert all(f" {key}" in OLD.replace("{", " ") for _, key in {**RENAMED, **REMOVED})


def test_set_takes_an_old_name_and_it_wins_over_the_new_one_of_the_file(folder: Path) -> None:
    text = "pretrain: {optimizer: {matrix_optimizer: adamw}, task: {cloze_loss: hidden}}"
    for assignment in (
        "pretrain.optimizer.matrices=muon",
        "pretrain.optimizer={matrices: muon}",
        "pretrain={optimizer: {matrices: muon, average: 0.0}}",
    ):
        config = load(folder, text, parse_assignment(assignment))
        assert config.pretrain.optimizer.matrix_optimizer == "muon"
    old = load(folder, "pretrain: {schedule: {warmup_positions: 3}}", base=ExperimentConfig())
    assert old.pretrain.schedule.warmup_tokens == 3


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("seed: 1\nmodel:\n  qk_norm: true", "FILE:3: model.qk_norm: True: normalised queries"),
        (
            "pretrain: {optimizer: {average: 0.9}}",
            "FILE:1: pretrain.optimizer.average: 0.9: a moving average of the weights did not "
            "help and was removed: take the key out, or use nanoknow 0.1.0",
        ),
        (
            "pretrain:\n  task: {shuffle_clauses: 1.0}",
            "FILE:2: pretrain.task.shuffle_clauses: 1.0: documents with their clauses in",
        ),
        (
            "finetune:\n  schedule:\n    warmup_tokens: 1\n    warmup_positions: 2",
            "FILE:4: finetune.schedule.warmup_positions: the older name of warmup_tokens, also "
            "given: keep one",
        ),
        (
            "pretrain:\n  optimizer:\n    matrices: adam",
            "FILE:3: pretrain.optimizer.matrix_optimizer: unknown 'adam'. Did you mean 'adamw'?",
        ),
        ("model: {matrices: muon}", "FILE:1: model.matrices: unknown key."),
    ],
)
def test_what_an_old_key_can_no_longer_say_is_one_line(
    folder: Path, text: str, message: str
) -> None:
    assert refusal(folder, text).startswith(message)


def test_a_flag_with_a_removed_key_is_refused_by_its_own_words() -> None:
    with pytest.raises(ConfigError, match=r"^--set model\.qk_norm: True: normalised queries"):
        load_config(None, [parse_assignment("model.qk_norm=true")])
    assert load_config(None, [Override("model.qk_norm", False, "row")]) == ExperimentConfig()


def changed_record(folder: Path, section: str, **changes: object) -> Run:
    """Copy the older vanilla run, with other values in its checkpoint's record."""
    shutil.copytree(MADE / "vanilla", folder / "run")
    [file] = (folder / "run").glob("checkpoints/*/checkpoint.json")
    content: dict[str, Any] = json.loads(file.read_bytes())["content"]
    content[section] |= changes
    file.write_bytes(sealed(content))
    return Run.open(folder / "run")


def test_a_checkpoint_of_an_older_run_is_read_by_the_new_names(tmp_path: Path) -> None:
    record = changed_record(tmp_path, "task", scraps_loss="hidden").latest().record
    assert isinstance(record.task, SpanCorruptionConfig)
    assert record.task.cloze_loss == "hidden"
    assert record.model == VanillaConfig(n_layers=2, n_heads=2, d_model=16, block_size=64)


@pytest.mark.parametrize(
    ("section", "key", "value"), [("model", "qk_norm", True), ("task", "shuffle_clauses", 0.5)]
)
def test_a_checkpoint_that_a_removed_key_shaped_is_refused(
    tmp_path: Path, section: str, key: str, value: object
) -> None:
    run = changed_record(tmp_path, section, **{key: value})
    with pytest.raises(CheckpointError, match=rf"checkpoint.json: {section}\.{key}: "):
        run.latest()
