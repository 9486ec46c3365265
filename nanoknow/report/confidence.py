"""The sections of a report on confidence, other wordings, and invented names."""

from nanoknow.evaluation.calibration import Selection
from nanoknow.evaluation.probes import InventedNames
from nanoknow.report.findings import Report
from nanoknow.report.tables import NONE, ReportTable, Row, Section, percent, right


def confidence_section(report: Report) -> Section:
    """Return whether right answers have more confidence than wrong ones, and the calibration."""
    c = report.confidence
    measures: list[Row] = [
        ("expected calibration error, 10 bins", percent(c.ece)),
        ("Brier score", f"{c.brier:.4f}"),
        ("Brier score, the accuracy as every confidence", f"{c.brier_of_base_rate:.4f}"),
        ("AUROC, right above wrong", NONE if c.auroc is None else f"{c.auroc:.3f}"),
        ("median confidence, right answers", percent(c.median_right)),
        ("median confidence, wrong answers", percent(c.median_wrong)),
        *(
            (f"wrong answers with {percent(float(least))} or more", f"{n} of {len(c.wrong)}")
            for least, n in c.sure_and_wrong.items()
        ),
    ]
    bins: list[Row] = [
        (f"{100 * b.low:.0f}–{100 * b.high:.0f} %", str(b.n), *shares)
        for b in c.bins
        for shares in [(percent(b.confidence), percent(b.accuracy))]
    ]
    sentences = [
        "Confidence is the probability that the model gives to the whole answer. If it is well "
        "calibrated, 7 in 10 answers with a confidence of 70 % are right. The expected calibration "
        "error is the mean distance from that; the Brier score the mean squared distance from "
        "right (1) and wrong (0); AUROC how often a right answer has a higher confidence than a "
        "wrong one, 0.5 being chance."
    ]
    tables = [
        ReportTable("", ("measure", "value"), measures),
        ReportTable("Reliability", ("confidence", "answers", "mean", "right"), bins),
    ]
    title = "Is it more confident where it is right?"
    return Section("confidence", title, sentences, tables)


def selection_section(report: Report) -> Section:
    """Return what withholding answers below a threshold of confidence gains."""
    c = report.confidence
    target = f"target {100 * c.target:g} % right"
    none_given = Selection(None, c.n, 0, 0)
    rows = [
        _selected("answering everything", c.everything),
        _selected(f"{target}, threshold chosen here", c.at_target or none_given),
        _selected(f"{target}, cross-fitted", c.at_target_cross_fitted),
        _selected("highest score, threshold chosen here", c.best),
        _selected("highest score, cross-fitted", c.best_cross_fitted),
    ]
    columns = ("", "threshold", "answered", "right", "score")
    sentences = [
        "What the model gains by saying “I don't know” below a threshold of confidence. Target: "
        f"the target accuracy of the answers given, {100 * c.target:g} %, with as many answers as "
        "it allows. Score: +1 for a right answer, −1 for a wrong one, 0 for none, as a mean over "
        "all questions. A threshold chosen on the same questions that it is scored on is "
        "optimistic; cross-fitted, each fifth of the questions has the threshold that is best on "
        "the other four fifths."
    ]
    if c.at_target is None:
        sentences.append("No threshold reaches the target accuracy.")
    return Section("selection", "When to be silent", sentences, [ReportTable("", columns, rows)])


def _selected(name: str, chosen: Selection) -> Row:
    answered = f"{chosen.n_answered} ({percent(chosen.coverage)})"
    shares = (percent(chosen.threshold), answered, percent(chosen.accuracy))
    return name, *shares, f"{chosen.score:+.3f}"


def wordings_section(report: Report) -> Section | None:
    """Return what other words for the same question change."""
    if not report.probes:
        return None
    first = report.probes[0]
    as_asked = (*right(first.as_asked), NONE, NONE, NONE, percent(first.confidence_as_asked))
    rows: list[Row] = [("as the file asks", *as_asked)]
    for probe in report.probes:
        changed = (str(probe.pairing.only_first), str(probe.pairing.only_second))
        same, confidence = percent(probe.n_same / probe.score.n), percent(probe.confidence)
        rows.append((probe.name, *right(probe.score), *changed, same, confidence))
    columns = ("", "right", "accuracy", "lost", "gained", "same answer", "confidence")
    sentences = [
        "Questions about the same subjects in other words, and with one letter of the name wrong "
        f"(seed {report.seed}). Lost: right only as the file asks; gained: right only in the other "
        "form. Confidence: the median."
    ]
    table = ReportTable("", columns, rows)
    return Section("wordings", "The same question in other words", sentences, [table])


def invented_section(invented: InventedNames | None) -> Section | None:
    """Return what is answered about invented names."""
    if invented is None:
        return None
    n, confident, taught = invented.n, invented.n_sure, invented.n_training_answers
    rows: list[Row] = [
        ("invented names asked about", str(n)),
        ("answers that are a training answer", f"{taught} ({percent(taught / n)})"),
        ("median confidence", percent(invented.confidence)),
        ("median confidence, real names", percent(invented.confidence_of_real)),
        ("AUROC, real above invented", f"{invented.auroc:.3f}"),
        ("as confident as the target asks", NONE if confident is None else f"{confident} of {n}"),
        *((f"answered {answer!r}", str(times)) for answer, times in invented.fallbacks),
    ]
    examples: list[Row] = [
        (_printable(a.question), _printable(a.answer), percent(a.confidence))
        for a in invented.examples
    ]
    sentences = [
        "Names put together of two: one without its last word, with the last word of another. No "
        "document is about them: unless a name gives its answer away, there is nothing to know. A "
        "model that knew what it does not know would be less confident here; AUROC 0.5 is no "
        "difference at all."
    ]
    columns = ("question", "answer", "confidence")
    tables = [
        ReportTable("", ("", "value"), rows),
        ReportTable("The most confident answers", columns, examples, left=2),
    ]
    return Section("invented", "Invented names", sentences, tables)


def _printable(text: str) -> str:
    """Return a text with its control characters escaped."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)
