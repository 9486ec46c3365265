"""What an evaluation in depth measured, and the same in sentences."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar

from nanoknow.evaluation.answers import score_answers
from nanoknow.evaluation.baseline import PairedBaseline
from nanoknow.evaluation.buckets import ASKED, Bucket
from nanoknow.evaluation.calibration import Confidence
from nanoknow.evaluation.evaluate import Evaluation
from nanoknow.evaluation.probes import InventedNames, ProbeResult
from nanoknow.evaluation.scores import Score
from nanoknow.evaluation.wrong_answers import WrongAnswers
from nanoknow.report.documents import ShownDocument
from nanoknow.report.tables import interval, percent


@dataclass(frozen=True, repr=False, kw_only=True)
class Report(Evaluation):
    """What one evaluation in depth measured.

    Attributes:
        model: what it is, in a few words.
        pretrained: whether it read a corpus before it was finetuned.
        rivals: the baselines: the constant one, and the look-up where the training texts are
            available.
        buckets: the questions split by what the training texts say of them.
        recall: training questions, asked again; None where they are not available.
        wrong: None without the training texts.
        confidence: of all answers.
        documents: some that questions are about; none without the corpus.
        rewordings: the questions in other words.
        misspelt: with misspelt names; None where no question names a subject, or no such question
            can be made of the names.
        invented: about invented names; None likewise.
        seed: of all random draws.
        provenance: what else is needed to trace a figure, by name.
    """

    model: str
    pretrained: bool
    rivals: list[PairedBaseline]
    buckets: list[Bucket]
    recall: Bucket | None
    wrong: WrongAnswers | None
    confidence: Confidence
    documents: list[ShownDocument]
    rewordings: list[ProbeResult]
    misspelt: ProbeResult | None
    invented: InventedNames | None
    seed: int
    provenance: Mapping[str, str]
    JSON: ClassVar[tuple[str, ...]] = (
        "run", "model", "pretrained", "questions", "score", "overlap", "documented", "warnings",
        "rivals", "buckets", "recall", "wrong", "confidence", "answers", "documents", "rewordings",
        "misspelt", "invented", "seed", "predictions", "provenance",
    )  # fmt: skip

    @property
    def score(self) -> Score:
        """Exact match: the questions have answers."""
        return score_answers(self.answers)

    @property
    def parts(self) -> list[Bucket]:
        """Parts of the questions, and the training questions."""
        return [*self.buckets, *([self.recall] if self.recall else [])]

    @property
    def probes(self) -> list[ProbeResult]:
        """All probes of the same subjects."""
        return [*self.rewordings, *([self.misspelt] if self.misspelt else [])]


@dataclass(frozen=True)
class Headline:
    """A number that a report begins with, what it is, and what else to know of it."""

    value: str
    name: str
    detail: str


def title(report: Report) -> str:
    """Return the question that a report answers; nobody knows what no document is about."""
    return f"What does this model {'know' if report.documented else 'answer'}?"


def headlines(report: Report) -> list[Headline]:
    """Return the score, the best baseline's, and the confidence about what there is not."""
    score, invented = report.score, report.invented
    detail = f"{score.n_right} of {score.n}; 95 % interval {interval(score)} %"
    found = [Headline(percent(score.accuracy), "of its answers are right", detail)]
    if report.rivals:
        best = max(report.rivals, key=lambda rival: rival.score.accuracy)
        name = f"are right without a model: {best.name}"
        detail = f"the best baseline; 95 % interval {interval(best.score)} %"
        found.append(Headline(percent(best.score.accuracy), name, detail))
    if invented:
        detail = f"the median of {invented.n}; {percent(invented.confidence_of_real)} for real ones"
        name = "confidence about names that do not exist"
        found.append(Headline(percent(invented.confidence), name, detail))
    return found


def standing_out(report: Report) -> list[str]:
    """Return the findings that a score does not tell: warnings, then what the probes gave."""
    warnings = [f"{warning}." for warning in report.warnings]
    return [*warnings, *(_probes(report) if report.probes else _sources(report))]


