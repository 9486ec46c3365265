"""Measures of confidence, held against scikit-learn's and against their definitions."""

from collections.abc import Sequence
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.calibration import calibration_curve
from sklearn.metrics import brier_score_loss, roc_auc_score

from nanoknow.evaluation.calibration import (
    Confidence,
    Flags,
    Selection,
    Values,
    auroc,
    cross_fitted,
    measure_confidence,
    reliability,
    selections,
    widest,
)
from nanoknow.system.draws import shuffle

# With many ties and on the edges of bins, as well as between.
CONFIDENCES = st.one_of(
    st.floats(0.0, 1.0), st.sampled_from([0.0, 0.1, 0.2, 0.25, 0.5, 0.7, 0.9, 1.0])
)
ANSWERS = st.lists(st.tuples(CONFIDENCES, st.booleans()), min_size=1, max_size=60)
Rows = list[tuple[float, bool]]


def arrays(rows: Sequence[tuple[float, bool]]) -> tuple[Values, Flags]:
    return np.array([c for c, _ in rows], np.float64), np.array([r for _, r in rows], np.bool_)


def measured(confidence: Values, right: Flags) -> Confidence:
    return measure_confidence(confidence, right, 0.8, Random(0))


@given(rows=ANSWERS)
def test_the_reliability_diagram_is_scikit_learns(rows: Rows) -> None:
    confidence, right = arrays(rows)
    accuracy, mean = calibration_curve(right, confidence, n_bins=10)
    bins = reliability(confidence, right)
    assert [b.accuracy for b in bins] == pytest.approx(list(accuracy))
    assert [b.confidence for b in bins] == pytest.approx(list(mean))
    assert sum(b.n for b in bins) == len(rows)
    for each in bins:
        above = (confidence > each.low) | (each.low == 0)
        assert each.n == (above & (confidence <= each.high)).sum()


@given(rows=ANSWERS)
def test_the_brier_score_is_scikit_learns(rows: Rows) -> None:
    confidence, right = arrays(rows)
    expected = brier_score_loss(right, confidence, pos_label=True, labels=[False, True])
    assert measured(confidence, right).brier == pytest.approx(expected, abs=1e-12)


@given(rows=ANSWERS)
def test_auroc_is_scikit_learns_and_nothing_without_both_kinds(rows: Rows) -> None:
    confidence, right = arrays(rows)
    found = auroc(confidence[right], confidence[~right])
    if right.all() or not right.any():
        assert found is None
    else:
        assert found == pytest.approx(roc_auc_score(right, confidence), abs=1e-12)


@given(first=st.lists(CONFIDENCES, min_size=1), second=st.lists(CONFIDENCES, min_size=1))
def test_auroc_counts_the_pairs_that_are_in_order(first: list[float], second: list[float]) -> None:
    won = sum((a > b) + 0.5 * (a == b) for a in first for b in second)
    found = auroc(np.array(first), np.array(second))
    assert found == pytest.approx(won / (len(first) * len(second)), abs=1e-12)


def test_calibration_error_of_an_example_worked_by_hand() -> None:
    # 0.3 and 0.25 with one right: |0.5 - 0.275| · 2; 0.95 wrong: 0.95; 1.0 right: with 0.95 in a
    # bin, |0.5 - 0.975| · 2.
    confidence, right = arrays([(0.3, True), (0.25, False), (0.95, False), (1.0, True)])
    assert measured(confidence, right).ece == pytest.approx((2 * 0.225 + 2 * 0.475) / 4)


@given(rows=ANSWERS)
def test_calibration_error_is_the_mean_gap_over_scikit_learns_bins(rows: Rows) -> None:
    confidence, right = arrays(rows)
    accuracy, mean = calibration_curve(right, confidence, n_bins=10)
    edges = np.linspace(0, 1, 11)[1:-1]
    counts = np.bincount(np.searchsorted(edges, confidence), minlength=10)
    expected = (counts[counts > 0] * np.abs(accuracy - mean)).sum() / len(rows)
    found = measured(confidence, right).ece
    assert found == pytest.approx(expected, abs=1e-12)
    assert 0 <= found <= 1


