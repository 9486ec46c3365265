"""Runs that release 0.1.0 made, stopped half-way, are opened, asked and resumed as it did so."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

import nanoknow
from tests.helpers.cli import json_of

MADE = Path(__file__).parent / "made_by_0_1_0"
"""With ``expected.json``: what 0.1.0 itself answered, wrote, and came to on resuming."""
EXPECTED: dict[str, dict[str, Any]] = json.loads((MADE / "expected.json").read_text("utf-8"))
FINETUNED = [name for name in EXPECTED if "answers" in EXPECTED[name]]


@pytest.fixture
def older(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with copies of the runs, which are written to when they are asked."""
    shutil.copytree(MADE, tmp_path / "runs")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("name", FINETUNED)
def test_an_older_run_gives_the_answers_it_gave(older: Path, name: str) -> None:
    found = json_of("evaluate", f"runs/{name}")
    answers = (older / found["predictions"]).read_text("utf-8").splitlines()
    assert answers == list(EXPECTED[name]["answers"].values())
    assert found["score"]["n"] == len(answers)


@pytest.mark.parametrize("name", FINETUNED)
def test_an_older_run_is_asked(older: Path, name: str) -> None:
    expected = EXPECTED[name]["ask"]
    found = json_of("ask", expected["question"], "--run", f"runs/{name}")
    assert [a["answer"] for a in found["answers"]] == [text for text, _ in expected["answers"]]
    scores = [score for _, score in expected["answers"]]
    assert [a["log_probability"] for a in found["answers"]] == pytest.approx(scores, abs=1e-3)


@pytest.mark.parametrize("name", [name for name in EXPECTED if name not in FINETUNED])
def test_an_older_run_writes_what_it_wrote(older: Path, name: str) -> None:
    run = nanoknow.load(older / "runs" / name, "cpu")
    written = run.sample(context="Was", length=40, temperature=0.5, seed=1)
    assert written == EXPECTED[name]["sample"]


@pytest.mark.slow
@pytest.mark.parametrize("name", EXPECTED)
def test_an_older_run_is_resumed_to_the_same_end(older: Path, name: str) -> None:
    command = "finetune" if name in FINETUNED else "pretrain"
    found = json_of(command, "--resume", "--out", f"runs/{name}", "--device", "cpu")
    expected = EXPECTED[name]["resumed"]
    assert (found["epochs"], found["step"]) == (expected["epochs"], expected["step"])
    assert found["loss"] == pytest.approx(expected["loss"], abs=1e-3)
