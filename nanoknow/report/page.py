"""A report as one self-contained HTML page: it needs no network, no font and no script.

It can be read on a telephone, a wide screen and paper, in light or dark as the reader's device
asks. Everything quoted from data is escaped, and ``printable``.
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
    """Return a report's page as HTML; see ``drawings`` for ``learning``."""
    templates = environment(
        autoescape=True,
        # Markup is left as it is: the texts in it have been made printable before.
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
    """Join a number and its % by a no-break space."""
    return text.replace(" %", "\u00a0%")


def _parts(text: str, shown: ShownDocument) -> list[tuple[str, str]]:
    """Split a text into parts, each with its kind: ``mask``, ``name``, ``answer`` or empty."""
    kinds = {MASK: "mask", shown.name: "name", **dict.fromkeys(shown.answer.gold, "answer")}
    kinds.pop("", None)
    longest = sorted(map(re.escape, kinds), key=len, reverse=True)
    parts = re.split(f"({'|'.join(longest)})", text)
    return [(part, kinds.get(part, "")) for part in parts if part]
