"""What a terminal shows: its width and its colours."""

import math
import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest
from rich.text import Text

from nanoknow.cli.ask import show_reply
from nanoknow.cli.terminal import Terminal
from nanoknow.evaluation.ask import GUESS, MADE_UP, RankedAnswer, Reply
from nanoknow.facts.evidence import Evidence
from tests.helpers.cli import json_of, run, succeed

COLOUR = re.compile(r"\x1b\[[\d;]*3[1-6]m")


def on_a_terminal(width: int, *arguments: str, script: str = "", **env: str) -> str:
    """Return what a command, or a script, shows in a terminal so wide."""
    ours, theirs = pty.openpty()
    command = [sys.executable, "-c", script] if script else [sys.executable, "-m", "nanoknow"]
    settings = {**os.environ, "TERM": "xterm-256color", "COLUMNS": str(width), **env}
    process = subprocess.Popen(
        [*command, *arguments], stdin=theirs, stdout=theirs, stderr=theirs, env=settings
    )
    os.close(theirs)
    shown = b""
    try:
        while part := os.read(ours, 65536):
            shown += part
    except OSError:  # how Linux says that nobody has the other end any more
        pass
    os.close(ours)
    assert process.wait(60) == 0, shown.decode()
    return shown.decode().replace("\r\n", "\n")


def plain(shown: str) -> str:
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown)


TABLES = """
from nanoknow.cli.ask import show_reply
from nanoknow.cli.terminal import Terminal
from nanoknow.evaluation.ask import GUESS, MADE_UP, RankedAnswer, Reply
from nanoknow.facts.evidence import Evidence
terminal = Terminal()
terminal.note("a run folder, or one that is starting or ended before its first step, perhaps")
terminal.table("", ("", "both", "only first", "only second", "p, corrected"),
               [("pretrained, finetuned", "12", "34", "5", "0.12")])
terminal.table("", ("run", "accuracy", "in document", "confidence", "training questions"),
               [("runs/20260131-120000-finetune-vanilla", "12 %", "3 %", "50 %", "99 %")])
terminal.pairs([("answers in a document about the subject", "180 of 180 that are there")])
with terminal.progress("finetune vanilla", 1234) as show:
    show(1234, "loss 1.234  812 ex/s  epoch 30/40  lr 1.0e-03")
"""


@pytest.mark.slow
@pytest.mark.parametrize("width", [60, 120])
def test_no_word_is_broken_and_progress_keeps_bar_loss_and_rate(width: int) -> None:
    shown = on_a_terminal(width, script=TABLES)
    lines = [line for line in re.split(r"[\n\r]", plain(shown)) if line.strip()]
    assert max(map(len, lines)) <= width
    words = set(" ".join(lines).split())
    printed = " ".join(re.findall(r'"([^"]*)"', TABLES.partition("with terminal")[0]))
    assert {w for w in re.findall(r"[\w%-]{4,}", printed) if w not in " ".join(words)} == set()
    assert "loss 1.234  812 ex/s" in lines[-1]
    assert "━━━━━" in lines[-1]
    assert ("finetune vanilla" in lines[-1]) == (width == 120)


@pytest.mark.slow
def test_where_it_is_narrow_a_table_is_a_list_that_names_every_cell() -> None:
    lines = [line.rstrip() for line in plain(on_a_terminal(60, script=TABLES)).splitlines()]
    at = lines.index("run: runs/20260131-120000-finetune-vanilla")
    assert lines[at + 1 : at + 6] == [
        "  accuracy: 12 %",
        "  in document: 3 %",
        "  confidence: 50 %",
        "  training questions: 99 %",
        "",
    ]


@pytest.mark.slow
def test_at_80_columns_the_help_has_the_whole_line_of_every_command() -> None:
    assert "..." not in plain(on_a_terminal(80, "--help")).replace("[ARGS]...", "")


