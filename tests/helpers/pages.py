"""A page of a report, read and checked."""

import re
from html.parser import HTMLParser
from pathlib import Path

VOID = {"meta", "br", "input"}
TAGS = {
    *("html", "head", "meta", "title", "style", "body", "header", "main", "section", "details"),
    *("summary", "ol", "strong", "em", "span", "bdi", "label", "input", "script"),
    *("footer", "h1", "h2", "p", "ul", "li", "a", "div", "figure", "figcaption", "dl", "dt"),
    *("dd", "table", "caption", "thead", "tbody", "tr", "th", "td"),
    *("svg", "desc", "g", "defs", "path", "use", "text", "tspan", "clippath", "rect"),
}


class Page(HTMLParser):
    """A page's elements, checked while it is read: every one is closed where it must be."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.ids: list[str] = []
        self.pointers: list[str] = []
        self.texts: list[str] = []
        self.attributes: set[str] = set()
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self._open += [] if tag in VOID else [tag]
        for name, value in attrs:
            self.attributes.add(name)
            text = value or ""
            self.ids += [text] if name == "id" else []
            if name in ("href", "xlink:href"):
                assert text.startswith("#")
                self.pointers.append(text[1:])
            self.pointers += text.split() if name == "aria-labelledby" else []
            self.pointers += re.findall(r"url\(#([^)]*)\)", text)
            assert text.count("url(") == text.count("url(#")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        self._open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def read(path: Path) -> str:
    return path.read_text(encoding="utf-8")
