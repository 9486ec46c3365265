"""The page of ``evaluate --report`` in a real browser, at three widths."""

from collections.abc import Iterator
from itertools import product
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.helpers.browser import WIDTHS, browser_page, too_wide, violations
from tests.helpers.cli import succeed

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def file(markup: Path) -> Path:
    succeed("evaluate", markup / "runs/<i>&run", "--report", markup / "page.html")
    return markup / "page.html"


@pytest.fixture(params=product(WIDTHS, ("light", "dark")), ids="-".join)
def page(file: Path, request: pytest.FixtureRequest) -> Iterator[Page]:
    width, scheme = request.param
    with browser_page(WIDTHS[width], scheme) as page:
        page.goto(file.as_uri())
        yield page


def test_a_report_fits_any_width_and_has_no_barriers_folded_or_unfolded(page: Page) -> None:
    assert not too_wide(page)
    assert violations(page) == []
    page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
    assert not too_wide(page)
    assert violations(page) == []


def test_questions_are_searched_and_sorted_by_keyboard(page: Page) -> None:
    rows = page.locator("tbody tr:visible").filter(has_text="Where was")
    every = rows.count()
    page.get_by_label("Show those with").focus()
    page.keyboard.type("Ada")
    expect(rows).not_to_have_count(every)
    assert all("Ada" in text for text in rows.all_inner_texts())
    page.get_by_label("Show those with").fill("")
    expect(rows).to_have_count(every)
    confidence = page.get_by_role("button", name="confidence")
    for is_down in (False, True):
        confidence.focus()
        page.keyboard.press("Enter")
        shown = [float(each.split("\t")[3].split()[0]) for each in rows.all_inner_texts()]
        assert shown == sorted(shown, reverse=is_down)
    assert page.locator("[aria-sort=ascending], [aria-sort=descending]").count() == 1
