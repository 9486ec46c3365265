"""The result of an evaluation in depth, and its findings in sentences."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from jinja2 import Environment, PackageLoader, StrictUndefined

from nanoknow.evaluation.answers import score_answers
from nanoknow.evaluation.baseline import PairedBaseline
from nanoknow.evaluation.buckets import ASKED, Bucket
from nanoknow.evaluation.calibration import Confidence
from nanoknow.evaluation.evaluate import Evaluation
from nanoknow.evaluation.probes import Probed, ProbeResult
from nanoknow.evaluation.scores import Score, interval
from nanoknow.evaluation.wrong_answers import WrongAnswers
from nanoknow.report.documents import ShownDocument
from nanoknow.system.shares import percent

FEW = 20
"""Fewer answers than this are drawn one by one: shares of so few would claim too much."""


@dataclass(frozen=True, repr=False, kw_only=True)
class Report(Evaluation):
    """The result of one evaluation in depth.

    Attributes:
        model: variant, task, size and epoch of the model, in a few words.
        pretrained: whether the model read a corpus before it was finetuned.
        baselines: the constant answer, and the look-up where the training texts are
            available.
        buckets: the questions split by what the training texts say of them.
        recall: the training questions asked again; None where they are not available.
        wrong: the wrong answers by kind; None without the training texts.
        confidence: the confidence of all answers.
        documents: some that questions are about; none without the corpus.
        probed: the questions in other words, with misspelt and with invented names.
        seed: seeds all random draws.
        provenance: by name, what else one needs to trace a figure.
    """

    model: str
    pretrained: bool
    baselines: list[PairedBaseline]
    buckets: list[Bucket]
    recall: Bucket | None
    wrong: WrongAnswers | None
    confidence: Confidence
    documents: list[ShownDocument]
    probed: Probed
    seed: int
    provenance: Mapping[str, str]
    JSON: ClassVar[tuple[str, ...]] = (
        "run", "model", "pretrained", "questions", "score", "overlap", "documented", "warnings",
        "baselines", "buckets", "recall", "wrong", "confidence", "answers", "documents", "*probed",
        "seed", "predictions", "provenance",
    )  # fmt: skip

    @property
    def score(self) -> Score:
        """Exact match; the questions of a report always have answers."""
        return score_answers(self.answers)

    @property
    def parts(self) -> list[Bucket]:
        """The buckets of the questions, and that of the training questions."""
        return [*self.buckets, *([self.recall] if self.recall else [])]

    @property
    def probes(self) -> list[ProbeResult]:
        """All probes that keep the subjects: other words, and misspelt names."""
        misspelt = self.probed.misspelt
        return [*self.probed.rewordings, *([misspelt] if misspelt else [])]


@dataclass(frozen=True)
class Headline:
    """A number at the head of a report, with its name and a detail such as its interval."""

    value: str
    name: str
    detail: str


def title(report: Report) -> str:
    """Return the title: a model can only "know" somebody whom a document is about."""
    return f"What does this model {'know' if report.documented else 'answer'}?"


def headlines(report: Report) -> list[Headline]:
    """Return the score, the best baseline's, and the confidence about invented names."""
    score, invented = report.score, report.probed.invented
    detail = f"{score.n_right} of {score.n}; 95 % interval {interval(score)} %"
    found = [Headline(percent(score.accuracy), "of its answers are right", detail)]
    if report.baselines:
        best = max(report.baselines, key=lambda each: each.score.accuracy)
        name = f"are right without a model: {best.name}"
        detail = f"the best baseline; 95 % interval {interval(best.score)} %"
        found.append(Headline(percent(best.score.accuracy), name, detail))
    if invented:
        detail = f"the median of {invented.n}; {percent(invented.confidence_of_real)} for real ones"
        name = "confidence about names that do not exist"
        found.append(Headline(percent(invented.confidence), name, detail))
    return found


def standing_out(report: Report) -> list[str]:
    """Return the findings that the score does not show: warnings, then the probes' results."""
    return _say(report, "warnings", "probes" if report.probes else "sources")


def findings(report: Report) -> list[str]:
    """Return sentences that say what the figures show, and no more."""
    return _say(report, "score", "warnings", "sources", "answers", "probes")


def _say(report: Report, *parts: str) -> list[str]:
    """Return the sentences of some blocks of ``findings.txt``, in order."""
    texts = environment()
    texts.filters |= {"percent": percent, "share": _share}
    template = texts.get_template("findings.txt")
    values = template.new_context({"report": report, "asked": ASKED})
    text = "".join(each for part in parts for each in template.blocks[part](values))
    return [line for line in text.split("\n") if line]


def environment(**options: Any) -> Environment:  # noqa: ANN401 - of jinja2
    """Return the jinja2 environment that renders the templates of a report."""
    options |= {"loader": PackageLoader("nanoknow", "report"), "undefined": StrictUndefined}
    return Environment(trim_blocks=True, lstrip_blocks=True, **options)


def _share(score: Score) -> str:
    return f"{score.n_right} of {score.n} ({percent(score.accuracy)})"
