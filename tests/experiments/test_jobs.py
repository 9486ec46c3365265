"""``--launcher``: jobs train what is not complete; those that fail are named with their logs."""

import json
import logging
import shutil
import sys
from pathlib import Path

import pytest
import yaml

from nanoknow.runs.lock import lock_run
from tests.helpers.cli import refuse, run, succeed

SMALLEST = {
    "data.world": {"people": 20, "paraphrases": 1},
    "model.d_model": 16,
    "model.n_layers": 1,
    "pretrain.epochs": 1,
    "finetune.epochs": 1,
}


def command(*rows: str) -> tuple[str, ...]:
    """Return a sweep of rows that have no run in common."""
    changes = {row: {"pretrain.batch_size": n} for n, row in enumerate(rows, start=8)}
    file = {"config": "demo", "seeds": 1, "common": SMALLEST, "rows": changes}
    Path("rows.yaml").write_text(yaml.safe_dump(file), encoding="utf-8")
    return "sweep", "rows.yaml", "--out", "rows", "--device", "cpu"


@pytest.mark.processes
def test_jobs_train_what_is_left_and_one_that_failed_is_named_with_its_log_and_submitted_again(
    here: Path,
) -> None:
    pytest.importorskip("submitit", reason="the package submitit is not installed")
    succeed(*command("one"))
    asked = (*command("one", "other"), "--launcher", "local")
    other = Path("rows/other/seed-0")
    (other / "pretrain").mkdir(parents=True)
    with lock_run(other / "pretrain"):
        failed = run(*asked)
    *_, said, last = failed.stderr.splitlines()
    assert (failed.exit_code, failed.stdout) == (1, "")
    assert f"{other / 'finetune'}: failed: BusyError: {other / 'pretrain'}: in use by " in said
    log = Path(said.rpartition(": see ")[2])
    assert "BusyError" in log.read_text(encoding="utf-8")
    assert "1 of 1 jobs failed" in last
    assert not Path("rows/other/seed-0/finetune").exists()
    assert "the same command submits them again" in last
    shutil.rmtree(other / "pretrain")
    again = succeed(*asked, "--json")
    assert f"1 jobs, with logs in {Path('rows/jobs')}; " in again.stderr
    assert f"{other / 'finetune'}: is complete" in again.stderr
    assert [row["row"] for row in json.loads(again.stdout)["table"]] == ["one", "other"]


@pytest.mark.parametrize("asked", [("sweep", "best"), ("law", "run", "reversal", "--quick")])
def test_without_the_package_a_line_says_how_to_install_it(
    here: Path, monkeypatch: pytest.MonkeyPatch, asked: tuple[str, ...]
) -> None:
    monkeypatch.setitem(sys.modules, "submitit", None)
    if asked[0] == "sweep":
        asked = command("one")
    refused = refuse(*asked, "--launcher", "slurm")
    assert (
        "needs the package submitit: install it with \"pip install 'nanoknow[slurm]'\"" in refused
    )


@pytest.mark.parametrize(
    ("launcher", "why"), [("slurm", "are you indeed on a slurm cluster?"), ("slrum", "slrum")]
)
def test_where_nothing_can_be_submitted_a_line_says_why(
    here: Path, monkeypatch: pytest.MonkeyPatch, launcher: str, why: str
) -> None:
    pytest.importorskip("submitit", reason="the package submitit is not installed")
    monkeypatch.setenv("PATH", str(here))
    refused = refuse(*command("one"), "--launcher", launcher)
    assert refused.startswith(f"error: --launcher {launcher}: ")
    assert why in refused
    assert not list(Path("rows").glob("*/seed-0"))
    assert not logging.getLogger("submitit").handlers  # which would write beside our results
