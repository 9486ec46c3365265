"""A report as sections of words and tables, the same ones for the terminal and for the page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from nanoknow.calibration import Selection
from nanoknow.evaluator import Answer, Score, wilson_interval
from nanoknow.probing import InventedPeople, ProbeResult
from nanoknow.report import NONE, Report, findings, percent

Row = tuple[str, ...]


@dataclass(frozen=True)
class ReportTable:
    """Rows of text under column names; those after the first ``left`` columns hold numbers."""

    title: str
    columns: Row
    rows: list[Row]
    left: int = 1


@dataclass(frozen=True)
class Section:
    """A part of a report.

    Attributes:
        key: names its pictures.
        title: a heading.
        words: sentences: what the tables show, and how they were made.
        tables: in order.
    """

    key: str
    title: str
    words: list[str]
    tables: list[ReportTable] = field(default_factory=list)


def sections(report: Report) -> list[Section]:
    """Return the sections, those without anything to show left out."""
    found = [
        Section("short", "In short", findings(report)),
        _score(report),
        _knowledge(report),
        _wrong(report),
        _confidence(report),
        _selection(report),
        _wordings(report),
        _strangers(report.invented),
    ]
    return [section for section in found if section is not None]


def interval(score: Score) -> str:
    """Write the 95 % interval of a score: ``20.0–42.5``."""
    low, high = wilson_interval(score.n_right, score.n)
    return f"{100 * low:.1f}–{100 * high:.1f}"


def _right(score: Score) -> str:
    return f"{score.n_right} of {score.n}"


def _score(report: Report) -> Section:
    own = report.score
    rows: list[Row] = [
        ("this run", _right(own), percent(own.accuracy), interval(own), "", "", ""),
    ]
    rows += [
        (
            rival.name,
            _right(rival.score),
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


def _knowledge(report: Report) -> Section | None:
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
                _right(bucket.score),
                percent(bucket.score.accuracy),
                interval(bucket.score),
                percent(bucket.confidence),
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


def _wrong(report: Report) -> Section | None:
    wrong = report.wrong
    if wrong is None or not wrong.n:
        return None
    kinds = ReportTable(
        "",
        ("each of the first kind that fits", "the surest", "answers", "of the wrong"),
        [
            (
                kind.name,
                "; ".join(f"{a.answer!r} for {a.gold!r}" for a in kind.examples[:2]) or NONE,
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


def _confidence(report: Report) -> Section:
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


def _selection(report: Report) -> Section:
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


def _wordings(report: Report) -> Section | None:
    if not report.probes:
        return None
    first = report.probes[0]
    sure = percent(first.confidence_as_asked)
    asked = (_right(first.as_asked), percent(first.as_asked.accuracy))
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
        _right(probe.score),
        percent(probe.score.accuracy),
        str(probe.pairing.only_first),
        str(probe.pairing.only_second),
        percent(probe.n_same / probe.score.n),
        percent(probe.confidence),
    )


def _strangers(invented: InventedPeople | None) -> Section | None:
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


def facts(report: Report) -> Sequence[tuple[str, str]]:
    """Return what the report is about, by name."""
    return (
        ("run", report.run),
        ("model", report.model),
        ("questions", f"{report.questions} ({report.score.n})"),
        ("seed of what is drawn", str(report.seed)),
        ("predictions", report.predictions),
        *report.provenance.items(),
    )