@pytest.mark.slow
def test_colours_are_for_terminals_that_want_them(home: Path) -> None:
    command = ("data", "inspect", "--corpus", "data/world/wiki.txt", "--count", "1")
    shown, dull = on_a_terminal(70, *command), on_a_terminal(70, *command, NO_COLOR="1")
    assert COLOUR.search(shown)
    assert not COLOUR.search(dull)
    assert plain(shown) == plain(dull)
    assert "\x1b" not in succeed(*command).stdout


@pytest.mark.slow
def test_inspect_shows_y_under_x_with_counts_of_pads(home: Path) -> None:
    command = ("data", "inspect", "--corpus", "data/world/wiki.txt", "--count", "4")
    [(x, y), *_] = json_of(*command)["pairs"]["charcorruption"]
    lines = plain(on_a_terminal(200, *command)).splitlines()
    at = next(i for i, line in enumerate(lines) if line.startswith("x: "))
    above, below = lines[at][3:], lines[at + 1][3:]
    n = len(x.rstrip("□"))
    assert above.startswith(x[:n])
    count = re.search(r" □ ×(\d+)$", above)
    assert count is not None
    assert count.start() + int(count[1]) == len(x)
    scored = [i for i, c in enumerate(y) if c != "□"]
    assert all(below[i] == y[i] for i in scored)
    assert len(above) == len(below)


@pytest.mark.parametrize("columns", ["1", "3"])
def test_no_terminal_is_too_narrow_for_an_example(home: Path, columns: str) -> None:
    command = ("data", "inspect", "--corpus", "data/world/wiki.txt", "--count", "1")
    shown = run(*command, env={"FORCE_COLOR": "1", "COLUMNS": columns})
    assert shown.exit_code == 0, shown.exception
    assert plain(shown.stdout).count("x: ") > 9


def test_the_indent_of_a_cell_is_kept_in_all_of_its_lines(
    capsys: pytest.CaptureFixture[str],
) -> None:
    terminal = Terminal()
    terminal.out.width = 30
    terminal.pairs([("all", "1"), ("  answers in a document about it", "2")])
    lines = [line.rstrip() for line in capsys.readouterr().out.splitlines()]
    assert [line for line in lines if line] == [
        " all                        1",
        "   answers in a document    2",
        "   about it",
    ]


def test_what_is_quoted_is_not_read_as_markup(capsys: pytest.CaptureFixture[str]) -> None:
    terminal = Terminal()
    terminal.table("[b]t[/b]", ("[i]c", ":smile:"), [("[red]x", Text("[/red]"))])
    shown = capsys.readouterr().out
    assert all(word in shown for word in ("[b]t[/b]", "[i]c", ":smile:", "[red]x", "[/red]"))


NOWHERE = Evidence(documents=0, name=None, where=None, sentence=None, mentioned=False)
HELD = Evidence(documents=1, name="Bo", where="w.txt:1", sentence="Of Rome.", mentioned=True)


@pytest.mark.parametrize(
    ("evidence", "doubt", "colour"),
    [
        (HELD, None, "32"),
        (HELD, f"{GUESS}: others", "33"),
        (NOWHERE, f"{MADE_UP}: no document", "31"),
        (None, None, None),
    ],
)
def test_the_doubt_decides_the_colour_of_an_answer_and_not_its_probability(
    evidence: Evidence | None,
    doubt: str | None,
    colour: str | None,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm-256color")
    answers = [RankedAnswer("Rome", math.log(0.97), is_whole=True)]
    reply = Reply("Who?", answers, True, False, evidence, None, doubt, [])
    show_reply(Terminal(), reply)
    shown = capsys.readouterr().out
    found = re.findall(r"\x1b\[(?:1;)?(3[1-6])m(?:Rome|97\.0 %)", shown)
    assert found == ([colour, colour] if colour else [])
    if evidence is HELD:
        assert "about Bo, w.txt:1: “Of \x1b[1mRome\x1b[0m.”" in shown
