"""Judge whether a law holds: compare 95 % intervals of measured values with its claims."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import mean

from nanoknow.config.law import Bound, Claim, LawConfig
from nanoknow.errors import ConfigError, suggest
from nanoknow.evaluation.scores import interval_of_mean

HOLDS, DIFFERS, NOT_TESTED = "holds", "differs", "not tested"

Measured = Mapping[str, Mapping[int, Mapping[str, float]]]
"""Measured values by row, seed and name."""


@dataclass(frozen=True)
class Judged:
    """A claim and its verdict.

    Attributes:
        says: the claim.
        bound: the bound that the value is compared with, in words.
        seeds: number of seeds that it was measured with.
        value: mean over the seeds; None without any.
        interval_95: interval of that mean; None with fewer than two seeds.
        verdict: one of ``HOLDS``, ``DIFFERS`` and ``NOT_TESTED``.
    """

    says: str
    bound: str
    seeds: int
    value: float | None
    interval_95: tuple[float, float] | None
    verdict: str


def judge(claim: Claim, measured: Measured) -> Judged:
    """Compare the 95 % interval of a value with the claim's bound.

    The claim holds if all of the interval meets the bound, differs if none of it does, and is not
    tested if the bound lies within the interval or there are fewer than two seeds.

    Raises:
        ConfigError: the claim names a value that is not measured.
    """
    others = measured[claim.minus or claim.row]
    both = [(row, others[seed]) for seed, row in measured[claim.row].items() if seed in others]
    values = [value_of(row, claim.measure) for row, _ in both]
    if claim.minus or claim.minus_measure:
        taken = (value_of(other, claim.minus_measure or claim.measure) for _, other in both)
        values = [value - other for value, other in zip(values, taken, strict=True)]
    interval = interval_of_mean(values)
    verdict = NOT_TESTED
    if interval is not None:
        inside = [_keeps(claim, end) for end in interval]
        verdict = HOLDS if all(inside) else NOT_TESTED if any(inside) else DIFFERS
    value = mean(values) if values else None
    return Judged(claim.says, str(claim), len(values), value, interval, verdict)


def unmet(law: LawConfig, measured: Measured) -> list[str]:
    """Return, in words, which of the law's requirements the runs do not meet."""
    return [
        f"{row}, seed {seed}: {each.measure} is {value_of(values, each.measure):.4g}, not {each}"
        for each in law.require
        for row in each.rows or law.rows
        for seed, values in measured[row].items()
        if not _keeps(each, value_of(values, each.measure))
    ]


def overall(judged: Sequence[Judged], missing: Sequence[str]) -> str:
    """Return the verdict on a law: it holds if all requirements are met and all claims hold."""
    if missing:
        return NOT_TESTED
    found = {each.verdict for each in judged}
    return next((verdict for verdict in (DIFFERS, NOT_TESTED) if verdict in found), HOLDS)


def value_of(values: Mapping[str, float], name: str) -> float:
    """Return a value by its name.

    Raises:
        ConfigError: it is not measured.
    """
    if name not in values:
        raise ConfigError(
            f"{name}: is not measured.{suggest(name, values)} Available: {', '.join(values)}"
        )
    return values[name]


def _keeps(bound: Bound, value: float) -> bool:
    if bound.at_least is not None:
        return value >= bound.at_least
    return bound.at_most is None or value <= bound.at_most
