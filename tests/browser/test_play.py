"""The page of ``nanoknow play`` in a real browser: four tasks by keyboard, at three widths."""

from collections.abc import Iterator
from itertools import product
from pathlib import Path

import pytest
from playwright.sync_api import Page, Route, expect

from nanoknow.config.experiment import DataConfig
from nanoknow.play.lab import Lab
from tests.helpers.browser import WIDTHS, browser_page, tab_to, too_wide, violations
from tests.helpers.serving import serving
from tests.helpers.silent import Silent

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def url(home: Path) -> Iterator[str]:
    lab = Lab(home / "runs/answers", None, DataConfig(), "cpu", Silent())
    with serving(lab) as (host, port):
        yield f"http://{host}:{port}/"


@pytest.fixture(params=product(WIDTHS, ("light", "dark")), ids="-".join)
def page(url: str, request: pytest.FixtureRequest) -> Iterator[Page]:
    width, scheme = request.param
    with browser_page(WIDTHS[width], scheme) as page:
        page.goto(url)
        expect(page.locator("#curves figure")).not_to_have_count(0)
        yield page
        assert not too_wide(page)
        assert violations(page) == []


def test_what_does_it_know(page: Page) -> None:
    tab_to(page, "#question")
    page.keyboard.press("Control+A")
    page.keyboard.type("Ad")
    expect(page.locator("#names button")).not_to_have_count(0)
    name = page.locator("#names button").first.inner_text()
    tab_to(page, "#names button", name)
    page.keyboard.press("Enter")
    expect(page.locator("#status")).to_contain_text("It says")
    expect(page.locator("#question")).to_be_focused()
    expect(page.locator("#asked")).to_contain_text(f"Where was {name} born?")
    expect(page.locator("#evidence")).to_contain_text(f"bout {name} (")
    letters = page.locator("#answer button")
    tab_to(page, "#answer button")
    page.keyboard.press("Enter")
    expect(letters.first).to_have_attribute("aria-pressed", "true")
    expect(page.locator("#alternatives li")).to_have_count(5)


def test_what_does_it_make_up(page: Page) -> None:
    tab_to(page, "#invent")
    page.keyboard.press("Enter")
    expect(page.locator("#evidence")).to_have_text("No document is about this name.")
    expect(page.locator("#verdict")).to_contain_text("Probably made up")


def test_how_can_one_tell(page: Page) -> None:
    tab_to(page, "button[type=submit]")
    page.keyboard.press("Enter")
    expect(page.locator("#worth")).to_contain_text("were as sure")
    pictures = page.get_by_role("img", name="invented names, half of them")
    expect(pictures).to_have_count(1)
    assert pictures.locator(".now").count() == 1


def test_how_did_it_learn(page: Page) -> None:
    tab_to(page, "#lesson")
    page.keyboard.press("Enter")
    expect(page.locator("#document blockquote")).not_to_be_empty()
    expect(page.locator("#document .text")).to_have_count(3)
    assert "Loss, span corruption" in page.locator("#curves").inner_text()


def test_what_is_wrong_with_a_question_is_said_where_it_is_asked(page: Page) -> None:
    tab_to(page, "#question")
    page.keyboard.press("Control+A")
    page.keyboard.type("a" * 999 + "?")
    page.keyboard.press("Enter")
    expect(page.locator("#error")).to_contain_text("block_size")


def test_the_last_question_is_answered_and_what_is_typed_meanwhile_stays(url: str) -> None:
    with browser_page(WIDTHS["phone"], "light") as page:
        page.goto(url)
        expect(page.locator("#question")).not_to_have_value("")
        held: list[Route] = []
        page.route("**/api/ask?*", lambda route: held.append(route))
        for name in ("Ada", "Eve"):
            page.locator("#question").fill(f"Where was {name} born?")
            page.keyboard.press("Enter")
        page.locator("#question").fill("Where was Al")
        expect(page.locator("#form")).to_have_attribute("aria-busy", "true")
        for route in reversed(held):
            route.continue_()
        expect(page.locator("#status")).to_contain_text("It says")
        expect(page.locator("#asked")).to_have_text("Where was Eve born?")
        expect(page.locator("#question")).to_have_value("Where was Al")
        expect(page.locator("#form")).to_have_attribute("aria-busy", "false")


def test_one_answer_is_not_counted_as_several(url: str) -> None:
    def one(route: Route) -> None:
        reply = route.fetch().json()
        reply["worth"] = {"score": {"n": 1, "n_right": 1}, "invented": 16, "n_invented": 1}
        route.fulfill(json=reply)

    with browser_page(WIDTHS["screen"], "light") as page:
        page.goto(url)
        page.route("**/api/ask?*", one)
        page.locator("#question").fill("Where was Ada Bright born?")
        page.keyboard.press("Enter")
        expect(page.locator("#worth")).to_have_text(
            "So far: of 1 answer to birth_dev.tsv about as sure, 1 was right; "
            "of 16 answers about invented names, 1 was as sure."
        )


def test_a_question_from_right_to_left_is_shown_so(url: str) -> None:
    with browser_page(WIDTHS["phone"], "light") as page:
        page.goto(url)
        page.locator("#question").fill("أين ولد Ada؟")
        page.keyboard.press("Enter")
        for shown in ("#question", "#asked"):
            expect(page.locator(shown)).to_have_css("direction", "rtl")
        expect(page.locator("#answer")).to_have_css("direction", "ltr")


def test_a_server_that_has_ended_is_said_where_it_is_seen(url: str) -> None:
    with browser_page(WIDTHS["phone"], "light") as page:
        page.goto(url)
        expect(page.locator("#lesson")).to_be_visible()
        page.route("**/api/lesson?*", lambda route: route.fulfill(body="Service Unavailable"))
        page.locator("#lesson").click()
        expect(page.locator("#error")).to_contain_text("does not answer")
        expect(page.locator("#error")).to_be_in_viewport()
