"""One training over two processes of torchrun is that of one, and ends as one."""

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from nanoknow.config.loading import dump_config
from nanoknow.data.batch import IGNORE
from nanoknow.errors import NanoknowError
from nanoknow.runs.lock import lock_run
from nanoknow.runs.run import Run
from nanoknow.training.ranks import LostRankError, Ranks
from tests.helpers.small_runs import (
    ENVIRONMENT,
    PYTHON,
    ROOT,
    SmallRun,
    run_python,
    steps_of,
    weights_file,
)
from tests.helpers.training import questions_task

TORCHRUN = [*PYTHON[:1], "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
FLAGS = ("--config", "config.yaml", "--device", "cpu")


def together(*arguments: str | Path, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    command = [*TORCHRUN, "-m", *map(str, arguments)]
    return subprocess.run(
        command, capture_output=True, text=True, cwd=cwd, env=ENVIRONMENT, check=False
    )


def nanoknow_lines(stderr: str) -> list[str]:
    """Return what nanoknow wrote last, without what torchrun says of how its processes ended."""
    ours = ("error: ", "stopped at ")
    return [line for line in stderr.splitlines() if line.startswith(ours)]


def test_the_parts_of_a_batch_are_all_of_it_and_one_without_rows_scores_nothing() -> None:
    whole = questions_task().batch(torch.arange(11), torch.Generator())
    for size in (1, 2, 3, 11):
        parts = [whole.part(rank, size) for rank in range(size)]
        for name in ("tokens", "targets"):
            values = torch.cat([getattr(part, name) for part in parts])
            assert values.sort().values.tolist() == getattr(whole, name).sort().values.tolist()
        assert all(len(part.layout.positions) == len(part.tokens) for part in parts)
    assert (whole.part(11, 12).targets == IGNORE).all()


@pytest.mark.parametrize("rank", [0, 1])
def test_where_another_process_has_gone_before_the_first_step_rank_0_says_a_line(
    monkeypatch: pytest.MonkeyPatch, rank: int
) -> None:
    def gone(*_: object) -> None:
        raise RuntimeError("Connection closed by peer")

    monkeypatch.setattr(torch.distributed, "all_gather_object", gone)
    with pytest.raises(SystemExit if rank else LostRankError), Ranks(rank, 2).agreeing():
        pass


@pytest.mark.parametrize("rank", [0, 1])
def test_rank_0_says_its_own_failure_or_else_whose_it_was(
    monkeypatch: pytest.MonkeyPatch, rank: int
) -> None:
    def gathered(said: list[str | None], mine: str | None) -> None:
        said[:] = [mine, "no disk"]

    monkeypatch.setattr(torch.distributed, "all_gather_object", gathered)
    kind = SystemExit if rank else NanoknowError
    own, others = ("^1$", "^1$") if rank else ("^no text$", "^rank 1: no disk$")
    with pytest.raises(kind, match=own), Ranks(rank, 2).agreeing():
        raise NanoknowError("no text")
    with pytest.raises(kind, match=others), Ranks(rank, 2).agreeing():
        pass


def test_dropout_draws_otherwise_at_each_step_and_rank_and_again_the_same() -> None:
    def drawn(rank: int, size: int, seed: int, step: int) -> float:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(5)
            Ranks(rank, size).seed_dropout(seed, step)
            return float(torch.rand(()))

    cases = [(rank, 2, seed, step) for rank in (0, 1) for seed in (0, 1) for step in (0, 1)]
    found = [drawn(*case) for case in cases]
    assert len({*found, drawn(0, 1, 0, 0)}) == 9
    assert found == [drawn(*case) for case in cases]
    assert drawn(0, 1, 0, 0) == drawn(0, 1, 1, 1)  # alone, it goes on with the state that is kept


@pytest.mark.processes
def test_fifty_steps_of_two_are_those_of_one(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    assert run_python("-m", "tests.tools.two_ranks", str(one)).returncode == 0
    done = together("tests.tools.two_ranks", two)
    assert done.returncode == 0, done.stderr
    alone, both = load_file(one), load_file(two)
    assert len(alone["losses"]) == 51
    torch.testing.assert_close(both.pop("losses"), alone.pop("losses"), rtol=1e-10, atol=0)
    ours, theirs = (torch.cat([w[name].flatten() for name in alone]) for w in (both, alone))
    assert (ours - theirs).norm() <= 1e-10 * theirs.norm()


@pytest.fixture
def trained(small: SmallRun) -> SmallRun:
    """A run with dropout, its config beside it, not begun."""
    model = small.config.model.model_copy(update={"dropout": 0.2})
    small.config = small.config.model_copy(update={"model": model})
    (small.folder / "config.yaml").write_text(dump_config(small.config))
    return small


@pytest.mark.processes
def test_a_run_of_two_is_written_once_and_resumed_to_the_bit(trained: SmallRun) -> None:
    command = ("nanoknow", "pretrain", *FLAGS)
    whole = together(*command, "--out", "whole", cwd=trained.folder)
    assert whole.returncode == 0, whole.stderr
    assert (whole.stdout.count("epochs"), whole.stderr.count(" parameters, on ")) == (1, 1)
    first = together(*command, "--out", "run", "--max-minutes", "0", cwd=trained.folder)
    assert first.returncode == 0, first.stderr
    assert steps_of(trained.run) == [1]
    resume = ("nanoknow", "pretrain", "--resume", "--out", "run")
    second = together(*resume, "--device", "cpu", cwd=trained.folder)
    assert second.returncode == 0, second.stderr
    assert steps_of(trained.run) == [*range(1, 13)]
    assert weights_file(trained.run) == weights_file(Run.open(trained.folder / "whole"))
    again = together(*resume, "--device", "cpu", cwd=trained.folder)
    assert (again.returncode, again.stdout.count("epochs")) == (0, 1)
    refused = together(*resume, "--learning-rate", "1", cwd=trained.folder)
    assert len(nanoknow_lines(refused.stderr)) == 1
    alone = run_python("-m", *resume, "--epochs", "5", cwd=trained.folder)
    assert "warning: ranks 2 then and 1 now" in alone.stderr


@pytest.mark.processes
@pytest.mark.parametrize("victim", [0, 1])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_signal_to_one_ends_both_at_one_step_which_is_saved(
    trained: SmallRun, victim: int, number: int
) -> None:
    trained.change_stage(epochs=1_000_000)
    (trained.folder / "config.yaml").write_text(dump_config(trained.config))
    command = [*TORCHRUN, "-m", "nanoknow", "pretrain", *FLAGS, "--out", "run"]
    with subprocess.Popen(
        command, stderr=subprocess.PIPE, text=True, cwd=trained.folder, env=ENVIRONMENT
    ) as process:
        metrics, begun = trained.path / "metrics.jsonl", '"kind": "step"'
        while process.poll() is None and not (metrics.exists() and begun in metrics.read_text()):
            time.sleep(0.05)
        os.kill(pid_of(process.pid, victim), number)
        _, stderr = process.communicate(timeout=90)
    assert process.returncode != 0
    saved = trained.run.latest().record.progress["step"]
    lines = nanoknow_lines(stderr)
    if number == signal.SIGTERM:
        assert saved == steps_of(trained.run)[-1] > 0
        assert [line.split(" and saved")[0] for line in lines] == [f"stopped at step {saved}"]
    elif victim == 1:
        assert saved == steps_of(trained.run)[-1] > 0
        assert len(lines) == 1
    else:  # whoever wrote is gone, and who followed has nothing to say
        assert lines == []


def pid_of(agent: int, rank: int) -> int:
    """Return the process of a rank: a child of torchrun's with this rank in its environment."""
    children = Path(f"/proc/{agent}/task/{agent}/children").read_text().split()
    for child in children:
        environment = Path(f"/proc/{child}/environ").read_bytes().split(b"\0")
        if f"RANK={rank}".encode() in environment:
            return int(child)
    raise AssertionError(f"no rank {rank} among {children}")


@pytest.mark.processes
def test_what_cannot_start_is_said_once(trained: SmallRun) -> None:
    (trained.folder / "lives.txt").unlink()
    done = together("nanoknow", "pretrain", *FLAGS, "--out", "run", cwd=trained.folder)
    assert done.returncode != 0
    assert len(nanoknow_lines(done.stderr)) == 1
    run = SmallRun(trained.folder).cut()
    with lock_run(run.path):
        busy = together("nanoknow", "pretrain", "--resume", "--out", "run", cwd=trained.folder)
    assert len(nanoknow_lines(busy.stderr)) == 1
    assert "[rank1]" not in busy.stderr  # no traceback of the one that waits for the other
    demo = together("nanoknow", "demo", cwd=trained.folder)
    assert "torchrun: for pretrain and finetune" in demo.stderr
