"""A process that is killed or stopped leaves a run that goes on."""

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from nanoknow.config.loading import dump_config
from nanoknow.errors import Interrupted
from nanoknow.runs.folders import list_checkpoints
from nanoknow.training import session
from tests.helpers.refused import refused
from tests.helpers.small_runs import ENVIRONMENT, PYTHON, SmallRun, run_python, steps_of


@pytest.mark.processes
def test_runs_that_are_killed_and_resumed_end_as_those_never_interrupted() -> None:
    result = run_python("-m", "tests.tools.kill", "--kills", "8", "--seed", "1")
    assert result.returncode == 0, result.stderr
    assert "every run ended as the uninterrupted one, byte for byte" in result.stdout


def test_what_a_kill_left_half_written_is_swept_up(small: SmallRun) -> None:
    run = small.cut()
    (run.checkpoints / ".step-00000099.partial").mkdir()
    (run.checkpoints / ".step-00000099.partial" / "model.safetensors").write_bytes(b"half")
    for name in ("metrics.jsonl", "config.yaml"):
        (run.path / f".{name}.123.tmp").write_bytes(b"half")
    with run.metrics_file.open("a") as file:
        file.write('{"kind": "st')
    small.resume()
    assert sorted(path.name for path in run.path.iterdir()) == [
        "checkpoints", "config.yaml", "lock", "lock.holder", "metrics.jsonl", "run.json",
    ]  # fmt: skip
    assert [*run.checkpoints.iterdir()] == list_checkpoints(run.checkpoints)
    assert steps_of(run) == [*range(1, 13)]


@pytest.mark.processes
@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130), (signal.SIGHUP, 129)]
)
def test_a_signal_ends_the_command_at_the_step_with_its_code(
    number: int, code: int, small: SmallRun
) -> None:
    small.change_stage(epochs=1_000_000)
    (small.folder / "config.yaml").write_text(dump_config(small.config))
    command = [*PYTHON, "-m", "nanoknow", "pretrain", "--config", "config.yaml", "--out", "run"]
    with subprocess.Popen(
        command, stderr=subprocess.PIPE, text=True, cwd=small.folder, env=ENVIRONMENT
    ) as process:
        metrics = small.path / "metrics.jsonl"
        while process.poll() is None and not (metrics.exists() and "step" in metrics.read_text()):
            time.sleep(0.05)
        process.send_signal(number)
        _, refusal = process.communicate(timeout=60)
    assert process.returncode == code, refusal
    step = small.run.latest().record.progress["step"]
    assert refusal.splitlines()[-1].startswith(f"stopped at step {step} and saved: continue with ")
    assert step > 0


@pytest.mark.processes
def test_training_goes_on_where_nobody_reads_what_it_says(small: SmallRun) -> None:
    (small.folder / "config.yaml").write_text(dump_config(small.config))
    command = [*PYTHON, "-m", "nanoknow", "pretrain", "--config", "config.yaml", "--out", "run"]
    reader, writer = os.pipe()
    os.close(reader)
    with Path("/dev/full").open("w") as full:
        result = subprocess.run(
            command, stdout=full, stderr=writer, cwd=small.folder, env=ENVIRONMENT, check=False
        )
    os.close(writer)
    assert result.returncode == 1  # of the result alone, which nobody saw
    assert steps_of(small.run) == [*range(1, 13)]
    assert small.run.latest().record.progress["step"] == 12


@pytest.mark.parametrize("during", ["save_checkpoint", "environment"])
def test_a_signal_before_the_first_step_names_what_continues_too(
    during: str, small: SmallRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = getattr(session, during)

    def stopped(*args: object) -> object:
        monkeypatch.undo()
        signal.raise_signal(signal.SIGINT)
        return whole(*args)

    monkeypatch.setattr(session, during, stopped)
    assert f"'nanoknow pretrain --resume --out {small.path}'" in refused(Interrupted, small.start)
    assert small.resume().step == 12


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_second_signal_ends_the_process_at_once(number: int) -> None:
    script = (
        "import signal\n"
        "from nanoknow.system.signals import stop_signals\n"
        "with stop_signals() as received:\n"
        f"    signal.raise_signal({number})\n"
        f"    assert received == [{number}]\n"
        f"    signal.raise_signal({number})\n"
        "print('still here')\n"
    )
    result = run_python("-c", script)
    assert (result.returncode, result.stdout) == (-number, "")
