"""docs/tour.ipynb is kept without outputs, and runs in a clean kernel (``make test-notebook``)."""

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
TOUR = ROOT / "docs" / "tour.ipynb"


def test_it_is_kept_without_outputs() -> None:
    cells = json.loads(TOUR.read_text(encoding="utf-8"))["cells"]
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    assert len(code) > 10
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in code)


@pytest.mark.notebook
@pytest.mark.timeout(900)
def test_it_runs_from_a_clean_kernel_and_pretraining_knows_what_scratch_does_not(
    here: Path,
) -> None:
    nbformat, nbclient = (pytest.importorskip(name) for name in ("nbformat", "nbclient"))
    notebook = nbformat.read(TOUR, as_version=4)
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": ""}
    nbclient.NotebookClient(notebook, timeout=600).execute(env=environment)
    outputs: list[Any] = [out for cell in notebook.cells for out in cell.get("outputs", ())]
    shown = [out.data for out in outputs if out.output_type in ("execute_result", "display_data")]
    assert sum("image/svg+xml" in data for data in shown) == 5
    assert sum("text/html" in data for data in shown) >= 6
    assert not [out for out in outputs if out.get("name") == "stderr"]
    texts = "\n".join(data["text/plain"] for data in shown)
    scratch, finetuned, *_ = (
        int(n) for n in re.findall(r"^  score +[\d.]+ % \((\d+) of 20;", texts, re.MULTILINE)
    )
    assert scratch <= 5
    assert finetuned >= 12
    assert not any(here.iterdir())
