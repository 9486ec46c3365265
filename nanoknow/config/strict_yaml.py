"""YAML of plain words and numbers; anything that could be misread is refused with its line."""

import re
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml
from yaml.constructor import SafeConstructor

from nanoknow.config.messages import show_value
from nanoknow.config.older_keys import KeyPath
from nanoknow.errors import ConfigError, suggest

MAX_CONFIG_BYTES = 100_000  # take some seconds to parse; a config has a few thousand


class _StrictLoader(yaml.SafeLoader):
    """YAML without aliases and tags, which reads ``1e-3`` as a number."""

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:  # noqa: ANN401
        event = self.peek_event()  # type: ignore[no-untyped-call]
        if isinstance(event, yaml.AliasEvent):
            raise _refused("aliases are not supported: write the value out", event)
        if event.tag:
            what = f"tags such as {event.tag!r} are not supported: write the value alone"
            raise _refused(what, event)
        return super().compose_node(parent, index)


def _refused(problem: str, at: yaml.Node | yaml.Event) -> yaml.MarkedYAMLError:
    return yaml.MarkedYAMLError(problem=problem, problem_mark=at.start_mark)  # type: ignore[arg-type]


PLAIN = {
    "int": re.compile(r"[-+]?(0|[1-9][0-9]*|0x[0-9a-fA-F]+)"),
    "float": re.compile(
        r"[-+]?([0-9]*\.?[0-9]+|[0-9]+\.)([eE][-+]?[0-9]+)?|[-+]?\.(inf|nan)", re.I
    ),
    "bool": re.compile(r"true|false", re.I),
}
"""The forms that are accepted of what YAML 1.1 reads as numbers and switches."""


class StrictDumper(yaml.SafeDumper):
    """Puts quotes around a text such as ``1e-3`` that ``_StrictLoader`` reads as a number."""


for _side in (_StrictLoader, StrictDumper):
    for _kind, _form in (
        ("float", r"^[-+]?[0-9][0-9_]*(\.[0-9_]*)?[eE][-+]?[0-9]+$"),
        # And 089 and 0o10, text in YAML 1.1, so that ``_plain`` refuses them.
        ("int", r"^[-+]?0([oObB]?[0-9_]+|[xX][0-9a-fA-F_]+)$"),
    ):
        _side.add_implicit_resolver(
            f"tag:yaml.org,2002:{_kind}", re.compile(_form), list("-+0123456789")
        )


def read(name_or_path: str, known: Mapping[str, Path], kind: str) -> tuple[str, str]:
    """Read a YAML file's text.

    Args:
        name_or_path: one of ``known`` by name, or a path.
        known: shipped files by name.
        kind: what it should hold, for errors.

    Returns:
        The file's path, and its text.

    Raises:
        ConfigError: it is missing, too large, or not text.
    """
    path = known.get(name_or_path, Path(name_or_path))
    try:
        with path.open("rb") as file:  # a device such as /dev/zero has no end to read to
            raw = file.read(MAX_CONFIG_BYTES + 1)
        if len(raw) > MAX_CONFIG_BYTES:
            raise ConfigError(f"{path}: over {MAX_CONFIG_BYTES:,} bytes: is this a {kind}?")
        return str(path), raw.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError:
        raise ConfigError(f"{path}: not UTF-8 text: is this a {kind}?") from None
    except (OSError, ValueError) as error:
        hint = suggest(str(name_or_path), list(known))
        reason = getattr(error, "strerror", None) or "cannot be read"
        raise ConfigError(
            f"{kind} {name_or_path}: {reason}.{hint} Name a file, or one of: {', '.join(known)}"
        ) from None


def parse(text: str, source: str) -> tuple[dict[str, Any], dict[KeyPath, int]]:
    """Read a YAML mapping, and the line of each key.

    Raises:
        ConfigError: it is not a mapping; names file and line.
    """
    values, lines = parse_any(text, source)
    if not isinstance(values, dict | None):
        raise ConfigError(f"{source}:1: expected keys and values such as 'seed: 0'")
    return values or {}, lines


def parse_any(text: str, source: str) -> tuple[Any, dict[KeyPath, int]]:
    """Read any YAML value, and the line of each key.

    Raises:
        ConfigError: it is not valid, or could be misread; names ``source``, and the line if known.
    """
    lines: dict[KeyPath, int] = {}
    try:
        root = _nodes(text)
        return (None if root is None else _value(root, (), lines)), lines
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = f"{source}:{mark.line + 1}" if mark else source
        raise ConfigError(f"{where}: {error.problem}") from None
    except (yaml.YAMLError, ValueError, OverflowError) as error:
        raise ConfigError(f"{source}: not valid YAML: {str(error).splitlines()[0]}") from None
    except RecursionError:
        raise ConfigError(f"{source}: nested too deeply: a config has three levels") from None


@lru_cache(maxsize=16)
def _nodes(text: str) -> yaml.Node | None:
    """Parse YAML; a config takes 10 ms, and a command may read the same one several times."""
    return _StrictLoader(text).get_single_node()


def _value(node: yaml.Node, path: KeyPath, lines: dict[KeyPath, int]) -> Any:  # noqa: ANN401
    """Return a node's value, and add its keys' lines to ``lines``; a key must be a word."""
    if isinstance(node, yaml.SequenceNode):
        return [_value(each, path, {}) for each in node.value]
    if not isinstance(node, yaml.MappingNode):
        return _plain(node)
    found: dict[str, Any] = {}
    for key_node, value in node.value:
        key = str(key_node.value)
        if key_node.tag != "tag:yaml.org,2002:str":
            scalar = isinstance(key_node, yaml.ScalarNode)
            given = show_value(key_node.value) if scalar else "a list or mapping"
            raise _refused(f"expected a word for a key, not {given}", key_node)
        if key in found:
            raise _refused(f"key {key!r} is there twice: keep one", key_node)
        lines[*path, key] = key_node.start_mark.line + 1
        found[key] = _value(value, (*path, key), lines)
    return found


def _plain(node: yaml.Node) -> Any:  # noqa: ANN401
    """Return a word, number or switch; YAML 1.1 would read 010 as 8, and 12:30 as 750.

    Integers have at most 64 bits, as Python could not print a very long one in hexadecimal.
    """
    kind, text = node.tag.rpartition(":")[2], node.value
    if kind in PLAIN and not PLAIN[kind].fullmatch(text):
        quoted = "put quotes around it if it is text"
        form = "true or false" if kind == "bool" else "a number by its digits alone"
        raise _refused(f"{show_value(text)}: write {form}; {quoted}", node)
    value = SafeConstructor().construct_document(node)
    if kind == "int" and value.bit_length() > 64:
        raise _refused("an integer of more than 64 bits", node)
    return value
