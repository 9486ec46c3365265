"""A real browser, used by keyboard, and axe-core's judgement of a page (``make test-browser``)."""

import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

AXE = Path(sys.prefix, "node_modules", "axe-core", "axe.min.js")
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
WIDTHS = {"phone": 390, "tablet": 860, "screen": 1400}
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or "chromium"


@contextmanager
def browser_page(width: int, scheme: str) -> Iterator[Page]:
    """Open a page in headless chromium, and fail where its script does.

    Args:
        width: of the window, in pixels.
        scheme: ``light`` or ``dark``.
    """
    failures: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        context = browser.new_context(
            viewport={"width": width, "height": 900},
            color_scheme="dark" if scheme == "dark" else "light",
            reduced_motion="reduce",
            bypass_csp=True,  # or axe-core could not be added
        )
        page = context.new_page()
        page.on("pageerror", lambda error: failures.append(str(error)))
        page.on("console", lambda m: failures.append(m.text) if m.type == "error" else None)
        yield page
        browser.close()
    # What is refused is said on the page; the browser notes it all the same.
    assert [each for each in failures if "status of 400" not in each] == []


def tab_to(page: Page, selector: str, name: str = "") -> None:
    """Press Tab until an element has the focus, as somebody does who uses no mouse."""
    for _ in range(80):
        page.keyboard.press("Tab")
        matches = "([s, n]) => document.activeElement.matches(s)"
        if page.evaluate(
            f"{matches} && document.activeElement.innerText.includes(n)", [selector, name]
        ):
            return
    raise AssertionError(f"Tab never reaches {selector} {name}")


def violations(page: Page) -> list[str]:
    """Return what axe-core finds wrong, at levels A and AA."""
    page.add_script_tag(path=AXE)
    options = {"runOnly": {"type": "tag", "values": RULES}}
    found = page.evaluate("options => axe.run(document, options)", options)
    return [
        f"{each['id']}: {node['html']}" for each in found["violations"] for node in each["nodes"]
    ]


def too_wide(page: Page) -> bool:
    """Whether a page has to be scrolled sideways."""
    return bool(page.evaluate("document.documentElement.scrollWidth > innerWidth"))
