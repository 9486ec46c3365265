"""A result shows itself: a few lines in a terminal, an escaped table in a notebook."""

import importlib
import inspect
import pkgutil
from dataclasses import dataclass, fields, is_dataclass
from typing import Any, ClassVar

import nanoknow
from nanoknow.evaluation.scores import Score
from nanoknow.system.plain import LONGEST, WIDEST, Result, plain


@dataclass(frozen=True, repr=False)
class Part(Result):
    name: str
    score: Score | None = None


@dataclass(frozen=True, repr=False)
class Whole(Result):
    text: str
    share: float
    parts: list[Part]
    nothing: None = None
    hidden: object = None
    JSON: ClassVar[tuple[str, ...]] = ("text", "share", "parts", "nothing")


WHOLE = Whole("<b>a</b>\n[red]b", 1 / 3, [Part("one", Score(1, 2)), Part("&two")])


def test_a_result_prints_as_a_few_lines_without_what_is_empty() -> None:
    assert repr(WHOLE) == str(WHOLE)
    head, *lines = repr(WHOLE).splitlines()
    assert head == "Whole"
    assert repr(Part("a", Score(1, 2))).endswith("score  50.0 % (1 of 2; 95 % interval 9.5–90.5 %)")
    assert lines[:2] == ["  text   <b>a</b>↵[red]b", "  share  0.3333"]
    assert lines[2].startswith("  parts  name one, score n_right 1, n 2, accuracy 0.5, interval_95")
    assert lines[2].endswith("name &two")
    assert len(lines) == 3


def test_a_long_line_is_cut() -> None:
    [_, line] = repr(Part("x" * 500)).splitlines()
    assert len(line) == WIDEST + 1
    assert line.endswith("x…")


def test_a_notebook_gets_escaped_tables_and_the_first_rows_of_a_long_one() -> None:
    page = WHOLE._repr_html_()
    assert "&lt;b&gt;a&lt;/b&gt;↵[red]b" in page
    assert "<b>a" not in page
    assert page.count("<table>") == page.count("</table>") == 2
    assert page.count("<tr>") == 3 + 3
    assert "&amp;two" in page
    many = Whole("", 0.0, [Part(str(i)) for i in range(LONGEST + 5)])._repr_html_()
    assert f"… {LONGEST + 5} in all" in many
    assert f">{LONGEST - 1}<" in many
    assert f">{LONGEST}<" not in many


def test_to_dict_is_what_json_prints() -> None:
    assert WHOLE.to_dict() == plain(WHOLE)
    assert list(WHOLE.to_dict()) == list(Whole.JSON)


def test_every_result_of_the_package_is_a_dataclass_that_leaves_its_repr_alone() -> None:
    found: set[Any] = set()
    for module in pkgutil.walk_packages(nanoknow.__path__, "nanoknow."):
        if not module.name.endswith("__main__"):
            for each in vars(importlib.import_module(module.name)).values():
                if inspect.isclass(each) and issubclass(each, Result) and each is not Result:
                    found.add(each)
    assert len(found) > 10
    for each in found:
        assert is_dataclass(each), each
        assert fields(each), each
        assert each.__repr__ is Result.__repr__, each