def by_definition(rows: Rows, threshold: float) -> Selection:
    answered = [right for confidence, right in rows if confidence >= threshold]
    return Selection(threshold, len(rows), len(answered), sum(answered))


@given(rows=ANSWERS)
def test_selections_are_the_thresholds_by_definition(rows: Rows) -> None:
    thresholds = sorted({confidence for confidence, _ in rows}, reverse=True)
    found = selections(*arrays(rows))
    assert found == [by_definition(rows, threshold) for threshold in thresholds]
    assert found[-1].n_answered == len(rows)


@given(rows=ANSWERS, target=st.floats(0.01, 1.0))
def test_the_widest_selection_reaches_the_target_and_none_wider_does(
    rows: Rows, target: float
) -> None:
    curve = selections(*arrays(rows))
    chosen = widest(curve, target)
    reaching = [s for s in curve if s.n_right / s.n_answered >= target]
    if chosen is None:
        assert not reaching
    else:
        assert chosen in reaching
        assert chosen.n_answered == max(s.n_answered for s in reaching)


def test_where_nothing_is_answered_there_is_no_accuracy() -> None:
    assert Selection(None, 10, 0, 0).accuracy is None
    assert Selection(0.5, 10, 6, 4).accuracy == pytest.approx(4 / 6)
    assert Selection(0.5, 10, 6, 4).coverage == pytest.approx(6 / 10)


@given(rows=ANSWERS, target=st.floats(0.01, 1.0), seed=st.integers(0, 99), folds=st.integers(2, 6))
def test_cross_fitting_never_shows_a_question_to_its_own_threshold(
    rows: Rows, target: float, seed: int, folds: int
) -> None:
    order = list(range(len(rows)))
    shuffle(order, Random(seed))
    answered: list[int] = []
    for own in (order[i::folds] for i in range(min(folds, len(rows)))):
        others = [rows[i] for i in order if i not in own]
        chosen = widest(selections(*arrays(others)), target) if others else None
        if chosen is not None and chosen.threshold is not None:
            answered += [i for i in own if rows[i][0] >= chosen.threshold]
    found = cross_fitted(*arrays(rows), target, Random(seed), folds)
    n_right = sum(rows[i][1] for i in answered)
    assert found == Selection(None, len(rows), len(answered), n_right)


def test_a_threshold_that_fits_by_luck_does_not_survive_cross_fitting() -> None:
    # One lucky answer at the top: chosen on itself it is always right, by others never found.
    rows = [(0.99, True), *((0.98 - i / 1000, False) for i in range(99))]
    confidence, right = arrays(rows)
    assert widest(selections(confidence, right), 1.0) == Selection(0.99, 100, 1, 1)
    found = cross_fitted(confidence, right, 1.0, Random(0))
    assert found.n_right == 0


@given(rows=ANSWERS, seed=st.integers(0, 9))
def test_all_measures_of_one_set_of_answers_agree(rows: Rows, seed: int) -> None:
    confidence, right = arrays(rows)
    found = measure_confidence(confidence, right, 0.8, Random(seed))
    assert len(found.right) + len(found.wrong) == found.n == len(rows)
    assert found.everything.n_right == right.sum()
    wrong = sorted(c for c, r in rows if not r)
    assert (found.right, found.wrong) == (sorted(c for c, r in rows if r), wrong)
    sure = {str(least): sum(c >= least for c in wrong) for least in (0.5, 0.9)}
    assert found.sure_and_wrong == sure
    base_rate = np.mean((right.mean() - right) ** 2)
    assert found.brier_of_base_rate == pytest.approx(base_rate, abs=1e-12)
    assert found.at_target == widest(found.selections, 0.8)
    assert (found.auroc is None) == (found.median_right is None or found.median_wrong is None)
    again = measure_confidence(confidence, right, 0.8, Random(seed))
    assert again == found
