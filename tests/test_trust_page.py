"""What README and docs name is there: the page of promises names tests that exist."""

import ast
import re
from pathlib import Path

import pytest

from tests.tools.attack import BROKEN, HELD, PARTLY, UNTRIED, Outcome, read_promises, verdict

TESTS = Path(__file__).parent
ROOT = TESTS.parent
PAGE = ROOT / "docs" / "trust.md"
PAGES = [p for p in (*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")) if p.name != "CHANGELOG.md"]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_test_that_a_page_names_exists(page: Path) -> None:
    named = re.findall(r"(?:tests/)?([\w/]+\.py)::(\w+)", page.read_text(encoding="utf-8"))
    functions = {
        file: {
            node.name
            for node in ast.parse((TESTS / file).read_text(encoding="utf-8")).body
            if isinstance(node, ast.FunctionDef)
        }
        for file in {file for file, _ in named}
    }
    assert [f"{file}::{name}" for file, name in named if name not in functions[file]] == []
    assert len(named) > 40 or page != PAGE


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_module_that_a_page_names_exists(page: Path) -> None:
    named = re.findall(r"`([\w/]+\.py)\b", page.read_text(encoding="utf-8"))
    modules = [f"/{path.relative_to(ROOT)}" for path in ROOT.rglob("*.py")]
    assert [n for n in named if not any(module.endswith(f"/{n}") for module in modules)] == []


def anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as GitHub makes them."""
    heads = re.findall(r"^#+ (.*)", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_of_a_page_leads_to_a_file_and_a_heading(page: Path) -> None:
    links = re.findall(r"\]\((?!http)([^)#\s]*)#?([^)\s]*)\)", page.read_text(encoding="utf-8"))
    targets = [((page.parent / file) if file else page, anchor) for file, anchor in links]
    assert [str(target) for target, _ in targets if not target.exists()] == []
    assert [f"{t}#{anchor}" for t, anchor in targets if anchor and anchor not in anchors(t)] == []


def test_every_row_of_promises_names_a_test() -> None:
    rows = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line[:2] == "| "]
    assert [row for row in rows[1:] if "::test_" not in row] == []


def test_an_attack_that_gets_through_or_was_not_tried_is_said() -> None:
    page = "| fault | promise | held by |\n|---|---|---|\n"
    page += "| a | b | `c/test_d.py::test_e`, `c/test_f.py` |\n| g | h | `c/test_d.py::test_ee` |\n"
    promises = read_promises(page)
    assert promises == {"a": ["c/test_d.py::test_e", "c/test_f.py"], "g": ["c/test_d.py::test_ee"]}
    passed, failed, skipped = (Outcome(1.0, {word}) for word in ("passed", "failed", "skipped"))
    outcomes = {"tests/c/test_d.py::test_e[1]": passed, "tests/c/test_f.py::test_g": passed}
    assert verdict(promises["a"], outcomes) == (HELD, 2, 2.0)
    assert verdict(promises["g"], outcomes) == (UNTRIED, 0, 0)
    assert verdict(promises["a"], {**outcomes, "tests/c/test_f.py::test_h": failed})[0] == BROKEN
    assert verdict(promises["g"], {"tests/c/test_d.py::test_ee": skipped})[0] == UNTRIED
    assert verdict(promises["a"], {**outcomes, "tests/c/test_d.py::test_e[2]": skipped})[0] == HELD
    outcomes["tests/c/test_f.py::test_g"] = skipped
    assert verdict(promises["a"], outcomes)[0] == PARTLY
