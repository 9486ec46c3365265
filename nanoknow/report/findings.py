"""All that one evaluation found out, as a plain value, and what it says in sentences."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from nanoknow.evaluation.baseline import PairedBaseline
from nanoknow.evaluation.buckets import ASKED, UNASKED, Bucket
from nanoknow.evaluation.calibration import Confidence
from nanoknow.evaluation.probes import InventedPeople, ProbeResult
from nanoknow.evaluation.scores import Score
from nanoknow.evaluation.wrong_answers import WrongAnswers
from nanoknow.system.plain import plain

NONE = "–"


@dataclass(frozen=True)
class Report:
    """All that one evaluation found out.

    Attributes:
        run: the run's folder.
        model: what it is, in a few words.
        pretrained: whether it read a corpus before it was finetuned.
        questions: the name of the questions.
        score: exact match.
        rivals: the constant baseline and the look-up, where the training texts are at hand.
        constant: what the constant baseline says.
        buckets: the questions split by what the training texts say of them.
        recall: training questions, asked again; None where they are not at hand.
        wrong: None without the training texts.
        confidence: of all answers.
        rewordings: the questions in other words.
        misspelt: with misspelt names; None where no question names anybody.
        invented: likewise, and where the corpus has no names to make people of.
        seed: of what is drawn at random.
        predictions: the file of answers.
        provenance: what else is needed to trace a figure, by name.
    """

    run: str
    model: str
    pretrained: bool
    questions: str
    score: Score
    rivals: list[PairedBaseline]
    constant: str | None
    buckets: list[Bucket]
    recall: Bucket | None
    wrong: WrongAnswers | None
    confidence: Confidence
    rewordings: list[ProbeResult]
    misspelt: ProbeResult | None
    invented: InventedPeople | None
    seed: int
    predictions: str
    provenance: Mapping[str, str]

    @property
    def probes(self) -> list[ProbeResult]:
        """All probes of the same people."""
        return [*self.rewordings, *([self.misspelt] if self.misspelt else [])]

    def to_json(self) -> dict[str, Any]:
        """Return it as plain values, with its findings."""
        found = {field.name: plain(getattr(self, field.name)) for field in fields(self)}
        return {**found, "findings": findings(self)}


def percent(share: float | None) -> str:
    """Write a share: ``30.0 %``."""
    return NONE if share is None else f"{100 * share:.1f} %"


def findings(report: Report) -> list[str]:
    """Say in sentences what the figures say, no more."""
    score = report.score
    said = [f"It answers {_of(score)} right."]
    for rival in report.rivals:
        said[0] = said[0].removesuffix(".") + (
            f"; {rival.name} gets {percent(rival.score.accuracy)} (p = {rival.pairing.p:.2g})."
        )
    return [
        *said,
        *_sources(report),
        *_fallback(report.wrong),
        *_assurance(report.confidence),
        *_wordings(report),
        *_strangers(report),
    ]


def _of(score: Score) -> str:
    return f"{score.n_right} of {score.n} ({percent(score.accuracy)})"


def _sources(report: Report) -> list[str]:
    """Where right answers come from."""
    parts = {b.name: b.score for b in report.buckets}
    found = []
    asked = parts.get(ASKED)
    if asked:
        found.append(
            f"{asked.n} of the questions, with their answers, are training questions: of these it "
            f"knows {_of(asked)}."
        )
    unasked = parts.get(UNASKED)
    if unasked:
        sentence = f"Of the questions that finetuning never asked it knows {_of(unasked)}"
        if unasked.n_right:
            sentence += (
                ": what it read in pretraining, or guesses"
                if report.pretrained
                else ": guesses, as it read no text before"
            )
        found.append(f"{sentence}.")
    if report.recall:
        found.append(f"Of training questions, asked again, it knows {_of(report.recall.score)}.")
    return found


def _fallback(wrong: WrongAnswers | None) -> list[str]:
    """What it says to many."""
    if wrong is None or not wrong.fallbacks:
        return []
    most = wrong.fallbacks[0]
    return [
        f"Its most frequent answer, {most.answer!r}, goes to {most.n} of {wrong.n_questions} "
        f"({percent(most.n / wrong.n_questions)}); it is due to {most.n_gold}."
    ]


def _assurance(confidence: Confidence) -> list[str]:
    """Whether it is surer where it is right."""
    if confidence.auroc is None:
        return []
    target, wanted = confidence.at_target, f"{100 * confidence.target:g} %"
    return [
        f"Its median confidence is {percent(confidence.median_right)} where it is right and "
        f"{percent(confidence.median_wrong)} where it is wrong. A right answer is surer than a "
        f"wrong one {percent(confidence.auroc)} of the time (AUROC; 50 % is no sign at all), and "
        f"{confidence.sure_and_wrong['0.5']} of {len(confidence.wrong)} wrong answers come with a "
        f"confidence of 50 % or more.",
        f"At no confidence is it {wanted} right."
        if target is None
        else f"To be {wanted} right it may answer {percent(target.coverage)} of the questions: "
        f"those with a confidence of {percent(target.threshold)} or more.",
    ]


def _wordings(report: Report) -> list[str]:
    """What other words do to it."""
    if not report.rewordings:
        return []
    low, high = (f(p.score.accuracy for p in report.rewordings) for f in (min, max))
    as_asked = report.rewordings[0].as_asked.accuracy
    reach = f"{percent(low)}" if low == high else f"{percent(low)} to {percent(high)}"
    found = [f"Asked in other words, it is right on {reach} where it was on {percent(as_asked)}."]
    if report.misspelt:
        found.append(
            f"With one letter of the name wrong, on {percent(report.misspelt.score.accuracy)}; the "
            f"answer stays the same for {report.misspelt.n_same} of {report.misspelt.score.n}."
        )
    return found


def _strangers(report: Report) -> list[str]:
    """What it says of people who do not exist."""
    invented = report.invented
    if invented is None:
        return []
    found = [
        f"Asked about {invented.n} people who do not exist, it names a known place for "
        f"{invented.n_places} of them, with a median confidence of "
        f"{percent(invented.confidence)}; for real people that is "
        f"{percent(invented.confidence_of_real)}. It is surer of somebody real than of somebody "
        f"invented {percent(invented.auroc)} of the time (50 % is no sign at all)."
    ]
    if invented.n_sure is not None:
        found.append(
            f"{invented.n_sure} of the {invented.n} would pass for answers that are "
            f"{100 * report.confidence.target:g} % right."
        )
    return found
