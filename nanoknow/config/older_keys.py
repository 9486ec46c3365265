"""Keys of earlier releases: renamed ones get their new names, removed ones must be switched off.

Older runs and YAML files keep their keys; all code after this module sees only today's.
"""

from collections.abc import Callable, Mapping
from typing import Any

from nanoknow.errors import ConfigError

KeyPath = tuple[str, ...]

RENAMED: dict[KeyPath, str] = {
    ("task", "scraps_loss"): "cloze_loss",
    ("optimizer", "matrices"): "matrix_optimizer",
    ("schedule", "warmup_positions"): "warmup_tokens",
    ("schedule", "decay_positions"): "decay_tokens",
}
"""New names by section and old key, wherever in a config the section is."""

REMOVED: dict[KeyPath, tuple[Any, str]] = {
    ("model", "qk_norm"): (False, "normalised queries and keys"),
    ("task", "shuffle_clauses"): (0.0, "documents with their clauses in another order"),
    ("optimizer", "average"): (0.0, "a moving average of the weights"),
}
"""By section and key: the neutral value, which switches the feature off, and what it was."""

DROPPED: tuple[KeyPath, ...] = (("augment",), ("config", "augment"))
"""Sections that nothing reads any more, in configs and in the configs of checkpoints."""


def with_present_keys(
    values: Mapping[str, Any], where: Callable[[KeyPath], str], path: KeyPath = ()
) -> dict[str, Any]:
    """Return the values of a config, or of a part of one, with today's keys.

    Args:
        values: nested mappings, as read from YAML or JSON.
        where: returns a key's file and line, or its flag, for errors.
        path: where ``values`` are in the whole config.

    Raises:
        ConfigError: a removed key has a value other than its neutral one, or a key is given by
            both its old and its new name.
    """
    present: dict[str, Any] = {}
    for key, value in values.items():
        here, rule = (*path, key), (*path[-1:], key)
        if here in DROPPED:
            continue
        if rule in REMOVED:
            neutral, feature = REMOVED[rule]
            if value != neutral:
                why = f"{feature} did not help and was removed"
                advice = "take the key out, or use nanoknow 0.1.0"
                raise ConfigError(f"{where(here)}: {value!r}: {why}: {advice}")
            continue
        name = RENAMED.get(rule, key)
        if name != key and name in values:
            raise ConfigError(f"{where(here)}: the older name of {name}, also given: keep one")
        nested = isinstance(value, dict)
        present[name] = with_present_keys(value, where, here) if nested else value
    return present


def present_path(path: KeyPath) -> KeyPath:
    """Return the path of a key with its present name."""
    return (*path[:-1], RENAMED.get(path[-2:], path[-1]))
