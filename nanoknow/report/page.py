"""A report as one HTML page that needs nothing else: no network, no script, no font.

It reads on a telephone, on a wide screen, on paper, and in light and dark as the reader's device
asks for. Everything quoted from data is escaped.
"""

from html import escape
from importlib.resources import files
from pathlib import Path

from nanoknow.figures.svg import Drawing
from nanoknow.report.figures import drawings
from nanoknow.report.findings import Report
from nanoknow.report.sections import sections
from nanoknow.report.tables import ReportTable, Row, Section
from nanoknow.system.files import save_result


def write_page(report: Report, path: Path) -> None:
    """Write the page of a report, in place of an older one.

    Raises:
        ConfigError: it cannot be written.
    """
    save_result(path, page(report).encode(), "the page")


def page(report: Report) -> str:
    """Return the page of a report."""
    style = files("nanoknow.report").joinpath("page.css").read_text(encoding="utf-8")
    found, drawn = sections(report), drawings(report)
    links = "".join(f'<a href="#{s.key}">{escape(s.title)}</a>' for s in found[1:])
    body = "".join(_section(s, drawn.get(s.key, [])) for s in found)
    about = [
        ("run", report.run),
        ("model", report.model),
        ("questions", f"{report.questions} ({report.score.n})"),
        ("seed of random draws", str(report.seed)),
        ("predictions", report.predictions),
        *report.provenance.items(),
    ]
    facts = "".join(f"<dt>{escape(k)}</dt><dd>{escape(v)}</dd>" for k, v in about)
    title = f"What {escape(Path(report.run).name)} {'knows' if report.documented else 'answers'}"
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{title}</title>\n<style>\n{style}</style>\n</head>\n"
        f"<body>\n<header><h1>{title}</h1>"
        f'<p class="quiet">{escape(report.run)}: {escape(report.model)}; {report.score.n} '
        f"questions of {escape(report.questions)}</p></header>\n"
        f'<nav aria-label="Sections">{links}</nav>\n<main>\n{body}</main>\n'
        f"<footer><h2>Provenance</h2><dl>{facts}</dl></footer>\n</body>\n</html>\n"
    )


def _section(section: Section, drawn: list[Drawing]) -> str:
    sentences = [escape(each).replace(" %", "\u00a0%") for each in section.sentences]
    if section.tables:
        text = "".join(f"<p>{sentence}</p>" for sentence in sentences)
    else:
        text = f"<ul>{''.join(f'<li>{sentence}</li>' for sentence in sentences)}</ul>"
    figures = "".join(
        f"<figure><figcaption>{escape(drawing.title)}</figcaption>{drawing.svg}</figure>"
        for drawing in drawn
    )
    tables = "".join(_table(table, section.title) for table in section.tables)
    return (
        f'<section id="{section.key}"><h2>{escape(section.title)}</h2>{text}'
        f'<div class="parts">{figures}{tables}</div></section>\n'
    )


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


def _row(table: ReportTable, row: Row) -> str:
    name, *others = row
    if not any(others):
        title = f'<th scope="rowgroup" colspan="{len(row)}">{escape(name)}</th>'
        return f'<tr class="group">{title}</tr>'
    cells = "".join(
        f"<td{_side(table, i)}>{escape(cell)}</td>" for i, cell in enumerate(others, start=1)
    )
    return f'<tr><th scope="row">{escape(name.strip())}</th>{cells}</tr>'


def _side(table: ReportTable, column: int) -> str:
    return "" if column < table.left else ' class="number"'
