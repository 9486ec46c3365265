"""A report as one HTML page that needs nothing else: no network, no script, no font.

It reads on a telephone, on a wide screen, on paper, and in light and dark as the reader's device
asks for. Everything quoted from data is escaped.
"""

from __future__ import annotations

from html import escape
from pathlib import Path

from nanoknow.figures.svg import Picture
from nanoknow.report.figures import pictures
from nanoknow.report.findings import Report
from nanoknow.report.sections import facts, sections
from nanoknow.report.tables import ReportTable, Section

STYLE = """
:root {
  color-scheme: light dark;
  --paper: #ffffff; --ink: #1c1c1c; --quiet: #5c5c5c; --line: #d8d8d8; --card: #f6f6f4;
  --right: #0072b2; --wrong: #c44f00; --real: #00735a; --invented: #a8417f;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #15171a; --ink: #e9e9e6; --quiet: #a6abb1; --line: #3b4046; --card: #1e2125;
    --right: #5fb6ec; --wrong: #f0913f; --real: #3cc9a3; --invented: #e08cc0;
  }
}
@media print {
  :root {
    color-scheme: light;
    --paper: #ffffff; --ink: #000000; --quiet: #444444; --line: #cccccc; --card: #ffffff;
    --right: #0072b2; --wrong: #c44f00; --real: #00735a; --invented: #a8417f;
  }
  nav { display: none; }
  figure { max-width: 20rem !important; }
  figure, tr, h2 { break-inside: avoid; }
  h2 { break-after: avoid; }
}
* { box-sizing: border-box; }
body {
  margin: 0 auto; padding: 1rem 12px 3rem; max-width: 78rem; background: var(--paper);
  color: var(--ink); font: 16px/1.5 system-ui, -apple-system, "Segoe UI", sans-serif;
  overflow-wrap: break-word;
}
h1 { font-size: 1.6rem; line-height: 1.2; margin: .5rem 0; overflow-wrap: anywhere; }
h2 { font-size: 1.25rem; margin: 2.2rem 0 .5rem; border-top: 1px solid var(--line);
  padding-top: 1rem; }
p, li { max-width: 42rem; }
p { margin: .5rem 0; }
a { color: var(--right); }
.quiet, caption, figcaption { color: var(--quiet); }
nav a { display: inline-block; margin: 0 .8rem .3rem 0; padding: .2rem 0; }
#short { background: var(--card); border: 1px solid var(--line); border-radius: 6px;
  padding: .2rem 1rem .6rem; margin-top: 1rem; }
#short h2 { border: 0; margin: .4rem 0 0; padding: 0; }
#short ul { padding-left: 1.1rem; margin: .4rem 0; }
.parts { display: flex; flex-wrap: wrap; align-items: flex-start; gap: 1.4rem 3rem;
  margin: 1rem 0; }
figure { margin: 0; width: 100%; max-width: 30rem; }
figcaption { font-weight: 600; color: var(--ink); margin-bottom: .3rem; }
svg { display: block; width: 100%; height: auto; }
svg text { font-family: system-ui, -apple-system, "Segoe UI", sans-serif !important; }
.scroll { overflow-x: auto; max-width: 100%; }
table { border-collapse: collapse; font-size: .9rem; font-variant-numeric: tabular-nums; }
caption { text-align: left; font-weight: 600; padding-bottom: .3rem; }
th, td { padding: .28rem 1rem .28rem 0; text-align: left; vertical-align: top;
  border-bottom: 1px solid var(--line); }
th { font-weight: 600; }
thead th { color: var(--quiet); vertical-align: bottom; }
tbody th { font-weight: 400; min-width: 9rem; }
tr.group th { font-weight: 600; padding-top: .8rem; }
.number { text-align: right; white-space: nowrap; }
@media (max-width: 30rem) {
  table { font-size: .82rem; }
  th, td { padding-right: .7rem; }
  tbody th { min-width: 7rem; }
}
footer { margin-top: 2.5rem; border-top: 1px solid var(--line); font-size: .85rem; }
footer dl { display: grid; grid-template-columns: minmax(6rem, max-content) 1fr; gap: .2rem 1rem; }
footer dt { color: var(--quiet); }
footer dd { margin: 0; min-width: 0; overflow-wrap: anywhere; }
"""


def page(report: Report) -> str:
    """Return the page of a report."""
    found, drawn = sections(report), pictures(report)
    links = "".join(f'<a href="#{s.key}">{escape(s.title)}</a>' for s in found[1:])
    body = "".join(_section(s, drawn.get(s.key, [])) for s in found)
    about = "".join(f"<dt>{escape(k)}</dt><dd>{escape(v)}</dd>" for k, v in facts(report))
    name = escape(Path(report.run).name)
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>What {name} knows</title>\n<style>{STYLE}</style>\n</head>\n"
        f"<body>\n<header><h1>What {name} knows</h1>"
        f'<p class="quiet">{escape(report.run)}: {escape(report.model)}; {report.score.n} '
        f"questions of {escape(report.questions)}</p></header>\n"
        f'<nav aria-label="Sections">{links}</nav>\n<main>\n{body}</main>\n'
        f"<footer><h2>What this rests on</h2><dl>{about}</dl></footer>\n</body>\n</html>\n"
    )


def _section(section: Section, drawn: list[Picture]) -> str:
    if section.tables:
        words = "".join(f"<p>{_prose(sentence)}</p>" for sentence in section.words)
    else:
        points = "".join(f"<li>{_prose(sentence)}</li>" for sentence in section.words)
        words = f"<ul>{points}</ul>"
    figures = "".join(
        f"<figure><figcaption>{escape(picture.title)}</figcaption>{picture.svg}</figure>"
        for picture in drawn
    )
    tables = "".join(_table(table, section.title) for table in section.tables)
    return (
        f'<section id="{section.key}"><h2>{escape(section.title)}</h2>{words}'
        f'<div class="parts">{figures}{tables}</div></section>\n'
    )


def _prose(sentence: str) -> str:
    """Escape a sentence, and keep its figures and their percent signs on one line."""
    return escape(sentence).replace(" %", "\u00a0%")


def _table(table: ReportTable, section: str) -> str:
    caption = f"<caption>{escape(table.title)}</caption>" if table.title else ""
    head = "".join(
        f'<th scope="col"{_side(table, i)}>{escape(name)}</th>'
        for i, name in enumerate(table.columns)
    )
    rows = "".join(_row(table, row) for row in table.rows)
    label = escape(table.title or section)
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="{label}">'
        f"<table>{caption}<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>"
    )


def _row(table: ReportTable, row: tuple[str, ...]) -> str:
    first, *others = row
    if not any(others):
        return (
            f'<tr class="group"><th scope="rowgroup" colspan="{len(row)}">{escape(first)}</th></tr>'
        )
    cells = "".join(
        f"<td{_side(table, i)}>{escape(cell)}</td>" for i, cell in enumerate(others, start=1)
    )
    return f'<tr><th scope="row">{escape(first.strip())}</th>{cells}</tr>'


def _side(table: ReportTable, column: int) -> str:
    return "" if column < table.left else ' class="number"'
