"""A report as sections of sentences and tables, the same ones for the terminal and for the page."""

from collections.abc import Sequence

from nanoknow.report import answers, confidence
from nanoknow.report.findings import Report, findings
from nanoknow.report.tables import Section


def sections(report: Report) -> list[Section]:
    """Return the sections, without those that have nothing to show."""
    found = [
        Section("short", "In short", findings(report)),
        answers.score_section(report),
        answers.knowledge_section(report),
        answers.wrong_section(report),
        confidence.confidence_section(report),
        confidence.selection_section(report),
        confidence.wordings_section(report),
        confidence.invented_section(report.invented),
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
