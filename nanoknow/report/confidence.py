"""The sections of a report on how sure the answers are, and of what there is no knowing."""

from __future__ import annotations

from nanoknow.evaluation.answers import Answer
from nanoknow.evaluation.calibration import Selection
from nanoknow.evaluation.probes import InventedPeople, ProbeResult
from nanoknow.report.findings import NONE, Report, percent
from nanoknow.report.tables import ReportTable, Row, Section, right


def confidence_section(report: Report) -> Section:
    """Say whether right answers are surer than wrong ones, and how far to trust a confidence."""
    c = report.confidence
    measures: list[Row] = [
        ("expected calibration error, 10 bins", percent(c.ece)),
        ("Brier score", f"{c.brier:.4f}"),
        ("Brier score of saying the accuracy each time", f"{c.brier_of_base_rate:.4f}"),
        ("AUROC, right above wrong", NONE if c.auroc is None else f"{c.auroc:.3f}"),
        ("median confidence, right answers", percent(c.median_right)),
        ("median confidence, wrong answers", percent(c.median_wrong)),
        *(
            (f"wrong answers with {percent(float(sure))} or more", f"{n} of {len(c.wrong)}")
            for sure, n in c.sure_and_wrong.items()
        ),
    ]
    bins: list[Row] = [
        (
            f"{100 * b.low:.0f}–{100 * b.high:.0f} %",
            str(b.n),
            percent(b.confidence),
            percent(b.accuracy),
        )
        for b in c.bins
    ]
    words = [
        "Confidence is the probability that the model gives to the whole answer. Were it to be "
        "trusted, answers of 70 % confidence would be right 7 times in 10. The expected "
        "calibration error is the mean distance from that; the Brier score the mean squared "
        "distance from right (1) and wrong (0); AUROC how often a right answer is surer than a "
        "wrong one, 0.5 being no sign at all."
    ]
    tables = [
        ReportTable("", ("measure", "value"), measures),
        ReportTable("Reliability", ("confidence", "answers", "mean", "right"), bins),
    ]
    return Section("confidence", "Is it surer where it is right?", words, tables)


def selection_section(report: Report) -> Section:
    """Say what silence below a threshold of confidence gains."""
    c = report.confidence
    target = f"{100 * c.target:g} % right"
    silent = Selection(None, c.n, 0, 0)
    rows = [
        _selected("answering everything", c.everything),
        _selected(f"{target}, threshold chosen here", c.at_target or silent),
        _selected(f"{target}, cross-fitted", c.at_target_cross_fitted),
        _selected("highest score, threshold chosen here", c.best),
        _selected("highest score, cross-fitted", c.best_cross_fitted),
    ]
    columns = ("", "threshold", "answered", "right", "score")
    words = [
        "What it gains by saying “I don't know” below a threshold of confidence. Score: +1 for a "
        "right answer, −1 for a wrong one, 0 for none, as a mean over all questions. A threshold "
        "chosen on the very questions that it is scored on flatters; cross-fitted, each fifth of "
        "the questions goes by the threshold that the other four fifths choose."
    ]
    if c.at_target is None:
        words.append(f"No threshold makes the answers {target}.")
    return Section(
        "selection", "Knowing when to be silent", words, [ReportTable("", columns, rows)]
    )


def _selected(name: str, chosen: Selection) -> Row:
    return (
        name,
        percent(chosen.threshold),
        f"{chosen.n_answered} ({percent(chosen.coverage)})",
        percent(chosen.accuracy),
        f"{chosen.score:+.3f}",
    )


def wordings_section(report: Report) -> Section | None:
    """Say what other words for the same question change."""
    if not report.probes:
        return None
    first = report.probes[0]
    sure = percent(first.confidence_as_asked)
    asked = (right(first.as_asked), percent(first.as_asked.accuracy))
    rows: list[Row] = [("as the file asks", *asked, NONE, NONE, NONE, sure)]
    rows += [_probe(probe) for probe in report.probes]
    columns = ("", "right", "accuracy", "lost", "gained", "same answer", "confidence")
    words = [
        "The same people, asked about in other words, and with one letter of the name wrong "
        f"(seed {report.seed}). Lost and gained: right only as the file asks, right only so. "
        "Confidence: the median.",
    ]
    table = ReportTable("", columns, rows)
    return Section("wordings", "The same question, put otherwise", words, [table])


def _probe(probe: ProbeResult) -> Row:
    return (
        probe.name,
        right(probe.score),
        percent(probe.score.accuracy),
        str(probe.pairing.only_first),
        str(probe.pairing.only_second),
        percent(probe.n_same / probe.score.n),
        percent(probe.confidence),
    )


def strangers_section(invented: InventedPeople | None) -> Section | None:
    """Say what is answered of people who do not exist."""
    if invented is None:
        return None
    rows: list[Row] = [
        ("people asked about", str(invented.n)),
        ("answers that are a known place", f"{invented.n_places} ({_share(invented)})"),
        ("median confidence", percent(invented.confidence)),
        ("median confidence, real people", percent(invented.confidence_of_real)),
        ("AUROC, real above invented", f"{invented.auroc:.3f}"),
        (
            "sure enough for the target accuracy",
            NONE if invented.n_sure is None else f"{invented.n_sure} of {invented.n}",
        ),
        *((f"answered {answer!r}", str(n)) for answer, n in invented.fallbacks),
    ]
    examples: list[Row] = [_example(a) for a in invented.examples]
    words = [
        "Names put together of a given name and a family name that both stand in the corpus, "
        "though nobody in it has the two: there is nothing to know. A model that knew what it "
        "does not know would be less sure here; AUROC 0.5 is no difference at all."
    ]
    tables = [
        ReportTable("", ("", "value"), rows),
        ReportTable("The surest", ("question", "answer", "confidence"), examples, left=2),
    ]
    return Section("strangers", "People who do not exist", words, tables)


def _share(invented: InventedPeople) -> str:
    return percent(invented.n_places / invented.n)


def _example(answer: Answer) -> Row:
    return (_shown(answer.question), _shown(answer.answer), percent(answer.confidence))


def _shown(text: str) -> str:
    """Return a text with its control characters escaped."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)
