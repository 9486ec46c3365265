"""``nanoknow finetune``, as a user runs it."""

import json
from pathlib import Path

from nanoknow.runs.run import Run
from tests.helpers.cli import SMALL, kinds_of, record_of, refuse, succeed

TRAIN = ("--questions", "birth_places_train.tsv")
TUNE = ("finetune", "--from", "runs/vanilla")


def test_finetune_starts_from_the_latest_pretrained_run(home: Path) -> None:
    result = succeed("finetune", *TRAIN, "--epochs", "1", "--out", "runs/tuned", "--json")
    assert "starting from runs/perceiver" in result.stderr
    assert json.loads(result.stdout)["variant"] == "perceiver"
    assert record_of("runs/tuned")["started_from"].endswith(
        "runs/perceiver/checkpoints/step-00000002"
    )


def test_finetune_from_scratch_needs_no_run(home: Path) -> None:
    result = succeed(
        "finetune", "--from", "scratch", "--corpus", "wiki.txt", *TRAIN, "--eval",
        "birth_dev.tsv", *SMALL, "--epochs", "2", "--out", "runs/scratch",
    )  # fmt: skip
    assert "accuracy" in result.stdout
    assert len(kinds_of("runs/scratch", "epoch")) == 2
    assert len(kinds_of("runs/scratch", "accuracy")) == 1


def test_flags_cannot_change_the_model_of_a_run(home: Path) -> None:
    line = refuse(*TUNE, *TRAIN, "--model", "perceiver")
    assert "--model perceiver: runs/vanilla has variant vanilla" in line


def test_finetune_refuses_questions_without_answers(home: Path) -> None:
    line = refuse(*TUNE, "--questions", "birth_test_inputs.tsv")
    assert "has no answers to learn" in line


def test_questions_that_do_not_fit_the_block_are_refused_before_training(home: Path) -> None:
    (home / "long.tsv").write_text("Where was X born?\tParis\n" + "x" * 130 + "\tParis\n", "utf-8")
    line = refuse(*TUNE, *TRAIN, "--eval", "long.tsv", "--out", "runs/never")
    assert "long.tsv:2: 1 of 2 questions are longer than the model's block_size of 128" in line
    assert "up to 137 characters" in line
    assert not (home / "runs/never").exists()


def test_finetuning_keeps_the_corpus_its_run_was_pretrained_on(home: Path) -> None:
    (home / "other.txt").write_text("Ada Bright. Born in Rome.\n", encoding="utf-8")
    succeed(*TUNE, *TRAIN, "--epochs", "1", "--out", "runs/kept")
    assert record_of("runs/kept")["data"]["corpus"] == record_of("runs/vanilla")["data"]["corpus"]
    assert "was pretrained on" in refuse(*TUNE, *TRAIN, "--corpus", "other.txt")


def test_finetuning_by_another_config_records_the_pretraining_that_was(home: Path) -> None:
    succeed(*TUNE, *TRAIN, "--config", "demo", "--epochs", "1", "--out", "runs/other")
    tuned, pretrained = (Run.open(Path("runs", name)).config for name in ("other", "vanilla"))
    assert tuned.pretrain == pretrained.pretrain


def test_a_run_that_learned_nothing_is_not_the_latest(home: Path) -> None:
    failed = refuse(
        "pretrain", "--corpus", "wiki.txt", *SMALL, "--learning-rate", "1e30", "--epochs", "9",
        "--out", "runs/failed",
    )  # fmt: skip
    assert "stopped before the update" in failed
    (home / "runs/broken").mkdir()
    (home / "runs/broken/run.json").write_text("{", encoding="utf-8")
    result = succeed("finetune", *TRAIN, "--epochs", "1", "--out", "runs/after")
    assert "starting from runs/failed" not in result.stderr


def test_finetuning_in_another_precision_than_pretraining_names_both(home: Path) -> None:
    trained = kinds_of("runs/vanilla", "start")[0]["precision"]
    other = "float32" if trained == "bfloat16" else "bfloat16"
    for precision in (trained, other):
        out = f"runs/in-{precision}"
        asked = ("--set", f"precision={precision}", "--epochs", "1", "--out", out)
        result = succeed(*TUNE, *TRAIN, *asked)
        note = f"precision: {precision} now, and {trained} in what it starts from"
        assert (note in result.stderr) == (precision != trained)
        assert kinds_of(out, "start")[0]["precision"] == precision