def findings(report: Report) -> list[str]:
    """Say in sentences what the figures say, no more."""
    score = f"It answers {_of(report.score)} right"
    baselines = [
        f"{baseline.name} gets {percent(baseline.score.accuracy)} (p = {baseline.pairing.p:.2g})"
        for baseline in report.rivals
    ]
    return [
        f"{'; '.join([score, *baselines])}.",
        *(f"{warning}." for warning in report.warnings),
        *_sources(report),
        *_answers(report.wrong, report.confidence),
        *_probes(report),
    ]


def _of(score: Score) -> str:
    return f"{score.n_right} of {score.n} ({percent(score.accuracy)})"


def _sources(report: Report) -> Iterator[str]:
    """Where right answers come from."""
    parts = {bucket.name: bucket.score for bucket in report.buckets}
    overlap = report.overlap
    if overlap and overlap.n:
        yield f"{overlap.n} of the {report.score.n} questions are training questions too."
    if asked := parts.get(ASKED):
        yield (
            f"{asked.n} of the questions are training questions with the same answer: of these it "
            f"answers {_of(asked)} right."
        )
    if overlap and (unasked := overlap.others):
        means = ""
        if unasked.n_right and not report.pretrained:
            means = ": guessed or read off the question, as it was not pretrained"
        elif unasked.n_right and report.documented:
            means = ": remembered from pretraining, or guessed"
        yield (
            f"Of the questions that finetuning never asked it answers {_of(unasked)} right{means}."
        )
    if report.recall:
        yield f"Of training questions, asked again, it answers {_of(report.recall.score)} right."


def _answers(wrong: WrongAnswers | None, confidence: Confidence) -> Iterator[str]:
    """The answer given most often, and whether it is more confident where it is right."""
    if wrong and wrong.fallbacks:
        most = wrong.fallbacks[0]
        yield (
            f"Its most frequent answer, {most.answer!r}, is given to {most.n} of "
            f"{wrong.n_questions} questions ({percent(most.n / wrong.n_questions)}); it is the "
            f"right answer to {most.n_gold}."
        )
    if confidence.auroc is None:
        return
    yield (
        f"Its median confidence is {percent(confidence.median_right)} where it is right and "
        f"{percent(confidence.median_wrong)} where it is wrong. A right answer has a higher "
        f"confidence than a wrong one {percent(confidence.auroc)} of the time (AUROC; 50 % is "
        f"chance), and {confidence.sure_and_wrong['0.5']} of {len(confidence.wrong)} wrong answers "
        f"have a confidence of 50 % or more."
    )
    target = f"the target accuracy of the answers given, {100 * confidence.target:g} %"
    if chosen := confidence.at_target:
        yield (
            f"At {target}, it answers {percent(chosen.coverage)} of the questions: those with a "
            f"confidence of {percent(chosen.threshold)} or more."
        )
    else:
        yield f"No confidence threshold reaches {target}."


def _probes(report: Report) -> Iterator[str]:
    """What other words for a question change, and what it answers about invented names."""
    if report.rewordings:
        low, high = (percent(f(p.score.accuracy for p in report.rewordings)) for f in (min, max))
        as_asked = percent(report.rewordings[0].as_asked.accuracy)
        reworded = low if low == high else f"{low} to {high}"
        yield f"Asked in other words, it answers {reworded} right instead of {as_asked}."
    if misspelt := report.misspelt:
        yield (
            f"With one letter of the name wrong, it answers {percent(misspelt.score.accuracy)} "
            f"right; the answer stays the same for {misspelt.n_same} of {misspelt.score.n}."
        )
    if not (invented := report.invented):
        return
    yield (
        f"Asked about {invented.n} invented names, it gives a training answer for "
        f"{invented.n_training_answers} of them, with a median confidence of "
        f"{percent(invented.confidence)}; for real names it is "
        f"{percent(invented.confidence_of_real)}. Its confidence is higher for a real name than "
        f"for an invented one {percent(invented.auroc)} of the time (50 % is chance)."
    )
    if invented.n_sure is not None:
        yield (
            f"{invented.n_sure} of the {invented.n} are as confident as answers must be for the "
            f"target accuracy of {100 * report.confidence.target:g} %."
        )
