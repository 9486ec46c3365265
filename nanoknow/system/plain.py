"""The one way from a result to JSON."""

import json
import math
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel

SPREAD = "*"


def plain(value: Any) -> Any:  # noqa: ANN401 - whatever a result holds
    """Return a result as what ``to_json`` writes, results inside of it too.

    Of a dataclass these are its fields by name. A class that prints more, less or in another
    order has a class attribute ``JSON``, the names of fields and properties to print. A name that
    starts with ``*`` prints what it holds in place of itself: ``"*score"`` prints the keys of the
    score among those of its owner. A number that is not finite, which JSON lacks, is None.

    Raises:
        TypeError: there is no JSON for it.
    """
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
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if value is None or isinstance(value, str | int | float):
        return value
    raise TypeError(f"no JSON for {type(value).__name__}")


def to_json(value: Any, **layout: Any) -> str:  # noqa: ANN401 - see ``plain``
    """Return a result as valid JSON, laid out as ``json.dumps`` is asked to.

    Raises:
        TypeError: there is no JSON for it.
    """
    return json.dumps(plain(value), allow_nan=False, **layout)
