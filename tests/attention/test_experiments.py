"""The four findings on attention: what is measured is what theory says."""

from dataclasses import replace
from pathlib import Path

import pytest

from nanoknow.attention.experiments import Finding, TheoryReport, run_experiments
from nanoknow.attention.figure import plot_theory
from nanoknow.attention.theory import Setting
from nanoknow.errors import ConfigError
from tests.helpers.cli import json_of, succeed
from tests.helpers.imports import loads_neither
from tests.helpers.pictures import check_png, check_svg
from tests.helpers.refused import refused

SETTING = Setting(dim=32, n_keys=8, beta=20.0, draws=2_000, seed=0)


@pytest.fixture(scope="module")
def report() -> TheoryReport:
    return run_experiments(SETTING)


def named(finding: Finding) -> dict[str, float]:
    return {quantity.name: quantity.measured for quantity in finding.quantities}


@pytest.mark.parametrize(
    "setting",
    [
        SETTING,
        Setting(dim=16, n_keys=4, beta=6.0, draws=20_000, seed=1),
        Setting(dim=3, n_keys=3, beta=2.0, draws=40_000, seed=2),
        Setting(dim=41, n_keys=40, beta=12.0, draws=1_000, seed=3),
    ],
    ids=repr,
)
def test_every_measurement_is_what_theory_says(setting: Setting) -> None:
    report = run_experiments(setting)
    quantities = [quantity for finding in report.findings for quantity in finding.quantities]
    quantities += [q for row in report.sweep for q in (row.copying, row.averaging, row.projected)]
    assert len(quantities) == 21 + 3 * 8
    for quantity in quantities:
        off = quantity.measured - quantity.theory
        if quantity.is_bound:
            assert off <= 0, quantity
        elif quantity.standard_error:
            assert abs(off) < 4.5 * quantity.standard_error, quantity
        else:
            assert off == pytest.approx(0, abs=1e-9), quantity
    assert all(row.copying.measured < row.copying_bound for row in report.sweep)


def test_measurements_have_some_precision(report: TheoryReport) -> None:
    """Else the test above could not fail."""
    for finding in report.findings:
        for quantity in finding.quantities:
            if quantity.standard_error is not None:
                assert quantity.standard_error < 0.2 * quantity.theory, quantity


def test_one_head_swings_where_a_norm_varies_and_two_heads_hold_steady(
    report: TheoryReport,
) -> None:
    _, _, noisy, stretched, two_heads = map(named, report.findings)
    spread, steady = "weight on v_a, deviation", "draws within 0.1 of ½"
    assert noisy[spread] < 0.02
    assert stretched[spread] > 0.4
    assert two_heads[spread] < stretched[spread] / 3
    assert noisy[steady] == 1
    assert stretched[steady] < 0.05
    assert two_heads[steady] > 0.85


def test_copying_and_averaging_get_exact_as_the_query_grows(report: TheoryReport) -> None:
    for row, longer in zip(report.sweep, report.sweep[1:], strict=False):
        assert longer.copying.measured < row.copying.measured / 5
        assert longer.averaging.measured < row.averaging.measured / 5
        assert longer.projected.measured < row.projected.measured / 5
    copied, averaged = map(named, report.findings[:2])
    assert copied["weight on v_a, mean"] == pytest.approx(1, abs=1e-6)
    assert averaged["weight on v_a, mean"] == pytest.approx(0.5, abs=1e-6)


def test_a_projection_tells_orthogonal_values_apart_and_no_others(report: TheoryReport) -> None:
    found = named(report.findings[1])
    assert found["|M(v_a + v_b) − v_a|, largest"] < 1e-12
    assert found["… v_b not orthogonal, RMS"] > 0.6


def test_the_seed_fixes_every_draw(report: TheoryReport) -> None:
    assert run_experiments(SETTING) == report
    assert run_experiments(replace(SETTING, seed=1)) != report


def test_histograms_account_for_every_draw(report: TheoryReport) -> None:
    for finding in report.findings:
        assert sum(finding.histogram.measured) == pytest.approx(1)
        assert sum(finding.histogram.theory) == pytest.approx(1)


def test_more_draws_than_fit_at_once_are_all_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nanoknow.attention.simulation.CHUNK", 32 * 8 * 7)
    setting = replace(SETTING, draws=50)  # seven at once, and one left over
    for finding in run_experiments(setting).findings:
        shares = [50 * share for share in finding.histogram.measured]
        assert shares == pytest.approx([round(share) for share in shares])
        assert sum(shares) == pytest.approx(50)


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        ({"dim": 7}, "--dim 7: too few for 8 orthonormal keys: give 8 or more, or fewer --keys"),
        ({"dim": 1025}, "--dim 1025: give 1024 or less"),
        ({"n_keys": 2}, "--keys 2: give 3 or more: two to average, and others"),
        ({"beta": 0.0}, "--beta 0: give more than 0, and no more than 30"),
        ({"beta": float("nan")}, "--beta nan: give more than 0, and no more than 30"),
        ({"beta": 30.1}, "--beta 30.1: give more than 0, and no more than 30"),
        ({"draws": 1}, "--draws 1: give from 2 to 1,000,000"),
        ({"seed": -1}, "--seed -1: give 0 or more"),
        ({"draws": 10**400}, f"--draws {10**400}: give from 2 to 1,000,000"),
    ],
)
def test_sizes_that_cannot_be_are_refused_in_a_line(sizes: dict[str, float], message: str) -> None:
    setting = replace(SETTING, **sizes)  # type: ignore[arg-type]
    assert refused(ConfigError, lambda: run_experiments(setting)) == message


@pytest.mark.slow
@pytest.mark.parametrize("beta", [0.01, 30.0])
def test_the_four_panels_are_drawn_for_any_beta(beta: float, tmp_path: Path) -> None:
    report = run_experiments(replace(SETTING, draws=20, beta=beta))
    plot_theory(report, tmp_path / "a.png")
    assert check_png((tmp_path / "a.png").read_bytes()) == (1680, 1120)


@pytest.mark.slow
def test_the_command_prints_the_report_and_names_the_picture(tmp_path: Path) -> None:
    path = tmp_path / "a.svg"
    sizes = ("--dim", "4", "--keys", "3", "--beta", "1", "--draws", "20", "--seed", "3")
    result = json_of("attention", *sizes, "--plot", path)
    assert list(result) == ["alpha", "setting", "findings", "sweep", "plot"]
    assert result["setting"] == {"dim": 4, "n_keys": 3, "beta": 1.0, "draws": 20, "seed": 3}
    assert result["plot"] == str(path)
    check_svg(path.read_bytes())
    assert f"Picture: {path}\n" in succeed("attention", *sizes, "--plot", path).stdout


def test_the_experiments_load_no_torch_and_no_matplotlib() -> None:
    done = "run_experiments(Setting(4, 3, 1.0, 2, 0))"
    assert loads_neither(f"from nanoknow.attention.experiments import *; {done}")
