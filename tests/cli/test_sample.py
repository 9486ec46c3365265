"""``nanoknow sample``, as a user runs it."""

from pathlib import Path

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


def test_sample_hops_the_window_or_computes_in_float32_where_asked(home: Path) -> None:
    long = ("sample", "--context", "O God", "--length", "300")
    in_float32 = (*long, "--precision", "float32")
    result = succeed(*in_float32)
    assert "float32: asked for); full weights; past the block: recompute" in result.stderr
    eight = succeed(*long, "--past-block", "hop", "--weights", "int8")
    assert "int8 weights; past the block: hop" in eight.stderr
    assert len(eight.stdout) == len(result.stdout)
    rounded = succeed(*long, "--precision", "bfloat16")
    assert "bfloat16: asked for)" in rounded.stderr
    assert len(rounded.stdout) == len(result.stdout)
    hopped = json_of(*in_float32, "--past-block", "hop")
    assert hopped["past_block"] == "hop"
    written = result.stdout.removeprefix("O God").removesuffix("\n")
    assert hopped["text"][: 128 - 4] == written[: 128 - 4]  # until the block is full
    assert hopped["text"] != written
    loaded = nanoknow.load(home / "runs" / "play")
    assert loaded.sample("O God", length=300, past_block="hop") == hopped["text"]


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


def test_an_unknown_character_of_the_context_is_named(home: Path) -> None:
    assert "'é' (U+00E9)" in refuse("sample", "runs/play", "--context", "été")
    assert "lacks 'é'" in refuse("sample", "--context", "été")
    assert "sample.context" in refuse("sample", "--context", "")
