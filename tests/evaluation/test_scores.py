"""Scores, whether two differ, and runs beside each other and beside a baseline."""

from fractions import Fraction
from itertools import combinations
from math import comb, sqrt
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nanoknow.data.questions import Question, QuestionSet
from nanoknow.evaluation.answers import Answer
from nanoknow.evaluation.baseline import constant_baseline
from nanoknow.evaluation.compare import compare_answers
from nanoknow.evaluation.compare_figure import plot_comparison
from nanoknow.evaluation.scores import Score, holm, pair
from nanoknow.system.plain import plain
from tests.helpers.pictures import check_png, drawn_by
from tests.helpers.questions import said


@pytest.mark.parametrize(
    ("n_right", "n", "low", "high"),
    [
        # Newcombe, 1998, table I, method 3
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
        # "London" to everyone, by hand from Wilson's formula with z = 1.96
        (25, 500, 0.0341, 0.0728),
        (500, 500, 0.9924, 1.0),
    ],
)
def test_intervals_are_the_published_ones(n_right: int, n: int, low: float, high: float) -> None:
    assert Score(n_right, n).interval_95 == pytest.approx((low, high), abs=5e-5)


@given(data=st.data(), n=st.integers(1, 600))
def test_intervals_follow_wilsons_formula(data: st.DataObject, n: int) -> None:
    p = data.draw(st.integers(0, n)) / n
    z = 1.959964
    centre = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    expected = (centre - half, centre + half)
    assert Score(round(p * n), n).interval_95 == pytest.approx(expected, abs=1e-6)


def test_more_questions_give_a_narrower_interval() -> None:
    wide, narrow = Score(25, 500).interval_95, Score(250, 5000).interval_95
    assert wide[0] < narrow[0] < 0.05 < narrow[1] < wide[1]


def test_a_score_tells_accuracy_and_interval() -> None:
    score = Score(25, 500)
    assert score.accuracy == 0.05
    assert str(score) == "5.0 % (25 of 500; 95 % interval 3.4–7.3 %)"
    found = plain(score)
    assert found.pop("interval_95") == pytest.approx([0.0341, 0.0728], abs=5e-5)
    assert found == {"n_right": 25, "n": 500, "accuracy": 0.05}


def pairs(both: int, first: int, second: int, neither: int) -> tuple[list[bool], list[bool]]:
    ours = [True] * (both + first) + [False] * (second + neither)
    theirs = [True] * both + [False] * first + [True] * second + [False] * neither
    return ours, theirs


@pytest.mark.parametrize(
    ("only_first", "only_second", "expected"),
    [
        (0, 5, Fraction(2, 32)),
        (1, 9, Fraction(2 * 11, 1024)),
        (2, 8, Fraction(2 * 56, 1024)),
        (9, 1, Fraction(2 * 11, 1024)),
        (5, 5, Fraction(1)),
        (1, 0, Fraction(1)),
    ],
)
def test_mcnemar_is_the_binomial_of_the_pairs_that_differ(
    only_first: int, only_second: int, expected: Fraction
) -> None:
    for agreeing in (0, 40):
        found = pair(*pairs(agreeing, only_first, only_second, 2 * agreeing)).p
        assert found == pytest.approx(float(expected), rel=1e-9)


@given(first=st.integers(0, 60), second=st.integers(0, 60))
def test_mcnemar_equals_twice_the_smaller_tail(first: int, second: int) -> None:
    n = first + second
    tail = Fraction(sum(comb(n, k) for k in range(min(first, second) + 1)), 2**n)
    expected = min(1.0, float(2 * tail))
    assert pair(*pairs(3, first, second, 4)).p == pytest.approx(expected, rel=1e-9)


def test_mcnemar_of_no_difference_is_1() -> None:
    assert (pair(*pairs(7, 0, 0, 5)).p, pair([], []).p) == (1.0, 1.0)


def test_mcnemar_refuses_lists_of_different_lengths() -> None:
    with pytest.raises(ValueError, match="zip"):
        pair([True], [True, False])


def test_holm_corrects_an_example_worked_by_hand() -> None:
    # Ascending: 4 · 0.005, 3 · 0.01, 2 · 0.03, and 1 · 0.04, which may not fall below that.
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert (holm([0.2]), holm([])) == ([0.2], [])


@given(ps=st.lists(st.floats(0.0, 1.0), max_size=12))
def test_holm_keeps_the_order_and_rejects_what_stepping_down_rejects(ps: list[float]) -> None:
    corrected = holm(ps)
    ranked = sorted(range(len(ps)), key=lambda i: ps[i])
    assert all(ps[i] <= corrected[i] <= 1 for i in ranked)
    assert [corrected[i] for i in ranked] == sorted(corrected)
    for level in (0.01, 0.05, 0.2):
        rejected = 0
        while rejected < len(ps) and (len(ps) - rejected) * ps[ranked[rejected]] <= level:
            rejected += 1
        assert sum(p <= level for p in corrected) == rejected


