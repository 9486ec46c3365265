"""``nanoknow sample --mark-copied`` marks what stands in the training text, and counts it."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import Result

from tests.helpers.cli import run, succeed
from tests.helpers.homes import working_in

TEXT = "To be, or not to be, that is the question:\nO God, O God!\n" * 4
CONTEXT = "O God"
COLORS = {"FORCE_COLOR": "1", "TERM": "xterm-256color"}


def sample(*arguments: str, env: dict[str, str] | None = None) -> Result:
    asked = [
        "sample",
        "--context",
        CONTEXT,
        "--length",
        "60",
        "--top-k",
        "1",
        "--past-block",
        "hop",
        *arguments,
    ]
    return run(*asked, env=env)


@pytest.fixture(scope="module")
def learned(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A working directory with a language model that has begun to learn a text."""
    sizes = ("n_layers=1", "d_model=32", "n_heads=2", "block_size=32")
    with working_in(tmp_path_factory.mktemp("copied")) as folder:
        (folder / "play.txt").write_text(TEXT, encoding="utf-8")
        arguments = ["pretrain", "--corpus", "play.txt", "--epochs", "3", "--batch-size", "32"]
        for assignment in (*(f"model.{s}" for s in sizes), "pretrain.task.kind=language_modeling"):
            arguments += ["--set", assignment]
        succeed(*arguments, "--out", "runs/play")
        yield folder


def test_stretches_stand_in_the_text_where_they_are_said_to(learned: Path) -> None:
    result = sample("--mark-copied", "--min-copied", "3", "--json")
    assert result.exit_code == 0, result.output
    report = json.loads(result.stdout)
    copied, text = report["copied"], report["text"]
    assert len(text) == 60
    assert copied["stretches"]
    covered = set()
    for stretch in copied["stretches"]:
        start, end, place = (stretch[key] for key in ("start", "end", "corpus_start"))
        assert end - start >= 3
        assert text[start:end] == TEXT[place : place + end - start]
        assert stretch["line"] == 1 + TEXT[:place].count("\n")
        covered |= set(range(start, end))
    assert copied["characters"] == len(covered)
    assert copied["share"] == len(covered) / 60
    assert "copied" not in json.loads(sample("--json").stdout)


def test_marks_are_brackets_in_a_pipe_or_without_colours_and_underlines_elsewhere(
    learned: Path,
) -> None:
    marked = ("--mark-copied", "--min-copied", "3")
    plain = sample().stdout.removesuffix("\n")
    piped, colored = sample(*marked).stdout, sample(*marked, env=COLORS).stdout
    assert "[[" in piped
    assert piped.split("\n\ncopied: ")[0].replace("[[", "").replace("]]", "") == plain
    assert "[[" not in colored
    assert "\x1b[4;35m" in colored
    for env in ({**COLORS, "NO_COLOR": "1"}, {**COLORS, "TERM": "dumb"}):
        assert sample(*marked, env=env).stdout == piped
    last = piped.splitlines()
    assert "of 60 characters (" in last[-2]
    assert "the longest has" in last[-1]


def test_nothing_copied_is_said_too(learned: Path) -> None:
    result = sample("--mark-copied", "--min-copied", "61")
    assert "copied: 0 of 60 characters (0.0%)" in result.stdout
    assert "longest" not in result.stdout


def test_flags_of_marking_are_refused_without_it(learned: Path) -> None:
    for flag in (("--min-copied", "9"), ("--corpus", "play.txt")):
        assert f"{flag[0]}: goes with --mark-copied" in sample(*flag).stderr
    assert sample("--mark-copied", "--min-copied", "0").exit_code == 2


def test_a_training_text_that_is_gone_or_another_is_refused_before_anything_is_written(
    learned: Path,
) -> None:
    (learned / "play.txt").rename(learned / "moved.txt")
    try:
        gone = sample("--mark-copied")
        named = sample("--mark-copied", "--corpus", "moved.txt")
        (learned / "play.txt").write_text("Another text.\n", encoding="utf-8")
        other = sample("--mark-copied")
    finally:
        (learned / "moved.txt").replace(learned / "play.txt")
    assert named.exit_code == 0
    for result, said in ((gone, "name a copy elsewhere with --corpus"), (other, "was trained")):
        assert result.exit_code == 1
        assert result.stdout == ""
        assert said in result.stderr.splitlines()[-1]
