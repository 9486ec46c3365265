"""``nanoknow pretrain``, as a user runs it."""

import shlex
import shutil
from pathlib import Path

from tests.helpers.cli import SMALL, json_of, kinds_of, record_of, refuse, succeed


def test_the_perceiver_flag_trains_a_perceiver(home: Path) -> None:
    record, vanilla = record_of("runs/perceiver"), record_of("runs/vanilla")
    assert record["variant"] == "perceiver"
    assert record["n_parameters"] - vanilla["n_parameters"] == 64 * 16
    assert "bottleneck_dim: 64" in (home / "runs/perceiver/config.yaml").read_text("utf-8")


def test_pretraining_reads_training_questions_where_they_are_named_and_no_others(
    home: Path,
) -> None:
    nowhere = ("--set", "data.eval=no.tsv", "--out", "runs/no-questions")
    run = ("pretrain", "--corpus", "data/world/wiki.txt", "--epochs", "1", *SMALL, *nowhere)
    assert "no.tsv: no such file" in refuse(*run, "--questions", "no.tsv")
    succeed(*run)
    shutil.rmtree(home / "runs/no-questions")  # other tests take the latest run


def test_a_file_name_that_fits_several_folders_is_refused(home: Path) -> None:
    shutil.copytree(home / "data/world", home / "data/twin")
    try:
        line = refuse("pretrain", "--corpus", "wiki.txt")
    finally:
        shutil.rmtree(home / "data/twin")
    assert "wiki.txt: could be data/twin/wiki.txt or data/world/wiki.txt" in line


def test_resume_continues_to_the_end_and_takes_no_new_start(home: Path) -> None:
    arguments = ("pretrain", "--corpus", "wiki.txt", *SMALL, "--out", "runs/halves")
    assert json_of(*arguments, "--epochs", "3", "--max-minutes", "0")["step"] == 1
    assert "is a pretrain run" in refuse("finetune", "--resume", "--out", "runs/halves")
    resume = ("pretrain", "--resume", "--out", "runs/halves")
    assert json_of(*resume)["epochs"] == 3
    assert "holds files already" in refuse(*arguments, "--epochs", "3")
    assert [event["epoch"] for event in kinds_of("runs/halves", "epoch")] == [1, 2, 3]


def test_what_is_stopped_early_names_the_command_that_continues_it(home: Path) -> None:
    arguments = ("pretrain", "--corpus", "wiki.txt", *SMALL, "--epochs", "2")
    stopped = succeed(*arguments, "--max-minutes", "0", "--out", "runs/in two parts")
    said = " ".join(stopped.stdout.split())
    command = said.partition("(continue with '")[2].partition(")")[0].removesuffix("'")
    assert shlex.split(command)[-1] == "runs/in two parts"
    continued = succeed(*shlex.split(command)[1:])
    assert "2 of 2" in continued.stdout
    assert "continue with" not in continued.stdout
    assert "loss, last epoch (mean of batches)" in continued.stdout


def test_a_warmup_as_long_as_the_training_is_warned_of_before_the_first_step(home: Path) -> None:
    set_by_hand = ("--set=model.block_size=128", "--set=pretrain.schedule.warmup_tokens=10240")
    arguments = ("pretrain", "--corpus", "wiki.txt", *SMALL, *set_by_hand, "--max-minutes", "0")
    for epochs in (1, 2):
        out = f"runs/warm-{epochs}"
        noted = succeed(*arguments, "--epochs", str(epochs), "--out", out).stderr
        warned = "warning: schedule.warmup_tokens 10,240 in a training of 10,160 tokens" in noted
        assert warned == (epochs == 1)
        shutil.rmtree(home / out)  # other tests take the latest run
