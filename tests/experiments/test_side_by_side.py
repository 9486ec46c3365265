"""Runs in processes of their own end as those one after another, and stop with the command."""

import json
import os
import shlex
import signal
import subprocess
import time
from multiprocessing import Pipe, get_context
from pathlib import Path

import pytest

from nanoknow.config.loading import load_config, parse_assignment
from nanoknow.config.sweep import SweepConfig
from nanoknow.errors import DataError, Interrupted
from nanoknow.experiments.pipeline import Launch, PlannedRun
from nanoknow.experiments.side_by_side import _hear, _work
from nanoknow.experiments.sweep import sweep
from nanoknow.runs.run import Run
from nanoknow.system.reporter import Reporter
from nanoknow.training.session import TrainingOptions, TrainingSummary
from tests.helpers.silent import Silent
from tests.helpers.small_runs import ENVIRONMENT, OPTIONS, PYTHON, weights_file

SIZES = "data.world.people=20 data.world.paraphrases=1 model.d_model=16 model.n_layers=1"
EPOCHS = "pretrain.epochs=2 finetune.epochs=1 scratch.epochs=1"
TINY = [parse_assignment(text) for text in f"{SIZES} {EPOCHS}".split()]


def weights(folder: Path) -> dict[str, bytes]:
    """Return what the runs below a folder have learned."""
    runs = [Run.open(file.parent) for file in sorted(folder.glob("**/run.json"))]
    return {str(run.path.relative_to(folder)): weights_file(run) for run in runs}


@pytest.mark.processes
def test_runs_side_by_side_are_those_one_after_another_to_the_bit(here: Path) -> None:
    common = {override.key: override.value for override in TINY}
    file = SweepConfig(config="demo", seeds=1, common=common, rows={"plain": {}})
    one = sweep(file, Launch(None, here / "one", "cpu"), Silent())
    reporter = Silent()
    two = sweep(file, Launch(None, here / "two", "cpu", 2), reporter)
    assert weights(here / "two") == weights(here / "one")
    assert two.rows[0].scores == one.rows[0].scores
    place = here / "two/plain/seed-0"
    assert any(note.startswith(f"{place}/finetune: corpus: ") for note in reporter.notes)
    for name in ("pretrain", "finetune"):
        assert any(f"resuming {place / name} at " in note for note in reporter.notes)


@pytest.mark.parametrize(
    "error",
    [DataError("wiki.txt: no such file"), Interrupted("stopped at step 3", 15), KeyError("defect")],
)
def test_what_ends_a_process_is_raised_as_it_was_with_its_traceback_for_debugging(
    error: Exception,
) -> None:
    receiver, sender = Pipe(duplex=False)

    class Failing(PlannedRun):
        def train(self, options: TrainingOptions, reporter: Reporter) -> TrainingSummary:
            del options
            reporter.note("at work")
            raise error

    _work([Failing("row", load_config("demo"), Path("rows/finetune"), None)], OPTIONS, sender)
    assert receiver.recv() == "rows/finetune: at work"
    arrived = receiver.recv()
    assert (type(arrived), str(arrived)) == (type(error), str(error))
    assert getattr(arrived, "exit_code", 1) == getattr(error, "exit_code", 1)
    told = "".join(getattr(arrived, "__notes__", []))
    assert "in train" in told or isinstance(error, Interrupted)


@pytest.mark.processes
@pytest.mark.parametrize(
    ("code", "why"), [(-9, "want of memory perhaps"), (1, "under if __name__ == '__main__'")]
)
def test_a_process_that_ends_within_a_message_is_said_to_have_ended(code: int, why: str) -> None:
    receiver, sender = Pipe(duplex=False)
    os.write(sender.fileno(), (100).to_bytes(4, "big") + b"the beginning of a message")
    sender.close()
    end, given = (os._exit, code) if code > 0 else (signal.raise_signal, -code)
    process = get_context("spawn").Process(target=end, args=(given,))
    process.start()
    running = {receiver: process}
    error = str(_hear(receiver, running, Silent()))
    assert f"a training process ended with {code}" in error
    assert why in error
    assert not running


@pytest.mark.processes
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP])
def test_ctrl_c_saves_what_the_processes_train_and_names_what_continues(
    here: Path, number: int
) -> None:
    common = {each.key: each.value for each in TINY} | {"pretrain.epochs": 1000000}
    file = {"config": "demo", "seeds": 1, "common": common, "rows": {"plain": {}}}
    Path("rows.yaml").write_text(json.dumps(file), encoding="utf-8")
    asked = ["sweep", "rows.yaml", "--out=mine", "--processes=2"]
    run = here / "mine/plain/seed-0/pretrain"
    with subprocess.Popen(
        [*PYTHON, "-m", "nanoknow", *asked],
        stderr=subprocess.PIPE,
        text=True,
        cwd=here,
        env=ENVIRONMENT,
        start_new_session=True,
    ) as process:
        metrics = run / "metrics.jsonl"
        while process.poll() is None and not (metrics.exists() and "step" in metrics.read_text()):
            time.sleep(0.05)
        # To all of them, as a terminal does.
        os.killpg(process.pid, number)
        _, said = process.communicate(timeout=60)
    assert process.returncode == 128 + number, said
    assert said.splitlines()[-1] == f"stopped: continue with 'nanoknow {shlex.join(asked)}'"
    assert "Traceback" not in said
    assert Run.open(run).latest().record.progress["step"] > 0
