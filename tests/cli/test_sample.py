"""``nanoknow sample``, as a user runs it."""

import json
from pathlib import Path

import pytest

import nanoknow
from tests.helpers.cli import json_of, refuse, succeed


def test_sample_streams_the_context_and_as_many_characters_as_asked(home: Path) -> None:
    result = succeed("sample", "--context", "O God, O God!", "--length", "150")
    assert result.stdout.startswith("O God, O God!")
    assert len(result.stdout) == len("O God, O God!") + 150 + 1
    assert "using runs/play" in result.stderr
    again = succeed("sample", "--context", "O God, O God!", "--length", "150")
    assert again.stdout == result.stdout
    other = succeed("sample", "--context", "O God, O God!", "--length", "150", "--seed", "1")
    assert other.stdout != result.stdout


@pytest.mark.slow
def test_sample_hops_the_window_or_computes_in_float32_where_asked(home: Path) -> None:
    long = ("sample", "--context", "O God", "--length", "220")
    in_float32 = (*long, "--precision", "float32")
    result = succeed(*in_float32)
    assert "float32); full weights; past the block: recompute" in result.stderr
    eight = succeed(*long, "--past-block", "hop", "--weights", "int8")
    assert "int8 weights; past the block: hop" in eight.stderr
    assert len(eight.stdout) == len(result.stdout)
    rounded = succeed(*long, "--precision", "bfloat16")
    assert "bfloat16)" in rounded.stderr
    assert len(rounded.stdout) == len(result.stdout)
    hopped = json_of(*in_float32, "--past-block", "hop")
    assert hopped["past_block"] == "hop"
    written = result.stdout.removeprefix("O God").removesuffix("\n")
    assert hopped["text"][: 128 - 4] == written[: 128 - 4]  # until the block is full
    assert hopped["text"] != written
    loaded = nanoknow.load(home / "runs" / "play")
    assert loaded.sample("O God", length=220, past_block="hop") == hopped["text"]


def test_sample_names_the_ways_past_the_block_and_the_precisions(home: Path) -> None:
    line = refuse("sample", "runs/play", "--past-block", "skip")
    assert "--past-block" in line
    assert "unknown 'skip'. Available: recompute, hop" in line
    assert "Available: auto, float32, bfloat16" in refuse(
        "sample", "runs/play", "--precision", "half"
    )


def test_int8_weights_in_float32_are_refused(home: Path) -> None:
    asked = ("--weights", "int8", "--precision", "float32")
    assert "multiplies in bfloat16: leave --precision" in refuse("sample", "runs/play", *asked)


@pytest.mark.parametrize("named", [(), ("runs/play",)], ids=["latest", "named"])
def test_unknown_characters_of_the_context_are_left_out_and_counted(
    home: Path, named: tuple[str, ...]
) -> None:
    asked = ("sample", *named, "--length", "9", "--context")
    result = succeed(*asked, "été tété O", "--json")
    assert "--context: left out 4 characters that the vocabulary does not hold: 'é' (U+00E9)" in (
        result.stderr
    )
    assert json.loads(result.stdout)["context"] == "t tt O"
    assert succeed(*asked, "Ωt").stdout.startswith("t")
    line = refuse(*asked, "éΩ")
    assert "left out 2 characters that the vocabulary does not hold: 'é' (U+00E9)" in line
    assert "nothing is left for runs/play: give another" in line
    assert "sample.context" in refuse(*asked, "")
    assert len(nanoknow.load("runs/play").sample("été", length=9)) == 9


def test_without_a_context_that_fits_sampling_starts_with_the_runs_own_text(home: Path) -> None:
    own = Path("data/world/wiki.txt").read_text(encoding="utf-8")
    result = succeed("sample", "runs/vanilla", "--length", "9", "--json")
    read = json.loads(result.stdout)["context"]
    assert f"the default context does not fit the vocabulary: starting from {read!r}" in (
        result.stderr
    )
    assert own.startswith(read)
    assert read.count(" ") >= 2
    moved = Path("data/world/wiki.txt").rename("elsewhere.txt")
    try:
        read = json_of("sample", "runs/vanilla", "--length", "9")["context"]
    finally:
        moved.rename("data/world/wiki.txt")
    assert read == "".join(c for c in "O God, O God!" if c in own)
