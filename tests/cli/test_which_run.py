"""Every command that takes a run: which one it takes, and which it refuses."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.helpers.cli import commands_with, json_of, record_of, refuse

QUESTION = "Where was Ada Fox</b> born?"
NAMED: dict[str, list[str]] = {
    "finetune": ["finetune", "--from", "RUN", "--out", "runs/new"],
    "evaluate": ["evaluate", "RUN"],
    "compare": ["compare", "RUN", "runs/untaught"],
    "ask": ["ask", QUESTION, "--run", "RUN"],
    "attention": ["attention", "RUN", "--question", QUESTION],
    "sample": ["sample", "RUN"],
}
"""Each command that reads the weights of a run that is named."""
RECORDS = {"plot"}
"""Commands that read what a run recorded, and no weights."""


def takes_a_run(parameter: Any) -> bool:
    return "RUN" in (parameter.metavar or "")


def test_every_command_that_takes_a_run_has_a_row() -> None:
    assert commands_with(takes_a_run) == set(NAMED) | RECORDS


def last_checkpoint(run: str) -> Path:
    return max(Path(run, "checkpoints").iterdir())


@pytest.fixture
def swapped(markup: Path) -> Path:
    """A run whose last checkpoint was copied from another, which it would fit."""
    run = markup / "runs/swapped"
    shutil.copytree("runs/<i>&run", run, dirs_exist_ok=True)
    last = last_checkpoint("runs/swapped")
    shutil.rmtree(last)
    shutil.copytree(last_checkpoint("runs/untaught"), last)
    return last


@pytest.mark.parametrize("command", NAMED)
def test_weights_of_another_run_are_refused_by_both_ids(swapped: Path, command: str) -> None:
    theirs, ours = (record_of(f"runs/{name}")["id"] for name in ("untaught", "<i>&run"))
    for named in ("runs/swapped", f"runs/swapped/checkpoints/{swapped.name}"):
        error = refuse(*(named if word == "RUN" else word for word in NAMED[command]))
        assert f"{swapped.name}: belongs to run {theirs}, and runs/swapped is run {ours}" in error


@pytest.mark.parametrize("command", ["finetune", "pretrain"])
def test_a_run_with_the_weights_of_another_is_not_resumed(swapped: Path, command: str) -> None:
    assert commands_with(lambda p: p.name == "resume") == {"finetune", "pretrain"}
    record = record_of("runs/swapped")
    stage = {"finetune": "scratch", "pretrain": "pretrain"}[command]
    Path("runs/swapped/run.json").write_text(json.dumps({**record, "stage": stage}))
    error = refuse(command, "--resume", "--out", "runs/swapped")
    assert f"{swapped.name}: belongs to run " in error


def test_a_run_folder_that_is_copied_stays_valid(markup: Path) -> None:
    shutil.copytree("runs/untaught", "elsewhere/copy")
    assert json_of("evaluate", "elsewhere/copy")["score"]["n"] == 8


def test_runs_carry_ids_of_their_own_and_numbers_in_the_order_they_were_made(home: Path) -> None:
    records = [record_of(f"runs/{name}") for name in ("vanilla", "perceiver", "play", "answers")]
    assert [record["number"] for record in records] == [1, 2, 3, 4]
    assert len({record["id"] for record in records}) == 4
    for name, record in zip(("vanilla", "answers"), (records[0], records[3]), strict=True):
        last = json.loads((last_checkpoint(f"runs/{name}") / "checkpoint.json").read_text())
        assert last["content"]["run"] == record["id"]
