"""What is copied is what a plain search finds; ``nanoknow sample --mark-copied`` marks it."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import Result

from nanoknow.generation.copied import Copied, mark_copied
from tests.helpers.cli import run, succeed
from tests.helpers.homes import working_in
from tests.helpers.texts import corpus_of

texts = st.text(alphabet="ab\n", max_size=40)


def longest_stretches(text: str, corpus: str, min_length: int) -> list[tuple[int, int]]:
    """Try every stretch: those that are in the corpus and in no longer one that is."""
    held = [
        (start, end)
        for start in range(len(text))
        for end in range(start + min_length, len(text) + 1)
        if text[start:end] in corpus
    ]
    return [
        (start, end)
        for start, end in held
        if not any(s <= start and end <= e and (s, e) != (start, end) for s, e in held)
    ]


@given(texts, texts, st.integers(1, 9))
def test_stretches_are_those_of_trying_them_all(text: str, corpus: str, min_length: int) -> None:
    found = mark_copied(text, corpus_of(corpus), min_length).stretches
    assert [(c.start, c.end) for c in found] == longest_stretches(text, corpus, min_length)
    for stretch in found:
        part = text[stretch.start : stretch.end]
        assert stretch.corpus_start == corpus.index(part)
        assert stretch.line == 1 + corpus[: stretch.corpus_start].count("\n")


@given(st.data(), st.text(alphabet="abcdé\n", min_size=30, max_size=90), st.integers(1, 12))
def test_a_stretch_across_lines_is_found(data: st.DataObject, corpus: str, min_length: int) -> None:
    start = data.draw(st.integers(0, len(corpus) - 20))
    text = "x" + corpus[start : start + 20] + "xé"
    found = mark_copied(text, corpus_of(corpus), min_length).stretches
    assert [(c.start, c.end) for c in found] == longest_stretches(text, corpus, min_length)


def test_stretches_are_of_characters_that_follow_each_other_in_the_corpus() -> None:
    found = mark_copied("so it was said", corpus_of("it was he who\nsaid so\n"), 4).stretches
    assert [("so it was said")[c.start : c.end] for c in found] == ["it was ", "said"]


def test_characters_that_the_corpus_lacks_are_never_copied() -> None:
    found = mark_copied("Ωμέγα Ωμέγα", corpus_of("omega " * 9), 1)
    assert found.stretches == [Copied(5, 6, 5, 1)]


@given(texts, texts, st.integers(1, 6))
def test_segments_are_the_text_and_mark_what_is_in_a_stretch(
    text: str, corpus: str, min_length: int
) -> None:
    found = mark_copied(text, corpus_of(corpus), min_length)
    copied, segments = found.stretches, found.segments
    assert "".join(segment for segment, _ in segments) == text
    assert all(segment for segment, _ in segments)
    marks = [mark for segment, mark in segments for _ in segment]
    assert marks == [any(c.start <= i < c.end for c in copied) for i in range(len(text))]
    assert sum(mark for _, mark in segments) == len(copied)
    lengths = [c.end - c.start for c in copied]
    assert found.longest == (copied[lengths.index(max(lengths))] if copied else None)


def test_the_same_again_and_again_is_one_stretch() -> None:
    corpus = corpus_of("a" * 10_000 + "b")
    [stretch] = mark_copied("b" + "a" * 1_000, corpus, 25).stretches
    assert (stretch.start, stretch.end, stretch.corpus_start) == (1, 1_001, 0)


TEXT = "To be, or not to be, that is the question:\nO God, O God!\n" * 4
COLORS = {"FORCE_COLOR": "1", "TERM": "xterm-256color"}


GREEDY = ("--length", "60", "--top-k", "1", "--past-block", "hop")


def sample(*arguments: str, env: dict[str, str] | None = None) -> Result:
    return run("sample", "--context", "O God", *GREEDY, *arguments, env=env)


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
    assert "copied: 0 of 60 characters (0.0 %)" in result.stdout
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
    for result, said in ((gone, "say where it is with --corpus"), (other, "was trained")):
        assert result.exit_code == 1
        assert result.stdout == ""
        assert said in result.stderr.splitlines()[-1]
