"""nanoknow from Python."""

from pathlib import Path

import pytest

import nanoknow
from nanoknow.errors import CheckpointError, ConfigError


def test_a_run_answers_and_samples_from_python_in_two_lines(home: Path) -> None:
    loaded = nanoknow.load(home / "runs" / "answers")
    assert isinstance(loaded.answer("Where was Ada Lovelace born?"), str)
    text = nanoknow.load(str(home / "runs" / "play")).sample("O God", length=20)
    assert len(text) == 20
    with pytest.raises(CheckpointError, match="answers no questions"):
        nanoknow.load(home / "runs" / "play").answer("Where?")
    with pytest.raises(ConfigError, match=r"sample\.top_k"):
        loaded.sample("O", top_k=0)
    with pytest.raises(ConfigError, match=r"sample\.context"):
        loaded.sample("")
