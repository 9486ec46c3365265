"""A claim is judged on the 95 % interval of the mean over seeds, a law on all of its claims."""

from statistics import NormalDist, mean

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nanoknow.config.law import Claim, LawConfig
from nanoknow.errors import ConfigError
from nanoknow.evaluation.scores import interval_of_mean
from nanoknow.laws.verdict import (
    DIFFERS,
    HOLDS,
    NOT_TESTED,
    Judged,
    Measured,
    judge,
    overall,
    unmet,
)

CLAIM = {"says": "s", "row": "a", "measure": "m"}


def law_of(**values: object) -> LawConfig:
    claims = [{"says": "it knows", "row": "a", "measure": "known", "at_least": 50}]
    shape = {"paper": "P", "finding": "F", "config": "demo", "rows": {"a": {}, "b": {}}}
    return LawConfig.model_validate(shape | {"measure": "extraction", "claims": claims} | values)


def claim_of(**values: object) -> Claim:
    return Claim.model_validate({"says": "s", "row": "a", "measure": "known"} | values)


def seeds(*values: float, name: str = "known") -> dict[int, dict[str, float]]:
    return {seed: {name: value} for seed, value in enumerate(values)}


def test_the_interval_of_the_mean_is_students() -> None:
    low, high = interval_of_mean([1.0, 2.0, 3.0]) or (0.0, 0.0)
    assert (low, high) == pytest.approx((2 - 2.484, 2 + 2.484), abs=1e-3)  # t of 2 is 4.303
    assert interval_of_mean([1.0]) is None


def test_of_a_hundred_intervals_ninety_five_hold_the_mean() -> None:
    draws = NormalDist(3, 2).samples(3 * 2000, seed=1)
    intervals = [interval_of_mean(draws[i : i + 3]) for i in range(0, len(draws), 3)]
    inside = [low <= 3 <= high for low, high in filter(None, intervals)]
    assert sum(inside) / len(inside) == pytest.approx(0.95, abs=0.015)


@pytest.mark.parametrize(
    ("values", "bound", "verdict"),
    [
        ((60, 62, 61), {"at_least": 50}, HOLDS),
        ((40, 41, 42), {"at_least": 50}, DIFFERS),
        ((49, 52, 51), {"at_least": 50}, NOT_TESTED),
        ((40, 41, 42), {"at_most": 50}, HOLDS),
        ((60, 62, 61), {"at_most": 50}, DIFFERS),
        ((60,), {"at_least": 50}, NOT_TESTED),  # one seed says nothing of others
        ((), {"at_least": 50}, NOT_TESTED),
    ],
)
def test_a_claim_holds_or_differs_where_the_whole_interval_does(
    values: tuple[float, ...], bound: dict[str, float], verdict: str
) -> None:
    judged = judge(claim_of(**bound), {"a": seeds(*values)})
    assert (judged.verdict, judged.seeds) == (verdict, len(values))
    assert judged.value == (mean(values) if values else None)
    assert judged.bound == f"{next(iter(bound)).replace('_', ' ')} 50"


def test_a_difference_is_taken_seed_by_seed_where_both_rows_have_it() -> None:
    measured: Measured = {"a": seeds(90, 70, 80), "b": seeds(50, 30)}
    judged = judge(claim_of(minus="b", at_least=39), measured)
    assert (judged.value, judged.interval_95, judged.seeds) == (40, (40, 40), 2)
    assert judged.verdict == HOLDS


def test_a_difference_may_be_of_two_values_of_a_row() -> None:
    measured: Measured = {"a": {0: {"known": 9.0, "said": 4.0}, 1: {"known": 8.0, "said": 3.0}}}
    assert judge(claim_of(minus_measure="said", at_least=4), measured).value == 5


def test_a_value_that_is_not_measured_is_refused_with_those_that_are() -> None:
    with pytest.raises(ConfigError, match=r"knwn: is not measured\. .* 'known'\? Available: known"):
        judge(claim_of(measure="knwn", at_least=1), {"a": seeds(1, 2)})


def test_every_run_of_the_rows_has_to_reach_what_is_required() -> None:
    law = law_of(require=[{"measure": "known", "at_least": 99, "rows": ["a"]}])
    assert unmet(law, {"a": seeds(99, 100), "b": seeds(3)}) == []
    [line] = unmet(law, {"a": seeds(99, 98), "b": seeds(3)})
    assert line == "a, seed 1: known is 98, not at least 99"
    assert (
        len(
            unmet(
                law_of(require=[{"measure": "known", "at_most": 1}]),
                {"a": seeds(1, 2), "b": seeds(3)},
            )
        )
        == 2
    )


@given(verdicts=st.lists(st.sampled_from([HOLDS, DIFFERS, NOT_TESTED]), min_size=1))
def test_a_law_holds_if_all_claims_do_and_differs_if_one_does(verdicts: list[str]) -> None:
    judged = [Judged("", "", 3, 1.0, (0.0, 2.0), verdict) for verdict in verdicts]
    verdict = overall(judged, [])
    assert (verdict == DIFFERS) == (DIFFERS in verdicts)
    assert (verdict == HOLDS) == ({*verdicts} == {HOLDS})
    assert overall(judged, ["a, seed 1: known is 98"]) == NOT_TESTED


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"claims": []}, "claims"),
        ({"claims": [{"says": "s", "row": "c", "measure": "m", "at_least": 1}]}, "no such row: c"),
        ({"claims": [{"says": "s", "row": "a", "measure": "m"}]}, "one of at_least and at_most"),
        ({"claims": [CLAIM | {"at_least": 1, "at_most": 2}]}, "one of at_least and at_most"),
        ({"claims": [CLAIM | {"at_least": 1, "minus": "c"}]}, "no such row: c"),
        ({"published": {"x": {"known": 3}}}, "no such row: x"),
        ({"require": [{"measure": "m", "at_least": 1, "rows": ["y"]}]}, "no such row: y"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_a_law_that_contradicts_itself_is_refused(values: dict[str, object], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        law_of(**values)
