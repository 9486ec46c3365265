"""A device or a pipe in place of a file is read to its first wrong byte, or up to a limit."""

import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
import typer

from nanoknow.cli.app import app
from nanoknow.data import questions, reading
from nanoknow.data.corpus import read_corpus
from nanoknow.data.questions import read_questions
from nanoknow.errors import DataError
from tests.helpers.cli import refuse, run
from tests.helpers.refused import refused
from tests.helpers.textbook_twins import textbook_vanilla

pytestmark = pytest.mark.timeout(60)
CORPUS, TRAIN = ("--corpus", "wiki.txt"), ("--questions", "birth_places_train.tsv")
EVAL, ANSWERS = ("--eval", "birth_dev.tsv"), ("--run", "runs/answers")
INPUTS, OUTPUTS = ("FILE", "NAME|FILE"), ("--report", "--plot", "--out")
COMMANDS: dict[str, tuple[str, ...]] = {
    "ask": ("ask", "Who?", *ANSWERS),
    "baseline": ("baseline", "--method", "lookup", *CORPUS, *TRAIN, *EVAL),
    "compare": ("compare", "runs/answers", "runs/perceiver"),
    "config show": ("config", "show"),
    "data augment": ("data", "augment", *CORPUS, *TRAIN, "--out", "augmented"),
    "data inspect": ("data", "inspect", *CORPUS, *TRAIN),
    "demo": ("demo",),
    "evaluate": ("evaluate",),
    "export": ("export", "runs/vanilla", "--out", "exported"),
    "finetune": ("finetune", "--from", "runs/vanilla", *TRAIN),
    "import": ("import",),
    "law run": ("law", "run"),
    "learn": ("learn", *CORPUS, *TRAIN, *EVAL),
    "play": ("play", *ANSWERS, "--port", "0"),
    "pretrain": ("pretrain", *CORPUS),
    "sample": ("sample", "--run", "runs/play", "--mark-copied"),
    "sweep": ("sweep",),
    "why": ("why", *ANSWERS),
}
"""How to run each command that reads files; a flag that is given again takes the other's place."""
BESIDE = {
    ("import", "--corpus"): ("vanilla.params",),
    ("import", "--questions"): ("vanilla.params", *CORPUS),
    ("import", "--eval"): ("vanilla.params", *CORPUS, *TRAIN),
    ("import", "file"): CORPUS,
    ("evaluate", "--predictions"): EVAL,
    **{("evaluate", flag): ("runs/answers",) for flag in ("--corpus", "--questions", "--eval")},
}
"""What else some need."""


def inputs(command: Any, name: str = "") -> Iterator[tuple[str, str]]:
    for each, inner in getattr(command, "commands", {}).items():
        yield from inputs(inner, f"{name} {each}".strip())
    for parameter in command.params:
        [flag, *_] = parameter.opts
        if parameter.metavar in INPUTS and flag not in OUTPUTS:
            yield name, flag


@pytest.fixture(scope="module", autouse=True)
def _params(home: Path) -> None:
    torch.save(textbook_vanilla(home / "data/world/wiki.txt").state_dict(), "vanilla.params")


@pytest.mark.parametrize(("command", "flag"), list(inputs(typer.main.get_command(app))))
def test_a_device_without_an_end_is_refused_at_once(home: Path, command: str, flag: str) -> None:
    arguments = [*COMMANDS[command], *BESIDE.get((command, flag), ())]
    named = [flag] if flag.startswith("-") else []
    assert "/dev/zero" in refuse(*arguments, *named, "/dev/zero")


def test_a_line_of_stdin_without_an_end_is_read_to_a_limit(home: Path) -> None:
    answered = run("ask", *ANSWERS, typed=f"Who?\n{100_001 * chr(0)}")
    assert answered.exit_code == 1
    assert answered.stderr.endswith("of over 100,000 characters: write shorter lines\n")
    assert answered.stdout.startswith("Who?\n")
    kept = run("runs", "rm", "runs/answers", typed=100_001 * "y")
    assert kept.stderr.endswith("stdin:1: a line of over 100,000 characters: write shorter lines\n")
    assert Path("runs/answers/run.json").exists()


@pytest.mark.parametrize(("device", "reason"), [("zero", "NUL"), ("urandom", "UTF-8")])
def test_no_more_is_read_than_the_first_wrong_byte_needs(
    device: str, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "CHUNK", 1000)
    monkeypatch.setattr(reading, "PIPE_BYTES", 5000)
    for read in (read_corpus, read_questions):
        lines = [refused(DataError, read, Path("/dev", device)) for _ in range(5)]
        # Of random bytes one read in a hundred or so finds a NUL before what is no UTF-8.
        assert any(reason in line for line in lines)
        assert all(reason in line or "NUL" in line for line in lines)


@pytest.fixture
def pipe() -> Iterator[Any]:
    """What makes a pipe that bytes come out of, and returns its path."""
    ends, threads = [], []

    def make(content: bytes) -> Path:
        reader, writer = os.pipe()

        def write() -> None:
            with os.fdopen(writer, "wb") as file:
                file.write(content)

        ends.append(reader)
        threads.append(threading.Thread(target=write))
        threads[-1].start()
        return Path(f"/dev/fd/{reader}")

    yield make
    for thread, end in zip(threads, ends, strict=True):
        thread.join()
        os.close(end)


def test_a_pipe_is_read_up_to_a_limit_and_a_file_to_its_end(
    tmp_path: Path, pipe: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = b"Ada. Born in Rome.\n" * 100
    (tmp_path / "lives.txt").write_bytes(text)
    monkeypatch.setattr(reading, "PIPE_BYTES", len(text))
    assert read_corpus(pipe(text)).sha256 == read_corpus(tmp_path / "lives.txt").sha256
    monkeypatch.setattr(reading, "PIPE_BYTES", len(text) - 1)
    assert "over 1,899 bytes" in refused(DataError, read_corpus, pipe(text))
    assert len(read_corpus(tmp_path / "lives.txt").codes) == len(text)


def test_a_pipe_that_was_read_already_is_not_called_an_empty_file(pipe: Any) -> None:
    path = pipe(b"Ada. Born in Rome.\n")
    read_corpus(path)
    assert "nothing is left in this pipe" in refused(DataError, read_corpus, path)


def test_questions_are_read_up_to_a_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "questions.tsv"
    path.write_text("Who?\tAda\n")
    monkeypatch.setattr(questions, "QUESTIONS_BYTES", 9)
    assert len(read_questions(path).items) == 1
    monkeypatch.setattr(questions, "QUESTIONS_BYTES", 8)
    assert refused(DataError, read_questions, path) == f"{path}: over 8 bytes: name a file of less"
