"""SVG drawings inside a page, in the page's own colours and fonts.

They hold numbers and our own words, never text from the data. Their colours are the page's CSS
variables, so that one drawing serves light mode, dark mode and print.
"""

import html
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from matplotlib.axes import Axes

from nanoknow.errors import printable
from nanoknow.figures import canvas

WIDTH = 4.0
"""Width in inches: 288 points, which a screen of 320 pixels shows unscaled."""
INK, QUIET, LINE = canvas.INK, canvas.QUIET, canvas.LINE
BLUE, ORANGE, *_ = (color.lower() for color in canvas.COLORS)
VARIABLES = {INK: "--ink", QUIET: "--quiet", LINE: "--line", BLUE: "--blue", ORANGE: "--orange"}
"""The page's CSS variable for each colour of a drawing."""
SVG_STYLE: dict[str, Any] = {
    **canvas.STYLE,
    "axes.facecolor": "none",
    "figure.facecolor": "none",
    "font.size": 10,
    "grid.color": LINE,
    "grid.linewidth": 0.6,
    "svg.fonttype": "none",
}


@dataclass
class Drawing:
    """A figure of one panel.

    Attributes:
        title: what it shows, in a few words.
        svg: the element for the page; empty until it is drawn.
    """

    title: str
    svg: str = ""


@contextmanager
def drawing(
    name: str, height: float, title: str, description: str
) -> Iterator[tuple[Drawing, Axes]]:
    """Yield a drawing and the axes to draw on, and make it an SVG element at the end.

    Args:
        name: prefix of its ids, which no other drawing of the page has.
        height: in inches.
        title: what it shows, in a few words.
        description: the same in a sentence with the numbers, for those who cannot see it.
    """
    drawn, settings = Drawing(title), {**SVG_STYLE, "svg.hashsalt": name}
    with canvas.rendered("svg", (WIDTH, height), settings) as (figure, content):
        yield drawn, figure.subplots()
    drawn.svg = _inline(content.getvalue().decode(), name, title, description)


def percent_axis(axes: Axes, label: str) -> None:
    """Make x an axis of shares, in %."""
    axes.set(xlim=(-1.5, 101.5), xticks=[0, 25, 50, 75, 100], xlabel=label)


def rows_axis(axes: Axes, n: int, top: float) -> None:
    """Make y an axis of ``n`` rows, with the first, at 0, on top."""
    axes.set(ylim=(n - 0.5, top), yticks=[])
    axes.spines["left"].set_visible(False)


def note_above(axes: Axes, words: str, x: float = 0, color: str = QUIET) -> None:
    """Write above a panel, from its left end (``x`` 0) or up to its right end (1)."""
    side = "right" if x else "left"
    axes.text(x, 1.03, words, transform=axes.transAxes, color=color, ha=side)


def _inline(svg: str, name: str, title: str, description: str) -> str:
    """Turn an SVG file into an element of a page, with ids of its own and no outside reference."""
    view = re.search(r'viewBox="[^"]*"', svg)
    body = svg[svg.index(">", svg.index("<svg")) + 1 :]
    body = re.sub(r"<metadata>.*?</metadata>", "", body, flags=re.DOTALL)
    body = re.sub(r'\bid="', f'id="{name}-', body)
    body = re.sub(r'\b(?:xlink:)?href="#', f'href="#{name}-', body)
    body = body.replace("url(#", f"url(#{name}-")
    body = re.sub(r'style="[^"]*"', _in_the_pages_colors, body)
    element = (
        f'<svg {view.group() if view else ""} role="img" '
        f'aria-labelledby="{name}-title {name}-description">'
        f'<title id="{name}-title">{html.escape(title)}</title>'
        f'<desc id="{name}-description">{html.escape(description)}</desc>{body.strip()}'
    )
    return printable(element, lines=True)


def _in_the_pages_colors(attribute: re.Match[str]) -> str:
    return re.sub(
        r"#[0-9a-f]{6}", lambda m: f"var({VARIABLES.get(m.group(), '--ink')})", attribute.group()
    )
