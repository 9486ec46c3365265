"""The sections of a report on which answers are right, and what the wrong ones are."""

from __future__ import annotations

from nanoknow.report.findings import NONE, Report, percent
from nanoknow.report.tables import ReportTable, Row, Section, interval, right


def score_section(report: Report) -> Section:
    """Say how many are right, beside what needs no model."""
    own = report.score
    rows: list[Row] = [
        ("this run", right(own), percent(own.accuracy), interval(own), "", "", ""),
    ]
    rows += [
        (
            rival.name,
            right(rival.score),
            percent(rival.score.accuracy),
            interval(rival.score),
            str(rival.pairing.only_first),
            str(rival.pairing.only_second),
            f"{rival.pairing.p:.2g}",
        )
        for rival in report.rivals
    ]
    columns = ("", "right", "accuracy", "95 %", "only run", "only this", "p")
    words = [
        "Exact match, with Wilson's 95 % intervals. Only run, only this: questions that only one "
        "of the two answers right; p: of the exact McNemar test on these pairs. The look-up takes "
        "the training answer that stands earliest in the person's own document."
    ]
    return Section("score", "Right answers", words, [ReportTable("", columns, rows)])


def knowledge_section(report: Report) -> Section | None:
    """Say how many are right of the questions of each kind."""
    found = [*report.buckets, *([report.recall] if report.recall else [])]
    if not found:
        return None
    rows: list[Row] = []
    group = ""
    for bucket in found:
        if bucket.group != group:
            rows.append((bucket.group, "", "", "", ""))
            group = bucket.group
        rows.append(
            (
                f"  {bucket.name}",
                right(bucket.score),
                percent(bucket.score.accuracy),
                interval(bucket.score),
                percent(bucket.median_confidence),
            )
        )
    columns = ("", "right", "accuracy", "95 %", "confidence")
    words = [
        "The questions split by what the training texts say of them. Head, middle and tail hold "
        "about a third of the training questions each, the most frequent answers first. "
        "Confidence: the median probability of the whole answer. A model that knew what it knows "
        "would be sure only where it is right."
    ]
    if report.recall and "drawn" in report.recall.name:
        words.append(f"Training questions were drawn with seed {report.seed}.")
    return Section("knowledge", "Knows or guesses", words, [ReportTable("", columns, rows)])


def wrong_section(report: Report) -> Section | None:
    """Say what the wrong answers are."""
    wrong = report.wrong
    if wrong is None or not wrong.n:
        return None
    kinds = ReportTable(
        "",
        ("each of the first kind that fits", "the surest", "answers", "of the wrong"),
        [
            (
                kind.name,
                "; ".join(f"{a.answer!r} for {a.gold[0]!r}" for a in kind.examples[:2]) or NONE,
                str(kind.n),
                percent(kind.n / wrong.n),
            )
            for kind in wrong.kinds
        ],
        left=2,
    )
    fallbacks = ReportTable(
        "The most frequent answers, right or wrong",
        ("answer", "given", "of all", "rightly", "due", "in training"),
        [
            (
                repr(f.answer),
                str(f.n),
                percent(f.n / wrong.n_questions),
                str(f.n_right),
                str(f.n_gold),
                str(f.in_training),
            )
            for f in wrong.fallbacks
        ],
    )
    words = [
        f"{wrong.n} of {wrong.n_questions} answers are wrong; {wrong.distinct} different answers "
        f"were given. Nearly the right spelling: at most 2 letters away, and at most a third of "
        f"the right answer's. Due: how many questions have it for their answer."
    ]
    if wrong.namesakes:
        words.append(
            f"{wrong.namesakes.n} wrong answers are the training answer of somebody with the same "
            f"given or family name; {wrong.namesakes.expected:.1f} would be, were the wrong "
            f"answers dealt out at random."
        )
    tables = [kinds, *([fallbacks] if fallbacks.rows else [])]
    return Section("wrong", "Wrong answers", words, tables)
