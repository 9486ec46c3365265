"""A result prints as its fields, or as what its class names."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import pytest

from nanoknow.config.models import VanillaConfig
from nanoknow.system.plain import plain


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
    with pytest.raises(TypeError, match="no JSON for object"):
        plain([object()])
