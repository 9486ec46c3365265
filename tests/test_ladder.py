"""The house holds: imports run one way, folder by folder, and light commands stay light."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "nanoknow"
LADDER = (
    ("errors",),
    ("system",),
    ("config", "figures"),
    ("data",),
    ("facts", "models", "complexity"),
    ("tasks", "runs"),
    ("generation",),
    ("evaluation",),
    ("training", "report", "attention"),
    ("experiments",),
    ("laws", "play", "sharing"),
    ("cli", "api"),
)
"""Folders from the ground up; those of one level do not know each other."""
TOP = ("__init__", "__main__", "api", "errors")
"""The modules of the top folder: the first two may import from everywhere, and name a few."""
LEVEL = {folder: level for level, folders in enumerate(LADDER) for folder in folders}


@cache
def modules() -> dict[str, Path]:
    """Return every module of the package by its dotted name below ``nanoknow``."""
    return {
        ".".join(path.relative_to(PACKAGE).with_suffix("").parts): path
        for path in PACKAGE.rglob("*.py")
    }


def resolve(parts: tuple[str, ...]) -> str | None:
    """Return the module that a dotted name of the package is in."""
    known = modules()
    for n in range(len(parts), 0, -1):
        name = ".".join(parts[:n])
        if name in known:
            return name
        if f"{name}.__init__" in known:
            return f"{name}.__init__"
    return "__init__"


def imports(name: str, source: str) -> Iterator[str]:
    """Yield the modules that a module imports: in any form, at its top or inside a function."""
    here = ("nanoknow", *name.split("."))
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            named = [tuple(alias.name.split(".")) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            start = here[: -node.level] if node.level else ()
            base = (*start, *(node.module.split(".") if node.module else ()))
            named = [(*base, alias.name) for alias in node.names]
        else:
            continue
        for first, *rest in named:
            if first == "nanoknow" and (found := resolve(tuple(rest))) is not None:
                yield found


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("from nanoknow.data.corpus import Corpus", "data.corpus"),
        ("from nanoknow.data import corpus", "data.corpus"),
        ("import nanoknow.data.corpus", "data.corpus"),
        ("import nanoknow.data.corpus as c", "data.corpus"),
        ("from ..data.corpus import Corpus", "data.corpus"),
        ("from ..data import corpus", "data.corpus"),
        ("from . import device", "system.device"),
        ("from .device import Device", "system.device"),
        ("def f():\n    from nanoknow.data import corpus", "data.corpus"),
        ("from nanoknow import __version__", "__init__"),
        ("from nanoknow import errors", "errors"),
    ],
)
def test_every_form_of_import_is_seen(source: str, found: str) -> None:
    assert list(imports("system.files", source)) == [found]


def test_the_top_folder_holds_four_modules_and_every_folder_is_on_the_ladder() -> None:
    folders = {name.partition(".")[0] for name in modules() if "." in name}
    assert sorted(name for name in modules() if "." not in name) == sorted(TOP)
    assert folders | {"api", "errors"} == set(LEVEL)


@pytest.mark.parametrize("name", sorted(set(modules()) - {"__init__", "__main__"}))
def test_a_module_imports_only_its_own_folder_and_those_below(name: str) -> None:
    folder = name.partition(".")[0]
    above = [
        other
        for other in imports(name, modules()[name].read_text(encoding="utf-8"))
        if other != "__init__"
        and (below := other.partition(".")[0]) != folder
        and LEVEL[below] >= LEVEL[folder]
    ]
    assert above == []


def test_no_imports_go_round_in_a_circle() -> None:
    graph = {
        name: set(imports(name, path.read_text(encoding="utf-8"))) - {"__init__", name}
        for name, path in modules().items()
        if name != "__init__"
    }
    assert len(list(TopologicalSorter(graph).static_order())) == len(graph)


@pytest.mark.parametrize("name", sorted(n for n in modules() if n.endswith(".__init__")))
def test_a_folders_init_file_is_empty(name: str) -> None:
    assert modules()[name].read_text(encoding="utf-8") == ""


def test_no_file_of_the_package_is_over_250_lines() -> None:
    sizes = {
        name: len(path.read_text(encoding="utf-8").splitlines()) for name, path in modules().items()
    }
    assert {name: n for name, n in sizes.items() if n > 250} == {}


def test_no_test_module_imports_another() -> None:
    tests = Path(__file__).parent
    named = {
        str(path.relative_to(tests)): re.findall(
            r"^\s*(?:from|import) (?:tests)?\.(?:[\w.]*\.)?(?:test_\w+|conftest)\b",
            path.read_text(encoding="utf-8"),
            re.MULTILINE,
        )
        for path in tests.rglob("*.py")
    }
    assert len(named) > 100
    assert {name: found for name, found in named.items() if found} == {}


@pytest.mark.slow
def test_what_only_lists_or_makes_data_loads_no_torch(tmp_path: Path) -> None:
    script = (
        "import sys\n"
        "from nanoknow.cli.app import app\n"
        "for arguments in (['--help'], ['pretrain', '--help'], ['config', 'show', 'demo'],\n"
        "                  ['attention', '--draws', '2'], ['complexity'],\n"
        "                  ['data', 'make', '--people', '20', '--out', sys.argv[1]]):\n"
        "    try:\n"
        "        app(arguments)\n"
        "    except SystemExit as end:\n"
        "        assert not end.code, arguments\n"
        "assert 'torch' not in sys.modules\n"
        "import nanoknow\n"
        "assert 'torch' not in sys.modules\n"
    )
    command = [sys.executable, "-W", "error", "-c", script, str(tmp_path / "world")]
    result = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert result.returncode == 0, result.stderr
    assert (tmp_path / "world" / "wiki.txt").exists()
