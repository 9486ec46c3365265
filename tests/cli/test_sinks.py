"""Whatever shows a text of somebody else shows it as text, on every way out of the package."""

import ast
import csv
import json
import re
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
from matplotlib.text import Text

import nanoknow
from nanoknow.cli.app import app
from nanoknow.errors import printable
from nanoknow.evaluation.scores import Score
from nanoknow.experiments.table import TableRow, write_table
from tests.helpers.cli import SMALL, json_of, run, succeed
from tests.helpers.homes import working_in
from tests.helpers.pictures import check_svg, drawn_by

PACKAGE = Path(nanoknow.__file__).parent
ODD = "\x1b]2;a\x07\x9b1m\u202e\u200f\u2028[red]:eye:$x^$\\frac_`<i>"
NAMES = [f"Ada{i} Fox{ODD}[/x]y" for i in range(4)]
ASKED = f"Where was {NAMES[0]} born?"
RUN, PLAY = f"runs/run{ODD}", f"runs/play{ODD}"
DATA = ("--corpus", f"w{ODD}.txt", "--questions", f"q{ODD}.tsv", "--eval", f"q{ODD}.tsv")
OWN = re.compile(r"\x1b\[[\d;?]*[A-Za-z]")
"""What rich writes to a terminal; nothing in ``ODD`` looks so."""

Arguments = tuple[str, ...]
ROWS: dict[str, list[Arguments]] = {
    "ask": [(ASKED, "--run", RUN), (ASKED, "--run", RUN, "--json"), ("--n-best", ODD)],
    "attention": [(RUN, "--question", "Who?" + ODD)],
    "baseline": [DATA, (*DATA, "--answer", ODD)],
    "compare": [(RUN, f"{RUN}2", "--plot", f"pairs{ODD}.svg")],
    "complexity": [("--seq-len", ODD), ("--latents", ODD)],
    "config list": [()],
    "config show": [(ODD,), ("--set", f"{ODD}=1"), ("--set", f"seed={ODD}")],
    "data augment": [(*DATA, "--out", f"augmented{ODD}")],
    "data fetch": [(ODD,)],
    "data inspect": [(*DATA, "--count", "1"), (ODD,)],
    "data make": [("--people", "20", "--out", f"made{ODD}")],
    "demo": [("--config", ODD)],
    "evaluate": [(RUN,), (RUN, "--json")],
    "export": [(RUN, "--out", f"exported{ODD}", "--lm-eval")],
    "finetune": [("--from", ODD), (*DATA, "--from", "scratch", "--dry-run")],
    "import": [(ODD,)],
    "law list": [()],
    "law run": [(ODD,)],
    "learn": [(*DATA, "--set", f"model.variant={ODD}")],
    "play": [("--run", ODD)],
    "plot": [(RUN,)],
    "pretrain": [("--corpus", ODD), ("--model", ODD), ("--nothing" + ODD,)],
    "runs list": [(), ("--json",)],
    "runs rm": [(f"{RUN}2",), (ODD,)],
    "sample": [(PLAY, "--length", "60"), (PLAY, "--length", "60", "--mark-copied")],
    "sweep": [(ODD,), ("rows.yaml", "--dry-run")],
    "why": [(ASKED, "--run", RUN), ("--eval", ODD)],
}


