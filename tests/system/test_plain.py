"""A result prints as its fields, or as what its class names."""

import ast
import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
from pydantic import BaseModel

import nanoknow
from nanoknow.config.models import VanillaConfig
from nanoknow.runs.records import sealed
from nanoknow.system.plain import plain, to_json


@dataclass(frozen=True)
class Inner:
    n: int
    hidden: object = None
    JSON: ClassVar[tuple[str, ...]] = ("twice", "n")

    @property
    def twice(self) -> int:
        return 2 * self.n


@dataclass(frozen=True)
class Outer:
    name: str
    inner: Inner
    others: tuple[Inner, ...]
    by_name: dict[str, Path | None]


@dataclass(frozen=True)
class Around:
    name: str
    inner: Inner | None
    JSON: ClassVar[tuple[str, ...]] = ("name", "*inner")


def test_fields_are_printed_by_name_at_any_depth() -> None:
    value = Outer("a", Inner(1), (Inner(2),), {"x": Path("p"), "y": None})
    printed = json.loads(json.dumps(plain(value)))
    assert printed == {
        "name": "a",
        "inner": {"twice": 2, "n": 1},
        "others": [{"twice": 4, "n": 2}],
        "by_name": {"x": "p", "y": None},
    }


def test_a_spread_name_prints_its_keys_among_its_owners() -> None:
    assert list(plain(Around("a", Inner(3)))) == ["name", "twice", "n"]
    assert plain(Around("a", None)) == {"name": "a"}


def test_a_config_prints_as_its_values() -> None:
    assert plain({"model": VanillaConfig()})["model"]["variant"] == "vanilla"


def test_what_has_no_json_is_refused_by_its_type() -> None:
    assert [type(plain(each)) for each in (np.int64(3), np.bool_(True))] == [int, bool]
    with pytest.raises(TypeError, match="no JSON for object"):
        plain([object()])


class Measured(BaseModel):
    value: float


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, np.float64("nan")])
def test_what_is_not_finite_is_null_at_any_depth(value: float) -> None:
    def refuse(token: str) -> None:
        raise AssertionError(token)

    held = {"a": value, "b": [value, 1.5], "c": Measured(value=value), "d": (Inner(2), value)}
    found = json.loads(to_json(held), parse_constant=refuse)
    assert found == {
        "a": None,
        "b": [None, 1.5],
        "c": {"value": None},
        "d": [{"twice": 4, "n": 2}, None],
    }
    assert json.loads(sealed({"a": value}), parse_constant=refuse)["content"] == {"a": None}


def test_no_module_but_this_one_writes_json() -> None:
    package = Path(nanoknow.__file__).parent
    writers = {"dump", "dumps", "model_dump_json", "to_json", "JSONEncoder"}
    writing = {
        (path.relative_to(package).as_posix(), node.attr)
        for path in package.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute) and node.attr in writers
    }
    assert writing == {("system/plain.py", "dumps"), ("config/loading.py", "dump")}  # YAML
    imported = [
        path.name
        for path in package.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and node.module == "json"
    ]
    assert imported == []
