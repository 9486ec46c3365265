"""The sections of a report on which answers are right, and what the wrong ones are."""

import itertools

from nanoknow.report.findings import Report
from nanoknow.report.tables import NONE, ReportTable, Row, Section, interval, percent, right


def score_section(report: Report) -> Section:
    """Return the score beside those of the baselines."""
    own = report.score
    rows: list[Row] = [("this run", *right(own), interval(own), "", "", "")]
    for baseline in report.rivals:
        score, pairing = baseline.score, baseline.pairing
        only = (str(pairing.only_first), str(pairing.only_second))
        rows.append((baseline.name, *right(score), interval(score), *only, f"{pairing.p:.2g}"))
    columns = ("", "right", "accuracy", "95 %", "only run", "only baseline", "p")
    sentences = [
        "Exact match, with Wilson's 95 % intervals. Only run, only baseline: questions that only "
        "one of the two answers right; p: of the exact McNemar test on these pairs. The look-up "
        "takes the training answer that occurs earliest in the subject's own document."
    ]
    return Section("score", "Right answers", sentences, [ReportTable("", columns, rows)])


def knowledge_section(report: Report) -> Section | None:
    """Return the scores of the questions of each kind."""
    if not report.parts:
        return None
    rows: list[Row] = []
    for group, parts in itertools.groupby(report.parts, lambda part: part.group):
        rows.append((group, "", "", "", ""))
        for part in parts:
            shares = (interval(part.score), percent(part.median_confidence))
            rows.append((f"  {part.name}", *right(part.score), *shares))
    columns = ("", "right", "accuracy", "95 %", "confidence")
    sentences = [
        "The questions split by what the training texts say of them. Head, middle and tail hold "
        "about a third of the training questions each, the most frequent answers first. "
        "Confidence: the median probability of the whole answer; a well calibrated model is "
        "confident only where it is right."
    ]
    if report.recall and "drawn" in report.recall.name:
        sentences.append(f"Training questions were drawn with seed {report.seed}.")
    table = ReportTable("", columns, rows)
    title = "Knows or guesses" if report.documented else "Right by what is asked"
    return Section("knowledge", title, sentences, [table])


def wrong_section(report: Report) -> Section | None:
    """Return what the wrong answers are."""
    wrong = report.wrong
    if wrong is None or not wrong.n:
        return None
    kinds: list[Row] = []
    for kind in wrong.kinds:
        examples = "; ".join(f"{a.answer!r} for {a.gold[0]!r}" for a in kind.examples[:2])
        kinds.append((kind.name, examples or NONE, str(kind.n), percent(kind.n / wrong.n)))
    columns: Row = ("the first kind that fits", "most confident ones", "answers", "of the wrong")
    tables = [ReportTable("", columns, kinds, left=2)]
    if wrong.fallbacks:
        fallbacks: list[Row] = []
        for f in wrong.fallbacks:
            counts = map(str, (f.n_right, f.n_gold, f.in_training))
            fallbacks.append((repr(f.answer), str(f.n), percent(f.n / wrong.n_questions), *counts))
        title = "The most frequent answers, right or wrong"
        columns = ("answer", "given", "of all", "right", "gold", "in training")
        tables.append(ReportTable(title, columns, fallbacks))
    sentences = [
        f"{wrong.n} of {wrong.n_questions} answers are wrong; {wrong.distinct} different answers "
        f"were given. Nearly the right spelling: an edit distance of at most 2, and of at most a "
        f"third of the right answer's letters. Gold, in training: how many of these questions, "
        f"and of the training questions, have it as their answer."
    ]
    if similar := wrong.similar_names:
        sentences.append(
            f"{similar.n} wrong answers are the training answer for a name that shares its first "
            f"or last word; {similar.expected:.1f} would be if the wrong answers were shuffled at "
            f"random."
        )
    return Section("wrong", "Wrong answers", sentences, tables)
