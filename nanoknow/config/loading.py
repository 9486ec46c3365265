"""From YAML, flags and ``--set`` to one frozen config; every mistake names file, line and key."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError

from nanoknow.config.experiment import ExperimentConfig, union_members
from nanoknow.config.messages import explain
from nanoknow.config.older_keys import KeyPath, present_path, with_present_keys
from nanoknow.config.strict_yaml import StrictDumper, parse, parse_any, read
from nanoknow.errors import ConfigError
from nanoknow.system.reporter import Reporter

BUILT_IN, OWN_FACTS = "demo", "own-facts"
FILES = ("data.corpus", "data.questions", "data.eval")


@dataclass(frozen=True)
class Override:
    """One value from the command line: ``label`` is how the user wrote it (``--epochs``)."""

    key: str
    value: Any
    label: str


def load_config(
    name_or_path: str | None,
    overrides: Sequence[Override] = (),
    base: ExperimentConfig | None = None,
) -> ExperimentConfig:
    """Resolve a config: flags over file over ``base`` (the defaults, or a run's own config).

    Args:
        name_or_path: a shipped config's name (``birthplaces``), a path, or None for no file.
        overrides: values from the command line; of several for one key, the last wins.
        base: the config that the file and the flags change.

    Raises:
        ConfigError: one line with file:line, key, allowed values and the nearest known key.
    """
    source, text = ("", "") if name_or_path is None else (read(name_or_path, shipped(), "config"))
    values, lines = parse(text, source)
    values = with_present_keys(values, lambda path: f"{source}:{lines[path]}: {'.'.join(path)}")
    lines = {present_path(path): line for path, line in lines.items()}
    merged = _merge((base or ExperimentConfig()).model_dump(), values)
    labels: dict[KeyPath, str] = {}
    for override in overrides:
        values = _nested(override)
        merged = _merge(merged, values)
        labels |= dict.fromkeys(_leaves((), values), override.label)
    try:
        return ExperimentConfig.model_validate(merged)
    except ValidationError as error:
        raise ConfigError(explain(error.errors()[0], source, lines, labels)) from None


def resolve_config(
    name: str | None,
    overrides: Sequence[Override],
    reporter: Reporter,
    base: ExperimentConfig | None = None,
) -> ExperimentConfig:
    """Return the config of a command.

    It is the named one, else a run's own (``base``), else that of ``choose_config``. If
    ``overrides`` name a corpus or training questions, the config's other files and its world are
    dropped. Of a run's own config only the eval questions are, if training questions are named.

    Raises:
        ConfigError: see ``load_config``.
    """
    if name is None and base is None:
        name = choose_config(overrides, reporter)
    named = _named_files(overrides)
    base, deciding = (base, FILES[1:2]) if name is None else (None, FILES[:2])
    dropped = (FILES[2:] if base else (*FILES, "data.world")) if named & {*deciding} else ()
    nothing = [Override(key, None, key) for key in dropped]
    return load_config(name, [*nothing, *overrides], base)


def choose_config(overrides: Sequence[Override], reporter: Reporter) -> str:
    """Return the name of a config for a command that names none.

    It is the recipe for own facts if a data file is named, else the built-in world's, with a note.
    """
    if _named_files(overrides):
        return OWN_FACTS
    reporter.note(f"no --config and no data named: using the built-in world (--config {BUILT_IN})")
    return BUILT_IN


def parse_assignment(text: str) -> Override:
    """Read one ``--set a.b=c``; the value is YAML, so ``null``, ``1e-3`` and lists work."""
    key, equals, value = text.partition("=")
    if not equals or not all(part.strip() for part in key.split(".")):
        raise ConfigError(f"--set {text}: write it as --set section.key=value")
    return Override(key.strip(), parse_any(value, f"--set {key}")[0], f"--set {key}")


def dump_config(config: BaseModel) -> str:
    """Write a config as YAML from which ``load_config`` reads an equal config."""
    # Not ``allow_unicode``: PyYAML would write line ends (U+0085) that it reads back as others.
    return yaml.dump(config.model_dump(mode="json"), Dumper=StrictDumper, sort_keys=False)


def shipped(folder: str = "") -> dict[str, Path]:
    """Return the paths of the shipped configs by name, or of the files in a folder beside them."""
    package = Path(__file__).resolve().parents[1]
    for configs in (package / "configs", package.parent / "configs"):
        if configs.is_dir():
            return {path.stem: path for path in sorted((configs / folder).glob("*.yaml"))}
    return {}


def described(path: Path) -> str:
    """Return the first sentence of the comment at the top of a shipped file."""
    comment, _, _ = path.read_text(encoding="utf-8").partition("\n#   ")
    return comment.replace("\n# ", " ").removeprefix("# ").partition(". ")[0].rstrip(".")


def _named_files(overrides: Sequence[Override]) -> set[str]:
    return {each.key for each in overrides if each.key in FILES and each.value is not None}


def _nested(override: Override) -> dict[str, Any]:
    """Return an override as nested mappings with today's keys."""
    values: Any = override.value
    if hasattr(values, "tolist"):  # a number of numpy or torch
        values = values.tolist()
    for key in reversed(override.key.split(".")):
        values = {key: values}
    return with_present_keys(values, lambda _: override.label)


def _leaves(path: KeyPath, value: object) -> list[KeyPath]:
    """Return the paths of the values in nested mappings."""
    if isinstance(value, dict) and value:
        return [leaf for key in value for leaf in _leaves((*path, str(key)), value[key])]
    return [path]


def _merge(base: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Lay ``changes`` over ``base``; a new variant or kind keeps only the keys that it knows."""
    for tag in ("variant", "kind"):
        name = changes.get(tag)
        if isinstance(name, str) and name != base.get(tag) and name in union_members():
            known = union_members()[name].model_fields
            base = {key: value for key, value in base.items() if key in known}
    merged = dict(base)
    for key, value in changes.items():
        old = merged.get(key)
        both = isinstance(old, dict) and isinstance(value, dict)
        merged[key] = _merge(old, value) if both else value  # type: ignore[arg-type]
    return merged
