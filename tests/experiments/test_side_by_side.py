"""Runs in processes of their own end as those one after another, and stop with the command."""

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest
import yaml

from nanoknow.config.loading import load_config, parse_assignment
from nanoknow.errors import NonFiniteError
from nanoknow.experiments.learn import learn
from nanoknow.runs.run import Run
from tests.helpers.silent import Silent
from tests.helpers.small_runs import ENVIRONMENT, PYTHON, weights_file

SIZES = "data.world.people=20 data.world.paraphrases=1 model.d_model=16 model.n_layers=1"
EPOCHS = "pretrain.epochs=2 finetune.epochs=1 scratch.epochs=1"
TINY = [parse_assignment(text) for text in f"{SIZES} {EPOCHS}".split()]


def weights(folder: Path) -> dict[str, bytes]:
    """Return what the runs below a folder have learned."""
    runs = [Run.open(file.parent) for file in sorted(folder.glob("**/run.json"))]
    return {str(run.path.relative_to(folder)): weights_file(run) for run in runs}


def test_seeds_side_by_side_are_those_one_after_another_to_the_bit(here: Path) -> None:
    config = load_config("demo", TINY)
    one = learn(config, 1, here / "one", "cpu", Silent(), processes=1)
    reporter = Silent()
    two = learn(config, 1, here / "two", "cpu", reporter, processes=2)
    assert weights(here / "two") == weights(here / "one")
    assert two.scores == one.scores
    assert any(note.startswith("seed 0, from scratch: corpus: ") for note in reporter.notes)
    for name in ("pretrain", "finetune", "scratch"):
        assert any(f"resuming {here / 'two/seed-0' / name} at " in n for n in reporter.notes)


def test_what_stops_one_process_is_the_error_of_the_command(here: Path) -> None:
    wild = [*TINY, parse_assignment("scratch.optimizer.learning_rate=1e38")]
    with pytest.raises(NonFiniteError, match="step"):
        learn(load_config("demo", wild), 1, here / "wild", "cpu", Silent(), processes=2)


def test_a_signal_to_the_command_saves_every_run_and_names_what_continues(here: Path) -> None:
    changes = {override.key: override.value for override in TINY} | {"pretrain.epochs": 10**6}
    file = {"config": "demo", "seeds": 2, "common": changes, "rows": {"plain": {}}}
    (here / "rows.yaml").write_text(yaml.safe_dump(file), encoding="utf-8")
    command = [*PYTHON, "-m", "nanoknow", "sweep", "rows.yaml", "--out", "rows", "--processes=2"]
    runs = [here / f"rows/plain/seed-{seed}/pretrain" for seed in range(2)]
    with subprocess.Popen(
        command,
        stderr=subprocess.PIPE,
        text=True,
        cwd=here,
        env=ENVIRONMENT,
        start_new_session=True,
    ) as process:
        files = [run / "metrics.jsonl" for run in runs]
        while process.poll() is None and not all(
            file.exists() and '"step"' in file.read_text() for file in files
        ):
            time.sleep(0.05)
        # To all of them, as a terminal does.
        os.killpg(process.pid, signal.SIGINT)
        _, said = process.communicate(timeout=60)
    assert process.returncode == 128 + signal.SIGINT, said
    assert said.splitlines()[-1] == (
        "stopped: continue with 'nanoknow sweep rows.yaml --out rows --processes=2'"
    )
    assert all(Run.open(run).latest().record.progress["step"] > 0 for run in runs)
