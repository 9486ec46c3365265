"""A report as sections of sentences and tables, the same ones for the terminal and for the page."""

from collections.abc import Sequence

from nanoknow.report.answers import knowledge_section, score_section, wrong_section
from nanoknow.report.confidence import (
    confidence_section,
    invented_section,
    selection_section,
    wordings_section,
)
from nanoknow.report.findings import Report, findings
from nanoknow.report.tables import Section


def sections(report: Report) -> list[Section]:
    """Return the sections, without those that have nothing to show."""
    found = [
        Section("short", "In short", findings(report)),
        score_section(report),
        knowledge_section(report),
        wrong_section(report),
        confidence_section(report),
        selection_section(report),
        wordings_section(report),
        invented_section(report.invented),
    ]
    return [section for section in found if section is not None]


def about(report: Report) -> Sequence[tuple[str, str]]:
    """Return what the report is about, by name."""
    return (
        ("run", report.run),
        ("model", report.model),
        ("questions", f"{report.questions} ({report.score.n})"),
        ("seed of random draws", str(report.seed)),
        ("predictions", report.predictions),
        *report.provenance.items(),
    )