def answers(rights: list[bool], inside: list[bool] | None = None) -> list[Answer]:
    known: list[bool | None] = [*inside] if inside else [None] * len(rights)
    return [
        said("Rome" if r else "Oslo", "Rome", confidence=0.9 if r else 0.2, in_document=i)
        for r, i in zip(rights, known, strict=True)
    ]


@given(
    table=st.integers(2, 4).flatmap(
        lambda runs: st.lists(
            st.lists(st.booleans(), min_size=runs, max_size=runs), min_size=1, max_size=20
        )
    )
)
def test_every_pair_is_counted_on_the_same_questions(table: list[list[bool]]) -> None:
    by_run = [list(column) for column in zip(*table, strict=True)]
    found = compare_answers("q.tsv", {f"run-{i}": answers(r) for i, r in enumerate(by_run)})
    assert [run.score for run in found.runs] == [Score(sum(r), len(table)) for r in by_run]
    expected = list(combinations("ABCD"[: len(by_run)], 2))
    assert [(each.first, each.second) for each in found.pairs] == expected
    for each, (first, second) in zip(found.pairs, combinations(by_run, 2), strict=True):
        both = sum(a and b for a, b in zip(first, second, strict=True))
        p = each.pairing
        totals = (p.both, p.both + p.only_first, p.both + p.only_second)
        assert totals == (both, sum(first), sum(second))
        assert p.both + p.only_first + p.only_second + p.neither == len(table)
    ps = [each.pairing.p for each in found.pairs]
    assert [each.corrected_p for each in found.pairs] == holm(ps)
    assert found.all_right == sum(map(all, table))
    assert found.none_right == sum(not any(row) for row in table)


def test_accuracy_in_the_document_counts_only_where_that_is_known() -> None:
    known = answers([True, False, True, True], [True, True, False, True])
    found = compare_answers("q.tsv", {"a": known, "b": answers([False] * 4)})
    assert found.runs[0].score_in_document == Score(2, 3)
    assert found.runs[1].score_in_document is None
    assert (found.runs[0].auroc, found.runs[1].auroc) == (1.0, None)


def test_after_26_runs_come_those_of_two_letters() -> None:
    found = compare_answers("q.tsv", {f"run-{i}": answers([True]) for i in range(28)})
    assert [run.letter for run in found.runs][24:] == ["Y", "Z", "AA", "AB"]


def test_a_comparison_is_drawn_whatever_its_runs_are_called(tmp_path: Path) -> None:
    names = ["runs/$x^2$", "runs/学習", "runs/" + "long" * 20]
    rights = [[True, False, True], [False, False, False], [True, True, True]]
    found = compare_answers("q.tsv", {n: answers(r) for n, r in zip(names, rights, strict=True)})
    plot_comparison(found, tmp_path / "compare.png")
    check_png((tmp_path / "compare.png").read_bytes())


def test_a_compared_run_is_named_by_what_differs_on_an_axis_that_ends_with_the_data(
    tmp_path: Path,
) -> None:
    answers = [said("Rome", "Rome"), said("Oslo", "Rome"), said("Oslo", "Rome")]
    names = [f"{'runs/' * 9}{which}/finetune" for which in ("seed-0", "seed-1")]
    found = compare_answers("q.tsv", dict.fromkeys(names, answers))
    [figure] = drawn_by(lambda: plot_comparison(found, tmp_path / "a.svg"))
    left, right = figure.axes
    assert [tick.get_text().replace("\n", "") for tick in left.get_yticklabels()] == [
        "A  seed-0/finetune",
        "B  seed-1/finetune",
    ]
    assert left.get_xlim()[1] <= 103 * Score(1, 3).interval_95[1]
    assert right.get_xlim()[1] < 1.1


GOLD = [*["London"] * 25, *["Paris"] * 470, "london", "London ", "New London", "", "L"]


@pytest.mark.parametrize(
    ("baseline", "gold", "score"),
    [
        ("London", GOLD, Score(25, 500)),
        ("Oslo", GOLD, Score(0, 500)),
        ("London", [None], Score(0, 1)),
    ],
)
def test_a_constant_answer_scores_the_questions_that_have_it(
    baseline: str, gold: list[str | None], score: Score
) -> None:
    items = tuple(Question("Where?", () if g is None else (g,), 1) for g in gold)
    assert constant_baseline(QuestionSet("q.tsv", items, ""), baseline).score == score


def test_a_baseline_is_paired_with_a_models_answers() -> None:
    gold = ("Rome", "Roma")
    questions = QuestionSet("q.tsv", (Question("Where?", gold, 1),) * 4, "")
    ours = [said(answer, *gold) for answer in ("Rome", "Oslo", "Oslo", "Oslo")]
    found = constant_baseline(questions, "Roma").beside(ours)
    assert (found.name, found.score) == ("saying 'Roma' to all", Score(4, 4))
    assert found.pairing == pair([True, False, False, False], [True] * 4)
