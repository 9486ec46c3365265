"""A report as sections of sentences and tables, the same ones for the terminal and for the page."""

import itertools

from nanoknow.evaluation.calibration import Selection
from nanoknow.evaluation.probes import InventedNames
from nanoknow.report.findings import Report, findings
from nanoknow.report.tables import NONE, ReportTable, Row, Section, interval, percent, right


def sections(report: Report) -> list[Section]:
    """Return the sections, without those that have nothing to show."""
    found = [
        Section("short", "In short", findings(report)),
        _score(report),
        _knowledge(report),
        _wrong(report),
        _confidence(report),
        _selection(report),
        _wordings(report),
        _invented(report.invented),
    ]
    return [section for section in found if section is not None]


def _score(report: Report) -> Section:
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


def _knowledge(report: Report) -> Section | None:
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


def _wrong(report: Report) -> Section | None:
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


def _confidence(report: Report) -> Section:
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


def _selection(report: Report) -> Section:
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


def _wordings(report: Report) -> Section | None:
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


def _invented(invented: InventedNames | None) -> Section | None:
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
