"""``nanoknow pretrain``, as a user runs it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from tests.helpers.cli import SMALL, refuse, succeed


def test_the_perceiver_flag_trains_a_perceiver(home: Path) -> None:
    record = json.loads((home / "runs/perceiver/run.json").read_text(encoding="utf-8"))
    assert record["variant"] == "perceiver"
    vanilla = json.loads((home / "runs/vanilla/run.json").read_text(encoding="utf-8"))
    assert record["n_parameters"] - vanilla["n_parameters"] == 64 * 16
    assert "bottleneck_dim: 64" in (home / "runs/perceiver/config.yaml").read_text("utf-8")


def test_pretraining_does_not_ask_for_the_questions(home: Path) -> None:
    nowhere = ("--set", "data.questions=no.tsv", "--set", "data.eval=no.tsv")
    run = ("--epochs", "1", *SMALL, *nowhere, "--out", "runs/no-questions")
    succeed("pretrain", "--corpus", "data/world/wiki.txt", *run)
    shutil.rmtree(home / "runs/no-questions")  # other tests take the latest run


def test_a_file_name_that_fits_several_folders_is_refused(home: Path) -> None:
    (home / "data/twin").mkdir()
    (home / "data/twin/wiki.txt").write_text("Ada Bright. Born in Rome.\n", encoding="utf-8")
    try:
        line = refuse("pretrain", "--corpus", "wiki.txt")
    finally:
        (home / "data/twin/wiki.txt").unlink()
        (home / "data/twin").rmdir()
    assert "wiki.txt: could be data/twin/wiki.txt or data/world/wiki.txt" in line


def test_resume_continues_to_the_end_and_takes_no_other_settings(home: Path) -> None:
    arguments = ("pretrain", "--corpus", "wiki.txt", *SMALL, "--out", "runs/halves")
    first = succeed(*arguments, "--epochs", "3", "--max-minutes", "0", "--json")
    assert json.loads(first.stdout)["step"] == 1
    assert "is a pretrain run" in refuse("finetune", "--resume", "--out", "runs/halves")
    assert "drop --epochs" in refuse(
        "pretrain", "--resume", "--out", "runs/halves", "--epochs", "9"
    )
    second = succeed("pretrain", "--resume", "--out", "runs/halves", "--json")
    assert json.loads(second.stdout)["epochs"] == 3
    assert "holds files already" in refuse(*arguments, "--epochs", "3")
    lines = (home / "runs/halves/metrics.jsonl").read_text(encoding="utf-8").splitlines()
    epochs = [m["epoch"] for m in map(json.loads, lines) if m["kind"] == "epoch"]
    assert epochs == [1, 2, 3]
