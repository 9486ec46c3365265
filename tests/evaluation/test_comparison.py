"""Runs side by side: the counts of every pair, and p values corrected for their number."""

from __future__ import annotations

from itertools import combinations
from math import log
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nanoknow.errors import ConfigError
from nanoknow.evaluation.answers import Answer
from nanoknow.evaluation.compare import compare_answers
from nanoknow.evaluation.compare_figure import plot_comparison
from nanoknow.evaluation.scores import Score, holm
from tests.helpers.pictures import check_png


def answers(rights: list[bool], inside: list[bool] | None = None) -> list[Answer]:
    told: list[bool | None] = [*inside] if inside else [None] * len(rights)
    return [
        Answer(
            "Where?", ("Rome",), "Rome" if r else "Oslo", log(0.9 if r else 0.2), None, i, None, ""
        )
        for r, i in zip(rights, told, strict=True)
    ]


def test_holm_corrects_an_example_worked_by_hand() -> None:
    # Ascending: 4 · 0.005, 3 · 0.01, 2 · 0.03, and 1 · 0.04, which may not fall below that.
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.2]) == [0.2]
    assert holm([]) == []


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
    for each in found.pairs:
        first, second = by_run["ABCD".index(each.first)], by_run["ABCD".index(each.second)]
        both = sum(a and b for a, b in zip(first, second, strict=True))
        p = each.pairing
        assert (p.both, p.both + p.only_first) == (both, sum(first))
        assert p.both + p.only_second == sum(second)
        assert p.both + p.only_first + p.only_second + p.neither == len(table)
    assert found.all_right == sum(map(all, table))
    assert found.none_right == sum(not any(row) for row in table)


def test_accuracy_in_the_document_counts_only_where_that_is_known() -> None:
    known = answers([True, False, True, True], [True, True, False, True])
    found = compare_answers("q.tsv", {"a": known, "b": answers([False] * 4)})
    assert found.runs[0].score_in_document == Score(2, 3)
    assert found.runs[1].score_in_document is None
    assert (found.runs[0].auroc, found.runs[1].auroc) == (1.0, None)


def test_a_comparison_is_drawn_whatever_its_runs_are_called(tmp_path: Path) -> None:
    names = ["runs/$x^2$", "runs/学習", "runs/" + "long" * 20]
    rights = [[True, False, True], [False, False, False], [True, True, True]]
    found = compare_answers("q.tsv", {n: answers(r) for n, r in zip(names, rights, strict=True)})
    plot_comparison(found, tmp_path / "compare.png")
    check_png((tmp_path / "compare.png").read_bytes())
    with pytest.raises(ConfigError, match=r"use \.png or \.svg"):
        plot_comparison(found, tmp_path / "compare.pdf")
