"""The one way from a result to JSON, and from there to its display in Python."""

import json
import math
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from html import escape
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from nanoknow.errors import printable

SPREAD = "*"
WIDEST, LONGEST = 100, 20
"""Most characters of a line and most rows of a table in that display; the rest is cut."""


def plain(value: Any) -> Any:  # noqa: ANN401 - whatever a result holds
    """Return a result, and the results inside it, as the plain values that ``to_json`` writes.

    A dataclass becomes a dict of its fields. A class that prints more, less or in another order
    has a class attribute ``JSON``, the names of fields and properties to print. A name that
    starts with ``*`` prints what it holds in place of itself: ``"*score"`` prints the keys of the
    score among those of its owner. A number that is not finite becomes None, as JSON has none.

    Raises:
        TypeError: a value has no JSON form.
    """
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, str | int):  # most of all values
        return value
    if is_dataclass(value) and not isinstance(value, type):
        names = getattr(value, "JSON", None) or [field.name for field in fields(value)]
        found: dict[str, Any] = {}
        for name in names:
            item = plain(getattr(value, name.removeprefix(SPREAD)))
            found |= (item or {}) if name.startswith(SPREAD) else {name: item}
        return found
    if isinstance(value, BaseModel):
        return plain(value.model_dump(mode="json"))
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, Path):
        return str(value)
    if hasattr(value, "tolist"):  # a number of numpy or torch
        return plain(value.tolist())
    raise TypeError(f"no JSON for {type(value).__name__}")


def to_json(value: Any, **layout: Any) -> str:  # noqa: ANN401 - see ``plain``
    """Return a result as valid JSON; ``layout`` holds arguments of ``json.dumps``.

    It is safe to show: in its strings, characters that are not ``printable`` are escaped.

    Raises:
        TypeError: a value has no JSON form.
    """
    text = json.dumps(plain(value), allow_nan=False, **layout)
    return printable(text, lines=True, escape=json.dumps)


class Result:
    """Base of result types: dataclasses with ``repr=False``, which show themselves in a few lines.

    A list of their ``to_dict`` makes a pandas ``DataFrame``.
    """

    def to_dict(self) -> dict[str, Any]:
        """Return what ``--json`` prints."""
        return dict(plain(self))

    def __repr__(self) -> str:
        rows = {name: _brief(value) for name, value in self._shown().items()}
        width = max(map(len, rows), default=0)
        lines = (f"  {name:<{width}}  {text}" for name, text in rows.items())
        cut = (line if len(line) <= WIDEST else f"{line[:WIDEST]}…" for line in lines)
        return "\n".join([type(self).__name__, *cut])

    def _repr_html_(self) -> str:
        rows = [[escape(name), _cell(value)] for name, value in self._shown().items()]
        return f"<b>{type(self).__name__}</b>{_table(rows)}"

    def _shown(self) -> dict[str, Any]:
        """Return the values that are not empty; what defines ``__str__``, as ``Score``, as that."""
        shown = _filled(self.to_dict())
        for name in shown:
            part = getattr(self, name, None)
            if is_dataclass(part) and type(part).__str__ is not object.__str__:
                shown[name] = str(part)
        return shown


def _filled(values: Mapping[str, Any]) -> dict[str, Any]:
    empty: tuple[Any, ...] = (None, "", [], {})
    return {printable(str(name)): each for name, each in values.items() if each not in empty}


def _brief(value: Any) -> str:  # noqa: ANN401 - see ``plain``
    """Write a plain value in one line."""
    if isinstance(value, dict):
        return ", ".join(f"{name} {_brief(each)}" for name, each in _filled(value).items())
    if isinstance(value, list):
        return "; ".join(map(_brief, value))
    if isinstance(value, float):
        return f"{value:.4g}"
    return printable(str(value).replace("\n", "↵"))


def _cell(value: Any) -> str:  # noqa: ANN401
    """Write a plain value as HTML: a list of results as a table, all else in one line."""
    if not (isinstance(value, list) and value and all(isinstance(each, dict) for each in value)):
        return escape(_brief(value))
    columns = list(dict.fromkeys(name for each in value for name in _filled(each)))
    shown = [_filled(each) for each in value[:LONGEST]]
    rows = [[escape(_brief(each.get(name, ""))) for name in columns] for each in shown]
    more = [[f"… {len(value)} in all"]] * (len(value) > LONGEST)
    return _table([[f"<b>{escape(name)}</b>" for name in columns], *rows, *more])


def _table(rows: list[list[str]]) -> str:
    start = "<td style='text-align: left; vertical-align: top'>"
    return f"<table>{''.join(f'<tr>{start}{start.join(row)}' for row in rows)}</table>"
