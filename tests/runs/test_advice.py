"""What is advised about files that cannot be read: deleting them, only where a hash fails."""

import ast
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import nanoknow
from nanoknow.errors import CheckpointError
from nanoknow.runs.finding import open_checkpoint
from nanoknow.runs.lock import lock_run
from nanoknow.runs.run import Run
from tests.helpers.checkpoints import CPU, FILES
from tests.helpers.refused import refused
from tests.helpers.small_runs import SmallRun

WRONG = ("damaged", "delete", "train it again", "train the run again")


def read_all(path: Path) -> None:
    """Read everything of a run that some command reads."""
    run, checkpoint = open_checkpoint(path)
    checkpoint.load_model(CPU)
    checkpoint.load_training_state()
    list(run.metrics())
    assert run.config


def advice(path: Path) -> str:
    message = refused(CheckpointError, read_all, path)
    assert not [word for word in WRONG if word in message], message
    return message


def files_of(run: Run) -> list[Path]:
    """Return each file that is read: what a run records, and its last checkpoint."""
    own = [run.path / name for name in ("run.json", "config.yaml", "metrics.jsonl")]
    return [*own, *run.latest().path.iterdir()]


@pytest.fixture
def run(whole: SmallRun) -> Run:
    return whole.run


def test_a_file_that_cannot_be_read_is_not_called_damaged(run: Run) -> None:
    """As with permissions that are denied, which nobody can deny to root."""
    read_all(run.path)
    for file in files_of(run):
        whole = file.read_bytes()
        file.unlink()
        file.symlink_to(file)
        message = advice(run.path)
        assert message.startswith(f"{file}: ")
        assert "Too many levels of symbolic links" in message
        file.unlink()
        file.write_bytes(whole)
    read_all(run.path)


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is denied to root")
def test_denied_permission_is_named_as_the_reason(run: Run) -> None:
    for place in (*files_of(run), run.latest().path, run.checkpoints):
        mode = place.stat().st_mode
        place.chmod(0)
        assert "Permission denied" in advice(run.path)
        place.chmod(mode)


@pytest.mark.parametrize("name", FILES)
def test_a_checkpoint_that_is_replaced_meanwhile_is_not_called_damaged(run: Run, name: str) -> None:
    last = run.latest().path
    (last / name).unlink()
    expected = f"{last / name}: is gone: if training has just replaced it, run the command again"
    assert advice(last).startswith(expected)
    shutil.rmtree(last)
    assert "is gone" in advice(last)


def test_a_checkpoint_that_is_being_saved_is_not_complete(run: Run) -> None:
    last = run.latest().path
    partial = last.rename(last.with_name(f".{last.name}.partial"))
    assert advice(partial).startswith(f"{partial}: not saved to its end, or not yet: name the run")
    (partial / FILES[0]).unlink()
    assert advice(partial).startswith(f"{partial}: not saved to its end, or not yet: name the run")


def test_a_run_that_is_just_starting_is_waited_for(run: Run) -> None:
    with lock_run(run.path):
        shutil.rmtree(run.checkpoints)
        assert "holds no checkpoint: if it is starting, wait for its first" in advice(run.path)
        (run.path / "run.json").unlink()
        assert "is starting or ended before its first step: it has no run.json: wait" in advice(
            run.path
        )


RECORDS: dict[str, Callable[[Path], object]] = {
    "cut short": lambda file: file.write_bytes(file.read_bytes()[:-9]),
    "empty": lambda file: file.write_bytes(b""),
    "no object": lambda file: file.write_bytes(b"[1]\n"),
    "of another version": lambda file: file.write_bytes(b'{"format": 2, "more": 1}\n'),
    "of another type": lambda file: file.write_text(
        file.read_text("utf-8").replace('"seed": 5', '"seed": "x"')
    ),
    "deep": lambda file: file.write_bytes(b"[" * 100_000),
}


@pytest.mark.parametrize("change", RECORDS)
def test_a_record_without_a_hash_is_not_called_damaged(run: Run, change: str) -> None:
    file = run.path / "run.json"
    RECORDS[change](file)
    message = advice(run.path)
    assert message.startswith(f"{file}: ")
    assert change != "of another type" or "seed: must be a whole number (got 'x')" in message


@pytest.mark.parametrize(
    "line",
    ["[1]", "{}", '{"kind": "step", "step": "x"}', '{"step": 1}', "x", '{"kind": "\x0cstep"}'],
)
def test_a_line_that_records_nothing_is_named(run: Run, line: str) -> None:
    lines = run.metrics_file.read_text("utf-8")
    run.metrics_file.write_text(f"{lines}{line}\n", encoding="utf-8")
    named = f"metrics.jsonl:{lines.count(chr(10)) + 1}: "
    assert named in advice(run.path)


def strings() -> Iterator[tuple[str, str]]:
    """Yield each function of the package that is about runs, with the text of its messages."""
    for folder in ("runs", "training", "generation", "evaluation", "experiments", "cli", "report"):
        for file in Path(nanoknow.__file__).parent.joinpath(folder).glob("*.py"):
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
                if isinstance(node, ast.FunctionDef):
                    texts = [n for n in ast.walk(node) if isinstance(n, ast.JoinedStr)]
                    yield f"{file.stem}.{node.name}", " ".join(map(ast.unparse, texts))


def test_only_what_failed_its_hash_is_said_to_be_damaged_or_to_be_deleted() -> None:
    found = {name for name, text in strings() if "delete" in text or "damaged" in text}
    assert found == {"checkpoint._damaged"}
