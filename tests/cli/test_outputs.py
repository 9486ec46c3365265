"""Every path that a command will write is checked before its work."""

import json
from functools import partial
from pathlib import Path

import pytest

from nanoknow.runs.folders import OWN
from tests.helpers.cli import run

FILES = [
    ("evaluate", "--report", ".html"),
    ("compare a b", "--plot", ".svg"),
    ("plot", "--out", ".png"),
    ("attention", "--plot", ".png"),
    ("attention --question Who?", "--plot", ".png"),
    ("complexity", "--plot", ".svg"),
]
FOLDERS = [
    "pretrain",
    "finetune",
    "finetune --from scratch",
    "sweep precision",
    "demo",
    "learn",
    "data make",
    "data augment",
    "data fetch shakespeare",
]


@pytest.fixture(autouse=True)
def _file(here: Path) -> None:
    (here / "file").touch()


def refuse(command: str, flag: str, path: str) -> str:
    result = run(*command.split(), flag, path)
    assert (result.exit_code, result.stdout) == (1, "")
    [line] = result.stderr.splitlines()  # no note of any work came before it
    assert line.startswith(f"error: {flag} {path}: ")
    return line


@pytest.mark.parametrize(("command", "flag", "suffix"), FILES)
def test_a_file_that_cannot_be_written_is_refused_first(
    command: str, flag: str, suffix: str
) -> None:
    first = ".html" if suffix == ".html" else ".png"
    for other in ("result.txt", "a.pdf", "a", "a.svg.gz"):
        assert f"name a file that ends in {first} or " in refuse(command, flag, other)
    Path(f"folder{suffix}").mkdir()
    assert "is a folder: name a file" in refuse(command, flag, f"folder{suffix}")
    assert "Not a directory: name a file that can" in refuse(command, flag, f"file/x{suffix}")
    assert "File name too long" in refuse(command, flag, 252 * "x" + suffix)
    assert {path.name for path in Path().iterdir()} == {"file", f"folder{suffix}"}


@pytest.mark.parametrize("command", FOLDERS)
def test_a_folder_that_cannot_be_written_is_refused_first(command: str) -> None:
    for path in ("file", "file/below"):
        assert "Not a directory: name a folder that can" in refuse(command, "--out", path)
    assert "File name too long" in refuse(command, "--out", f"{300 * 'x'}/below")
    assert [path.name for path in Path().iterdir()] == ["file"]


@pytest.mark.parametrize(
    ("command", "path"),
    [
        ("evaluate --eval file", "file"),
        ("evaluate --corpus ./file", "file"),
        ("compare a b --eval table.csv", "table.csv"),
        ("learn --questions table.csv", "../here/table.csv"),
        ("compare run table.csv", "table.csv"),
    ],
)
def test_a_file_of_data_is_never_written_on(command: str, path: str) -> None:
    Path("table.csv").touch()
    path = path.replace("here", Path.cwd().name)
    name, *read = command.split()
    advice = "is read by this command: name another file"
    assert advice in refuse(command, "--out", path)
    result = run(name, "--out", path, *read)  # in either order
    assert (result.exit_code, result.stdout) == (1, "")
    assert advice in result.stderr


@pytest.mark.parametrize("name", [*sorted(OWN), "checkpoints/step-00000001/checkpoint.json"])
def test_what_a_run_keeps_for_itself_is_never_written_on(name: str) -> None:
    Path("run").mkdir()
    Path("run/run.json").touch()
    said = refuse("evaluate", "--out", f"run/{name}")
    assert "is what " in said
    assert said.endswith("/run keeps for itself: name another file")
    assert {path.name for path in Path("run").iterdir()} == {"run.json"}


@pytest.mark.parametrize(
    ("command", "name"),
    [
        ("evaluate runs/answers --out {}", "data/world/birth_dev.tsv"),
        ("evaluate runs/answers --out {}", "data/world/wiki.txt"),
        ("data augment --corpus wiki.txt --questions {} --out new", "new/augmented.tsv"),
        ("learn --corpus {} --questions {} --eval {} --out new", "new/table.csv"),
        ("sweep rows.yaml --out new", "new/table.csv"),
    ],
)
def test_a_text_that_a_run_or_a_config_names_is_never_written_on(
    home: Path, monkeypatch: pytest.MonkeyPatch, command: str, name: str
) -> None:
    monkeypatch.chdir(home)
    asked = "Where was Ada Lowe born?"
    write = partial(Path.write_text, encoding="utf-8")
    Path("new").mkdir(exist_ok=True)
    write(Path("new/augmented.tsv"), f"{asked}\tParis\n")
    write(Path("new/table.csv"), f"text,question,answer\nAda Lowe. Of Paris.,{asked},Paris\n")
    data = {f"data.{role}": "new/table.csv" for role in ("corpus", "questions", "eval")}
    write(Path("rows.yaml"), json.dumps({"config": "demo", "common": data, "rows": {"a": {}}}))
    before = Path(name).read_bytes()
    result = run(*command.replace("{}", name).split())
    assert (result.exit_code, result.stdout) == (1, "")
    last = result.stderr.splitlines()[-1]
    assert last.startswith("error: ")
    assert last.endswith(f"{name}: is read by this command: name another file")
    assert Path(name).read_bytes() == before
