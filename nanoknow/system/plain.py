"""The one way from a result to JSON, and by it to what Python shows of a result."""

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
"""Of what Python shows: characters of a line, and rows of a table; the rest is cut."""


def plain(value: Any) -> Any:  # noqa: ANN401 - whatever a result holds
    """Return a result as what ``to_json`` writes, results inside of it too.

    Of a dataclass these are its fields by name. A class that prints more, less or in another
    order has a class attribute ``JSON``, the names of fields and properties to print. A name that
    starts with ``*`` prints what it holds in place of itself: ``"*score"`` prints the keys of the
    score among those of its owner. A number that is not finite, which JSON lacks, is None.

    Raises:
        TypeError: there is no JSON for it.
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
    """Return a result as valid JSON, laid out as ``json.dumps`` is asked to.

    It is harmless to show, too: what is not ``printable`` is escaped within its strings.

    Raises:
        TypeError: there is no JSON for it.
    """
    text = json.dumps(plain(value), allow_nan=False, **layout)
    return printable(text, lines=True, escape=json.dumps)


class Result:
    """What work returns: a dataclass of it, with ``repr=False``, shows itself in a few lines.

    Lists of them make a pandas ``DataFrame`` of their ``to_dict``.
    """

    def to_dict(self) -> dict[str, Any]:
        """Return what ``--json`` prints of it."""
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
        """Return what is not empty; what has words of its own, as a ``Score`` has, by these."""
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
