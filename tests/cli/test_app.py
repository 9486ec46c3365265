"""What commands have in common, and those that need neither data nor runs."""

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

import nanoknow
from nanoknow.cli.terminal import Terminal
from nanoknow.errors import DataError
from tests.helpers.cli import json_of, refuse, run, succeed
from tests.helpers.refused import refused
from tests.helpers.small_runs import ENVIRONMENT, PYTHON


def test_the_demo_ends_in_a_table_and_a_picture_and_goes_on_where_it_was(home: Path) -> None:
    sizes = "data.world.people=20 data.world.paraphrases=1 model.d_model=16 model.n_layers=2"
    epochs = "pretrain.epochs=1 finetune.epochs=1 scratch.epochs=1"
    tiny = [f"--set={assignment}" for assignment in f"{sizes} {epochs}".split()]
    report = json_of("demo", *tiny, "--seeds", "2", "--out", "demo")
    assert [len(scores) for scores in report["scores"].values()] == [2, 2]
    assert [len(scores) for scores in report["test_scores"].values()] == [2, 2]
    assert report["test_constant"]["questions"].endswith("/birth_test.tsv")
    assert report["test_constant"]["answer"] == report["constant"]["answer"]
    files = [row["questions"].rpartition("/")[2] for row in report["table"]]
    assert files == 4 * ["birth_dev.tsv", "birth_test.tsv"]
    assert len((home / "demo/table.csv").read_text(encoding="utf-8").splitlines()) == 1 + 8
    assert (home / "demo/demo.png").read_bytes().startswith(b"\x89PNG")
    again = succeed("demo", *tiny, "--seeds", "2", "--out", "demo")
    assert "held-out people born?" in again.stdout
    assert "Picture: demo/demo.png" in again.stdout
    assert "resuming demo/seed-1/finetune" in again.stderr
    assert report["run"] == "demo/seed-0/finetune"
    *held_out, invented = report["replies"]
    dev = Path("demo/seed-0/finetune/predictions").glob("birth_dev*.jsonl")
    asked = [json.loads(line)["question"] for line in next(dev).read_text("utf-8").splitlines()]
    assert [reply["question"] for reply in held_out] == asked[:2]
    assert (invented["evidence"]["documents"], invented["evidence"]["name"]) == (0, None)
    assert f"{invented['question']} (an invented name)\n" in again.stdout
    following = [shlex.split(line) for line in again.stdout.splitlines()[-3:]]
    for program, *words in following:
        assert program == "nanoknow"
        assert "demo/seed-0/finetune" in words
        assert {w for w in words if w[:2] == "--"} <= set(succeed(words[0], "-h").stdout.split())


def test_complexity_prints_the_exact_line_of_the_originals_sizes() -> None:
    report = json_of("complexity", "--seq-len", "128", "--bottleneck", "64")
    assert report["vanilla"]["parameters"] == 3_323_392
    assert report["perceiver"]["parameters"] == 3_339_776
    assert "mℓd" in succeed("complexity").stdout
    assert "m = 64 (spread)" in succeed("complexity", "--latents", "spread").stdout
    spread = json_of("complexity", "--latents", "spread")
    assert spread["perceiver"]["parameters"] == 3_339_776
    assert spread["perceiver"]["flops"] > report["perceiver"]["flops"]
    line = refuse("complexity", "--latents", "last")
    assert "latents: unknown 'last'. Available: first, spread" in line


@pytest.mark.parametrize("command", ["import", "compare", "runs rm", "ask", "sweep"])
def test_a_name_that_no_file_can_have_is_refused_in_a_line(command: str, home: Path) -> None:
    name = 300 * "x"
    more = {"import": ("--corpus", "wiki.txt"), "ask": ("--run", name)}.get(command, ())
    assert f"{name}: File name too long" in refuse(*command.split(), name, *more)


def test_config_show_resolves_flags_over_file_over_defaults() -> None:
    text = succeed("config", "show", "birthplaces", "--set", "seed=7").stdout
    assert "seed: 7" in text
    assert "decay_tokens: 75212800" in text
    assert "Did you mean 'epochs'?" in refuse("config", "show", "--set", "pretrain.epoch=3")


def test_usage_errors_exit_with_2_and_version_is_printed() -> None:
    assert run("pretrain", "--no-such-flag").exit_code == 2
    assert succeed("--version").stdout == f"nanoknow {nanoknow.__version__}\n"


def test_debug_shows_the_traceback(home: Path) -> None:
    result = run("--debug", "baseline", "--eval", "nothing.tsv")
    assert isinstance(result.exception, DataError)
    assert run("baseline", "--eval", "nothing.tsv").exit_code == 1


@pytest.mark.slow
@pytest.mark.parametrize(
    ("command", "code", "said"),
    [
        ("--help >/dev/full", 1, "error: stdout: No space left on device: the result is lost"),
        ("config list >&-", 1, "error: stdout: Bad file descriptor: the result is lost"),
        ("config list >&- 2>&- <&-", 1, ""),
        ("config show x 2>/dev/full", 1, ""),
        ("--nothing 2>&-", 2, ""),
        ("--help | true; exit ${PIPESTATUS[0]}", 141, ""),
        ("config show $'\\xff'", 1, "error: config \\udcff: No such file"),
    ],
)
def test_streams_that_are_full_or_closed_end_in_a_line_and_a_code(
    command: str, code: int, said: str, here: Path
) -> None:
    shell = ["bash", "-c", f"{shlex.join(PYTHON)} -m nanoknow {command}"]
    result = subprocess.run(shell, capture_output=True, text=True, env=ENVIRONMENT, check=False)
    assert (result.returncode, result.stdout) == (code, "")
    assert said in result.stderr
    assert "Traceback" not in result.stderr
    assert result.stderr.count("\n") <= bool(said)


def test_a_stdin_that_cannot_be_read_is_said_in_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    with os.fdopen(os.open(os.devnull, os.O_WRONLY)) as written_only:
        monkeypatch.setattr(sys, "stdin", written_only)
        terminal = Terminal()
        for read in (lambda: terminal.ask("Delete? "), lambda: list(terminal.lines_read())):
            assert refused(DataError, read).startswith("stdin: Bad file descriptor: ")
