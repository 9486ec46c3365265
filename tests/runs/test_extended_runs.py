"""Runs that are resumed for more epochs, or with other batches, by their config or by flags."""

import json
from collections.abc import Mapping
from typing import Any

import pytest
import torch

from nanoknow.config.loading import Override, load_config
from nanoknow.errors import CheckpointError, ConfigError
from nanoknow.runs.checkpoint import Checkpoint
from nanoknow.runs.run import Run
from nanoknow.training.optimizer import learning_rate
from nanoknow.training.resume import resume_run
from nanoknow.training.session import TrainingOptions
from tests.helpers.checkpoints import assert_same
from tests.helpers.cli import json_of, refuse, run
from tests.helpers.refused import refused
from tests.helpers.silent import Silent
from tests.helpers.small_runs import ONE_STEP, OPTIONS, SmallRun, steps_of


def stretch(
    small: SmallRun, options: TrainingOptions = OPTIONS, *, epochs: int
) -> tuple[Run, list[str]]:
    """Resume a run for other epochs."""
    reporter = Silent()
    config = load_config(None, [Override("pretrain.epochs", epochs, "--epochs")], small.run.config)
    resume_run(small.run, options, reporter, config)
    return small.run, reporter.notes


def test_a_finished_run_is_extended_and_says_what_becomes_of_its_schedule(small: SmallRun) -> None:
    small.change_stage(
        schedule=small.config.pretrain.schedule.model_copy(update={"warmup_tokens": 31})
    )
    small.start()
    run, notes = stretch(small, epochs=6)
    assert (run.config.pretrain.epochs, steps_of(run)) == (6, [*range(1, 19)])
    progress = run.latest().record.progress
    assert (progress["epoch"], progress["examples"]) == (6, 0)
    stage, tokens = run.config.pretrain, 31 * 5
    rates = [
        learning_rate(stage.schedule, stage.optimizer.learning_rate, done * tokens, end * tokens)
        for done, end in ((4, 6), (4, 4), (6, 6))
    ]
    here, before, last = (f"{rate:.1e}" for rate in rates)
    assert f"epochs 4 then and 6 now: by the schedule the learning rate goes on from {here} " in (
        " ".join(notes)
    )
    assert f"({before} by the former epochs) and ends at {last}" in " ".join(notes)
    again, notes = stretch(small, epochs=6)
    assert not [note for note in notes if "epochs" in note]
    assert steps_of(again) == [*range(1, 19)]


@pytest.mark.parametrize("epochs", [1, 3])
def test_fewer_epochs_than_are_begun_are_refused(epochs: int, whole: SmallRun) -> None:
    before = (whole.path / "config.yaml").read_bytes()
    message = refused(ConfigError, lambda: stretch(whole, epochs=epochs))
    assert f"pretrain.epochs: {epochs}, and epoch 4 is begun in step-00000012: ask for 4" in message
    assert (whole.path / "config.yaml").read_bytes() == before


def test_an_epoch_that_is_begun_counts_against_fewer_epochs(small: SmallRun) -> None:
    small.cut()
    stretch(small, epochs=1)
    assert steps_of(small.run) == [1, 2, 3]
    stretch(small, ONE_STEP, epochs=2)
    assert steps_of(small.run) == [1, 2, 3, 4]
    assert "epoch 2 is begun in step-00000004" in refused(
        ConfigError, lambda: stretch(small, epochs=1)
    )