@pytest.fixture(scope="module")
def odd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A working directory where everything has an odd name, and every text odd characters."""
    with working_in(tmp_path_factory.mktemp("odd")) as folder:
        lives = [f"{name}. Born in Rome{ODD}." for name in NAMES]
        Path(f"w{ODD}.txt").write_text("\n".join(lives), encoding="utf-8")
        asked = [f"Where was {name} born?\tRome{ODD}" for name in NAMES]
        Path(f"q{ODD}.tsv").write_text("\n".join(asked), encoding="utf-8")
        Path(f"p{ODD}.txt").write_text(4 * f"To be{ODD}\n", encoding="utf-8")
        row = f'{{"config": "own-facts", "seeds": 1, "rows": {{"{NAMES[0]!a}": {{}}}}}}'
        Path("rows.yaml").write_text(row.replace("'", ""), encoding="utf-8")
        sizes = (*SMALL, "--epochs", "1", "--set", "model.block_size=160")
        for name in (RUN, f"{RUN}2"):
            succeed("finetune", "--from", "scratch", *DATA, *sizes, "--out", name)
        kind = "pretrain.task.kind=language_modeling"
        succeed("pretrain", "--corpus", f"p{ODD}.txt", "--set", kind, *sizes, "--out", PLAY)
        yield folder


def commands() -> Iterator[str]:
    group = typer.main.get_command(app)
    for name, command in group.commands.items():  # type: ignore[attr-defined]
        below = getattr(command, "commands", None)
        yield from [f"{name} {each}" for each in below] if below else [name]


def test_every_command_has_a_row() -> None:
    assert set(commands()) == set(ROWS)


@pytest.mark.parametrize("command", ROWS)
def test_no_command_shows_what_commands_a_terminal(
    odd: Path, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for i, arguments in enumerate(ROWS[command]):
        for colours in ("", "1")[: 1 if i else 2]:
            monkeypatch.setenv("FORCE_COLOR", colours)
            result = run(*command.split(), *arguments, typed="n\n")
            assert isinstance(result.exception, SystemExit | None), result.exception
            shown = result.stdout + result.stderr
            assert colours or "\x1b" not in shown
            shown = OWN.sub("", shown).replace("\r", "")
            assert shown == printable(shown, lines=True)


@pytest.mark.slow
def test_a_page_a_card_and_pictures_show_text_as_text(odd: Path) -> None:
    succeed("evaluate", RUN, "--report", "page.html")
    page = Path("page.html").read_text(encoding="utf-8")
    assert page == printable(page, lines=True)
    assert "\\x1b]2;a\\x07" in page
    assert "<i>" not in page
    succeed("export", RUN, "--out", "card")
    card = Path("card/README.md").read_text(encoding="utf-8")
    assert card == printable(card, lines=True)
    assert "# `run\\x1b]2;" in card.splitlines()[5]
    [figure] = drawn_by(lambda: succeed("plot", RUN, f"{RUN}2", "--out", "curves.svg"))
    texts = [text for text in figure.findobj(Text) if isinstance(text, Text) and text.get_text()]
    assert any("$x^$" in text.get_text().replace("\n", "") for text in texts)
    assert not any(text.get_parse_math() for text in texts)
    check_svg(Path("curves.svg").read_bytes())
    succeed("compare", RUN, f"{RUN}2", "--out", "table.csv")
    table = Path("table.csv").read_text(encoding="utf-8")
    assert table == printable(table, lines=True)
    result = json_of("ask", ASKED, "--run", RUN)
    assert result["evidence"]["name"] in NAMES


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", " =1", "\t=1", "\x1b=1", "a\n=1"])
def test_a_table_holds_no_formula_and_no_command(tmp_path: Path, text: str) -> None:
    path = tmp_path / "table.csv"
    write_table(path, [TableRow(text, 0, text, Score(0, 1), None, text, text)])
    [row] = csv.DictReader(path.read_text(encoding="utf-8").splitlines())
    for column in ("row", "questions", "device", "run"):
        assert row[column] in (f"'{text}", printable(text))
        assert row[column].lstrip()[0] not in "=+-@"
    assert (row["n"], row["seconds"]) == ("1", "")


def test_nothing_of_python_shows_what_commands_a_terminal(odd: Path) -> None:
    reply = nanoknow.ask(ASKED, RUN)
    assert "\\x1b]2;a" in repr(reply)
    for shown in (repr(reply), reply._repr_html_(), str(nanoknow.sample(PLAY, length=60))):
        assert shown == printable(shown, lines=True)
        assert "<i>" not in shown.replace(repr(reply), "")


def test_a_byte_that_is_not_utf8_loses_its_own_line_alone(
    odd: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONIOENCODING", "cp1252")
    typed = "\ufeffWho is Zoë?\r\n\n".encode() + b"Who \xff is\nWhere?\n"
    result = run("ask", "--run", RUN, "--json", typed=typed)
    asked = [json.loads(line)["question"] for line in result.stdout.splitlines()]
    assert asked == ["Who is Zoë?", "Where?"]
    last = result.stderr.splitlines()[-1]
    assert last == "error: stdin:3: byte 0xff is not UTF-8: write it as UTF-8"
    assert result.exit_code == 1


WALLS = {
    "cli/terminal.py": {"rich", "sys.stdout", "sys.stderr", "print"},
    "cli/attention.py": {"rich"},  # the width of a character
    "system/plain.py": {"json.dumps", "_repr_html_"},
    "experiments/jobs.py": {"getLogger", "sys.stderr"},  # submitit's; a job's own log
    "figures/canvas.py": {"savefig", "Figure", "set_text"},
}
"""What may use the ways out of the package, and which."""
WAYS = {
    *("rich", "print", "input", "_repr_html_", "json.dumps", "savefig", "Figure", "set_text"),
    *("sys.stdout", "sys.stderr", "sys.excepthook", "warnings.warn", "getLogger"),
    *(f"typer.{name}" for name in ("echo", "secho", "style", "prompt", "confirm", "launch")),
}


def ways_out(source: str) -> set[str]:
    """Return the names in a module's code that lead to a screen, a picture or JSON."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else [node.module]
            found |= {str(name).partition(".")[0] for name in names}
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name | ast.Attribute):
            found.add(getattr(node.func, "attr", getattr(node.func, "id", "")))
        elif isinstance(node, ast.FunctionDef):
            found.add(node.name)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            found.add(f"{node.value.id}.{node.attr}")
    return found & WAYS


