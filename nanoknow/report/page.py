"""A report as one HTML page that needs nothing else: no network, no font, and no script to read it.

It reads on a telephone, on a wide screen, on paper, and in light and dark as the reader's device
asks for. Everything quoted from data is escaped, and ``printable``.
"""

import re
from collections.abc import Mapping

from nanoknow.data.tokenizer import MASK
from nanoknow.errors import printable
from nanoknow.evaluation.scores import interval
from nanoknow.figures.canvas import Points
from nanoknow.report.documents import ShownDocument
from nanoknow.report.figures import drawings
from nanoknow.report.findings import FEW, Report, environment, findings, headlines, title
from nanoknow.system.shares import percent


def page(report: Report, learning: Mapping[str, Points]) -> str:
    """Return the page of a report; ``learning`` as ``drawings`` takes it."""
    templates = environment(
        autoescape=True,
        # What is markup already was made of such texts.
        finalize=lambda each: printable(each, lines=True) if type(each) is str else each,
    )
    templates.filters |= {
        "interval": interval,
        "parts": _parts,
        "percent": lambda share: _spaced(percent(share)),
        "spaced": _spaced,
    }
    return templates.get_template("page.html").render(
        report=report,
        title=title(report),
        headlines=headlines(report),
        findings=findings(report),
        few=FEW,
        drawings=drawings(report, learning),
        learning=learning,
    )


def _spaced(text: str) -> str:
    """Keep a number and its % on one line."""
    return text.replace(" %", "\u00a0%")


def _parts(text: str, shown: ShownDocument) -> list[tuple[str, str]]:
    """Split a text into parts, each with what it is: mask, name, answer or nothing."""
    kinds = {MASK: "mask", shown.name: "name", **dict.fromkeys(shown.answer.gold, "answer")}
    kinds.pop("", None)
    longest = sorted(map(re.escape, kinds), key=len, reverse=True)
    parts = re.split(f"({'|'.join(longest)})", text)
    return [(part, kinds.get(part, "")) for part in parts if part]