@pytest.mark.parametrize("batch_size", [1, 2, 3, 5, 64])
def test_another_batch_size_goes_on_after_the_examples_that_are_done(
    batch_size: int, small: SmallRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    small.cut()
    seen: list[list[int]] = []
    batch = type(small_task(small)).batch

    def watched(self: Any, indices: torch.Tensor, generator: torch.Generator) -> Any:
        seen.append(indices.tolist())
        return batch(self, indices, generator)

    monkeypatch.setattr(type(small_task(small)), "batch", watched)
    config = load_config(
        None, [Override("pretrain.batch_size", batch_size, "--batch-size")], small.run.config
    )
    reporter = Silent()
    summary = resume_run(small.run, OPTIONS, reporter, config)
    rest = -(-3 // batch_size)
    assert sum(map(len, seen[:rest])) == 3
    assert len({index for indices in seen[:rest] for index in indices}) == 3
    assert summary.step == 1 + rest + 3 * -(-5 // batch_size)
    assert sorted(index for indices in seen[rest:] for index in indices) == sorted([*range(5)] * 3)
    said = [note for note in reporter.notes if note.startswith("batch_size ")]
    assert said == [] if batch_size == 2 else "after the 2 examples of epoch 1" in said[0]


def small_task(small: SmallRun) -> Any:
    from nanoknow.data.sources import Texts
    from nanoknow.tasks.registry import build_task

    texts = Texts.find(small.config.data)
    tokenizer = small.run.latest().record.tokenizer
    return build_task(small.config.pretrain.task, texts.corpus, None, tokenizer, 32)


def rewrite_record(checkpoint: Checkpoint, changes: Mapping[str, Any], drop: str = "") -> None:
    """Write a record of other content, sealed as it should be."""
    from nanoknow.runs.checkpoint import RECORD_FILE
    from nanoknow.runs.records import sealed

    content = json.loads((checkpoint.path / RECORD_FILE).read_bytes())["content"]
    content = {k: v for k, v in {**content, **changes}.items() if k != drop}
    (checkpoint.path / RECORD_FILE).write_bytes(sealed(content))


def test_a_run_of_before_is_held_to_what_its_checkpoint_tells(small: SmallRun) -> None:
    """It records no config, and its place in the data in batches."""
    run = small.cut()
    progress = {k: v for k, v in run.latest().record.progress.items() if k != "examples"}
    rewrite_record(run.latest(), {"progress": progress}, drop="config")
    file = run.path / "config.yaml"
    text = file.read_text("utf-8")
    file.write_text(text.replace("matrix_optimizer: adamw", "matrix_optimizer: muon", 1))
    message = refused(ConfigError, small.resume)
    assert "pretrain.optimizer.matrix_optimizer: muon is asked for, and adamw in " in message
    file.write_text(text)
    resume = ("pretrain", "--resume", "--out", run.path)
    assert "learning_rate: 0.5 is asked for, and " in refuse(*resume, "--learning-rate", "0.5")
    other = ("--set", "precision=bfloat16")
    assert "precision: bfloat16 is asked for, and float32 in " in refuse(*resume, *other)
    whole = SmallRun(small.folder / "other").start()
    assert small.resume().step == 12
    first, second = whole.latest(), small.run.latest()
    assert_same(first.load_training_state(), second.load_training_state())


def test_flags_of_a_run_of_before_are_noted_as_those_of_any_other(whole: SmallRun) -> None:
    rewrite_record(whole.run.latest(), {}, drop="config")
    _, notes = stretch(whole, epochs=5)
    assert "epochs 4 then and 5 now" in " ".join(notes)


def test_nothing_is_said_to_go_on_where_all_epochs_are_done(whole: SmallRun) -> None:
    whole.change_stage(batch_size=3)
    reporter = Silent()
    resume_run(whole.run, OPTIONS, reporter, whole.config)
    assert not [note for note in reporter.notes if " then and " in note or "warning" in note]


@pytest.mark.parametrize(
    ("examples", "words"),
    [(-1, "'examples': -1"), (5, ": 5 examples into epoch 1 of 5"), (99, ": 99 examples into")],
)
def test_a_place_outside_the_data_is_refused(examples: int, words: str, small: SmallRun) -> None:
    run = small.cut()
    progress = {**run.latest().record.progress, "examples": examples}
    rewrite_record(run.latest(), {"progress": progress})
    assert words in refused(CheckpointError, small.resume)


def test_flags_with_resume_change_what_may_and_are_refused_otherwise(
    small: SmallRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    small.cut()
    monkeypatch.chdir(small.folder)
    resume = ("pretrain", "--resume", "--out", "run")
    assert "seed: 9 is asked for, and 5 in step-00000001" in refuse(*resume, "--seed", "9")
    assert "drop --config" in refuse(*resume, "--config", "demo")
    found = run(*resume, "--epochs", "5", "--set", "pretrain.log_every=4", "--json")
    assert found.exit_code == 0, found.output
    assert "epochs 4 then and 5 now" in found.stderr
    assert json.loads(found.stdout)["planned_epochs"] == 5
    assert small.run.config.pretrain.log_every == 4
    assert json_of(*resume)["epochs"] == 5
