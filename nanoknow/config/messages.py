"""A config's mistake in one line: file and line or flag, key, allowed values, nearest known key."""

import re
from collections.abc import Mapping
from typing import Any, get_args

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from nanoknow.config.experiment import ExperimentConfig, union_members
from nanoknow.config.older_keys import KeyPath
from nanoknow.errors import suggest

WORDS = {
    "int_type": "a whole number", "float_type": "a number", "finite_number": "a finite number",
    "int_parsing": "a whole number", "float_parsing": "a number", "bool_type": "true or false",
    "string_type": "text", "string_unicode": "valid Unicode", "path_type": "the name of a file",
    "tuple_type": "a list", "missing": "given", "greater_than": "more than {gt:.15g}",
    "greater_than_equal": "{ge:.15g} or more", "less_than": "less than {lt:.15g}",
    "less_than_equal": "{le:.15g} or less", "too_short": "{min_length} or more values",
    "too_long": "{max_length} values at most",
    "string_too_short": "{min_length} or more characters", "extra_forbidden": "left out",
    "invalid_key": "a word", "literal_error": "{expected}", "union_tag_invalid": "{expected_tags}",
}  # fmt: skip
"""What a value must be, by pydantic's error type; for all others, keys with values."""


def explain(
    error: ErrorDetails,
    source: str,
    lines: Mapping[KeyPath, int],
    labels: Mapping[KeyPath, str],
    root: type[BaseModel] = ExperimentConfig,
) -> str:
    """Put pydantic's error into one line that says where, what and what is allowed.

    Args:
        error: the first of a ``ValidationError``.
        source: the config file; empty to name keys alone.
        lines: the line of each of its keys.
        labels: flags by the key that they set.
        root: the config class that the keys belong to.
    """
    path, beside = _walk(error["loc"], root)
    dotted = ".".join(part if part.isprintable() else repr(part) for part in path[:5])
    places = {**{key: f"{source}:{line}" for key, line in lines.items()}, **labels}
    around = (tuple(path[:depth]) for depth in range(len(path), 0, -1))
    where = next((places[key] for key in around if key in places), source)
    # A rule about a whole section is broken by the flags that name keys in it.
    below = [label for key, label in labels.items() if key[: len(path)] == tuple(path)]
    where = ", ".join(dict.fromkeys(below)) or where
    where = where if where.endswith(dotted) else f"{where}: {dotted}".removeprefix(": ")
    kind, context = error["type"], error.get("ctx", {})
    if kind == "extra_forbidden":
        hint = suggest(path[-1], beside)
        owners = [tag for tag, cls in union_members().items() if path[-1] in cls.model_fields]
        if owners and not hint:
            hint = f" It is a key of {' and '.join(owners)}."
        return f"{where}: unknown key.{hint} Known here: {', '.join(beside)}"
    if kind in ("union_tag_invalid", "literal_error"):
        expected = context.get("expected_tags", context.get("expected"))
        choices = re.findall(r"'([^']*)'", str(expected))
        given = context.get("tag", error["input"])
        hint = suggest(given, choices) if isinstance(given, str) else ""
        return f"{where}: unknown {show_value(given)}.{hint} Available: {', '.join(choices)}"
    return f"{where}: {in_words(error)}".removeprefix(": ")


def in_words(error: ErrorDetails) -> str:
    """Say what a value must be, and what it is."""
    given, context = error["input"], error.get("ctx", {})
    if error["type"] == "value_error":
        return str(context["error"])
    words = f"must be {WORDS.get(error['type'], 'keys with values').format(**context)}"
    return words if isinstance(given, dict | BaseModel) else f"{words} (got {show_value(given)})"


def show_value(value: object) -> str:
    """Return a value for a message: on one line, and not longer than a line."""
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."


def _walk(loc: tuple[int | str, ...], root: type[BaseModel]) -> tuple[list[str], list[str]]:
    """Return the keys of an error's location, and those known beside the last one."""
    path: list[str] = []
    beside: list[str] = []
    owners: list[Any] = [root]
    for part in (str(part) for part in loc if part != "[key]"):
        if len(owners) > 1:
            # A discriminated union puts its member's tag, which is not a key, between the keys.
            owners = [union_members()[part]]
            continue
        path.append(part)
        if part.isdecimal():  # an index: the owner is already the class of the list's items
            continue
        fields = owners[0].model_fields if owners else {}
        beside = list(fields)
        annotation = fields[part].annotation if part in fields else None
        owners = [a for a in (annotation, *get_args(annotation)) if hasattr(a, "model_fields")]
    return path, beside