def test_the_ways_to_a_screen_are_those_listed_here() -> None:
    found = {
        str(path.relative_to(PACKAGE)): ways_out(path.read_text(encoding="utf-8"))
        for path in PACKAGE.rglob("*.py")
    }
    assert {name: ways for name, ways in found.items() if ways} == WALLS


def test_every_template_makes_its_values_printable() -> None:
    assert "finalize=lambda each: printable(" in (PACKAGE / "report/page.py").read_text("utf-8")
    card = (PACKAGE / "sharing/card.md").read_text(encoding="utf-8")
    bare = [e for e in re.findall(r"{{ (.*?) }}", card) if not re.search(r"\| (code|quoted)$", e)]
    assert bare == [  # numbers, and words of our own
        *("architecture", '"{:,}".format(opened.model.n_parameters)', "version"),
        *("opened.model.config.block_size", "role", "record.seed", "opened.max_answer_length"),
        *("evaluation.score", "evaluation.overlap.n"),
        *("evaluation.baseline.score", "evaluation.answers | length", "verdict", "count"),
    ]
    templates = {
        path.name for path in PACKAGE.rglob("*") if path.suffix in (".html", ".md", ".txt")
    }
    assert templates == {"page.html", "sections.html", "findings.txt", "card.md", "index.html"}


def test_the_page_of_play_writes_texts_by_what_makes_them_printable() -> None:
    script = (PACKAGE / "play/play.js").read_text(encoding="utf-8")
    assert re.findall(r".*\.(?:textContent|innerText|nodeValue|title|placeholder) =.*", script) == [
        "const say = (id, text) => { $(id).textContent = printable(text); };"
    ]
    assert re.findall(r"createTextNode|(?:append|replaceChildren|after)\([`\"]", script) == []
    made = re.search(r"\nfunction element.*?\n}", script, re.DOTALL)
    assert made is not None
    assert "printable(textContent)" in made.group()
    assert "printable(c)" in made.group()


def test_missing_glyphs_are_drawn_without_a_warning(tmp_path: Path) -> None:
    from nanoknow.laws.figure import plot_law

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        plot_law(tmp_path / "a.png", "北京 عربي हिन्दी 👩\u200d💻", {ODD: {ODD: ([0.1, 0.2], 0.3)}})
