"""docs/python.md: its blocks run as they are, one after another, on data of a few seconds."""

import re
from pathlib import Path
from typing import Any

import pytest

PAGE = Path(__file__).parents[1] / "docs" / "python.md"
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def test_its_blocks_run_as_they_are(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = PAGE.read_text(encoding="utf-8")
    blocks = BLOCK.findall(text)
    assert len(blocks) == text.count("```python") >= 6
    names: dict[str, Any] = {}
    for block in blocks:
        exec(compile(block, str(PAGE), "exec"), names)
    out = capsys.readouterr().out
    assert out.count("\nEvaluation\n") == 1
    assert "torch.Size([2, 32])" in out
    assert "--set pretrain.epoch" in out.splitlines()[-1]
    assert names["pretrained"].epochs == 1
    assert Path(names["finetuned"].run).is_relative_to("runs")
