"""Names of runs, configs, sweeps and laws: as they are given, refused, listed and completed."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer

from nanoknow.cli.app import app
from tests.helpers.cli import commands_with, refuse, run, succeed

LIGHT = """
import sys
from nanoknow.cli.app import app
for arguments in {commands!r}:
    try:
        app(arguments)
    except SystemExit as end:
        assert end.code == {code}, (arguments, end.code)
    assert {heavy!r} not in sys.modules, arguments
"""
WRONG = [
    ["pretrain", "--config", "demoo"],
    ["pretrain", "--resume", "--out", "runs/x"],
    ["finetune", "--from", "runs/x"],
    ["learn", "--config", "demoo"],
    ["ask", "Who?", "--run", "runs/x"],
    ["why", "Who?", "--run", "runs/x"],
    ["evaluate", "runs/x"],
    ["evaluate", "--run", "runs/x"],
    ["compare", "runs/x", "runs/y"],
    ["attention", "runs/x", "--question", "Who?"],
    ["sample", "--run", "runs/x"],
    ["plot", "runs/x"],
    ["sweep", "abblations"],
    ["law", "run", "capacitty"],
    ["config", "show", "demoo"],
    ["data", "inspect", "--config", "demoo"],
    ["baseline", "--config", "demoo"],
    ["runs", "rm", "runs/x"],
]


def loads(heavy: str, commands: list[list[str]], folder: Path, code: int = 0) -> bool:
    """Whether one of some commands, in a process of their own, loads a module or ends otherwise."""
    script = LIGHT.format(commands=commands, code=code, heavy=heavy)
    return subprocess.run([sys.executable, "-c", script], cwd=folder, timeout=60).returncode != 0


@pytest.mark.slow
def test_wrong_names_are_refused_before_torch_is_loaded(here: Path) -> None:
    assert not loads("torch", WRONG, here, code=1)


@pytest.mark.parametrize("arguments", WRONG, ids=" ".join)
def test_a_wrong_name_is_told_with_what_is_near(here: Path, arguments: list[str]) -> None:
    said = refuse(*arguments)
    near = {"demoo": "demo", "abblations": "ablations", "capacitty": "capacity"}
    assert (
        any(f"Did you mean '{near.get(word)}'?" in said for word in arguments) or "runs/x" in said
    )


@pytest.mark.slow
def test_what_lists_loads_no_torch(home: Path) -> None:
    assert not loads("torch", [["runs", "list"], ["config", "list"], ["-h"]], home)


@pytest.mark.slow
def test_a_question_is_answered_without_torchs_compiler(home: Path) -> None:
    """Loading it takes a second of the process; to build a model on ``meta`` does that."""
    asked = ["ask", "Where was Ada Bright born?", "--run"]
    assert not loads(
        "torch._dynamo", [[*asked, f"runs/{n}"] for n in ("vanilla", "perceiver")], home
    )


FORMS = {
    "evaluate": ["--eval", "birth_dev.tsv"],
    "attention": ["--question", "Where was Ada Bright born?"],
    "sample": ["--length", "5"],
    "plot": [],
}


@pytest.mark.parametrize("command", FORMS)
def test_a_run_is_named_in_either_form_and_not_in_both(home: Path, command: str) -> None:
    name = "runs/play" if command == "sample" else "runs/answers"
    shown = [succeed(command, *form, *FORMS[command]).stdout for form in ([name], ["--run", name])]
    assert shown[0] == shown[1]
    both = run(command, name, "--run", name, *FORMS[command])
    assert both.exit_code == 2
    assert "name a run once" in both.stderr


def test_every_command_that_takes_a_run_takes_it_by_its_flag() -> None:
    named = commands_with(lambda p: "RUN" in (p.metavar or "") and p.name != "start")
    assert commands_with(lambda p: "--run" in p.opts) == named
    two = ["--run", "runs/x", "--run", "runs/y"]
    assert "runs/x: not a run folder: nothing is there: name one" in refuse("compare", *two)
    assert "name two runs or more" in refuse("compare")


def flags(command: object, name: str = "") -> Iterator[tuple[str, str]]:
    """Yield every command with each text of its help."""
    for each, inner in getattr(command, "commands", {}).items():
        yield from flags(inner, f"{name} {each}".strip())
    yield name, getattr(command, "help", "") or ""
    for parameter in getattr(command, "params", []):
        yield name, getattr(parameter, "help", "") or ""


def test_help_is_under_headings_by_either_flag_and_reads_no_markup() -> None:
    for short, long in (("-h", "--help"), ("pretrain -h", "pretrain --help")):
        assert succeed(*short.split()).stdout == succeed(*long.split()).stdout
    headings = re.findall(r"^(\w[\w ]*):$", succeed("-h").stdout, re.MULTILINE)
    assert headings == ["Options", "Learn", "Ask", "Study", "Keep and share"]
    told = succeed("pretrain", "-h").stdout
    assert re.findall(r"^(\w+):$", told, re.MULTILINE) == ["Model", "Training", "Data", "Options"]
    assert "--model vanilla|perceiver" in told
    assert "--device auto|cpu|cuda|cuda:N" in told
    assert "question<TAB>answer" in told
    group = typer.main.get_command(app)
    listed = {name.split()[0] for name, _ in flags(group) if name}
    shown = succeed("-h").stdout
    assert [name for name in listed if not re.search(rf"^  {name} ", shown, re.MULTILINE)] == []
    assert "error: [red]x[/red]" in refuse("config", "show", "[red]x[/red]").replace("config ", "")


@pytest.mark.slow
def test_help_loads_neither_torch_nor_numpy() -> None:
    check = "import sys, nanoknow.cli.app; assert not {'torch', 'numpy'} & {*sys.modules}"
    subprocess.run([sys.executable, "-c", check], check=True)


def completed(line: str) -> list[str]:
    """Return what bash is offered for a line, in the working directory."""
    words = line.split(" ")
    env = {
        "_NANOKNOW_COMPLETE": "complete_bash",
        "COMP_WORDS": line,
        "COMP_CWORD": f"{len(words) - 1}",
    }
    script = (
        "import sys\nfrom nanoknow.cli.app import app\n"
        "try:\n    app([], prog_name='nanoknow')\n"
        "finally:\n    assert 'torch' not in sys.modules\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], env={**os.environ, **env}, capture_output=True, text=True
    )
    assert "Traceback" not in done.stderr
    return done.stdout.split()


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("nanoknow evaluate runs/an", ["runs/answers"]),
        ("nanoknow ask --run runs/p", ["runs/perceiver", "runs/play"]),
        ("nanoknow finetune --from s", ["scratch"]),
        ("nanoknow pretrain --config birthplaces-", ["birthplaces-best", "birthplaces-cpu"]),
        ("nanoknow sweep abl", ["ablations"]),
        ("nanoknow law run cap", ["capacity"]),
        ("nanoknow pretrain --model ", ["vanilla", "perceiver"]),
        ("nanoknow data fetch sh", ["shakespeare"]),
        ("nanoknow runs rm runs/v", ["runs/vanilla"]),
    ],
)
def test_a_shell_completes_what_a_flag_may_have(home: Path, line: str, offered: list[str]) -> None:
    assert completed(line) == offered
