"""How far a model's confidence can be trusted, and what abstaining below a threshold gains.

The confidence of an answer is the probability that the model gave to the whole of it, its stop
included. Arrays: ``confidence`` is (questions,) float64, ``right`` is (questions,) bool.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from nanoknow.system.draws import shuffle

Values = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

BINS = 10
FOLDS = 5
SURE = (0.5, 0.9)
"""Wrong answers are counted from each of these confidences up."""


@dataclass(frozen=True)
class Bin:
    """The answers whose confidence is above ``low`` and at most ``high``."""

    low: float
    high: float
    n: int
    confidence: float
    accuracy: float


@dataclass(frozen=True)
class Selection:
    """What comes of giving only the answers whose confidence reaches a threshold.

    Attributes:
        threshold: the least confidence of an answer that is given; None where each part of the
            questions had a threshold of its own.
        n: all questions.
        n_answered: how many of them are answered.
        n_right: how many of these answers are right.
    """

    threshold: float | None
    n: int
    n_answered: int
    n_right: int
    JSON: ClassVar = ("threshold", "n", "n_answered", "n_right", "coverage", "accuracy")

    @property
    def coverage(self) -> float:
        """Share of the questions that are answered."""
        return self.n_answered / self.n

    @property
    def accuracy(self) -> float | None:
        """Share of the answers that are right."""
        return self.n_right / self.n_answered if self.n_answered else None


@dataclass(frozen=True)
class Confidence:
    """How well the confidence of some answers tells right ones from wrong ones.

    Attributes:
        bins: of the reliability diagram, without the empty ones.
        ece: expected calibration error: the distance of a bin's accuracy from its mean confidence,
            averaged over all answers.
        brier: mean squared distance of confidence from right (1) and wrong (0).
        brier_of_base_rate: the same if every confidence were the overall accuracy.
        auroc: probability that a right answer is surer than a wrong one; None without both.
        median_right: the median confidence of right answers, None without any; ``median_wrong``
            likewise.
        sure_and_wrong: how many wrong answers have at least each confidence of ``SURE``.
        right, wrong: the confidences themselves, ascending.
        curve: (threshold, answered, right) of each of ``selections``.
        target: the accuracy wanted of the answers given.
        at_target: the most answers with that accuracy, by a threshold chosen on these very
            questions; None where no threshold reaches it.
        at_target_cross_fitted: the same with each fifth of the questions answered by a threshold
            chosen on the other four.
        everything: all questions answered.
    """

    n: int
    bins: list[Bin]
    ece: float
    brier: float
    brier_of_base_rate: float
    auroc: float | None
    median_right: float | None
    median_wrong: float | None
    sure_and_wrong: dict[str, int]
    right: list[float]
    wrong: list[float]
    curve: list[tuple[float | None, int, int]]
    target: float
    at_target: Selection | None
    at_target_cross_fitted: Selection
    everything: Selection

    @property
    def selections(self) -> list[Selection]:
        """What each threshold of the curve gives."""
        return [Selection(threshold, self.n, *counts) for threshold, *counts in self.curve]


def measure_confidence(confidence: Values, right: Flags, target: float, rng: Random) -> Confidence:
    """Compute every field of ``Confidence``.

    Args:
        confidence: at least one, 0 … 1.
        right: whether each answer is.
        target: the accuracy wanted of what is answered, above 0, at most 1.
        rng: deals the questions into folds.
    """
    bins = reliability(confidence, right)
    curve = selections(confidence, right)
    base_rate = float(right.mean())
    return Confidence(
        n=len(right),
        bins=bins,
        ece=sum(b.n * abs(b.accuracy - b.confidence) for b in bins) / len(right),
        brier=float(np.mean((confidence - right) ** 2)),
        brier_of_base_rate=base_rate * (1 - base_rate),
        auroc=auroc(confidence[right], confidence[~right]),
        median_right=median(confidence[right]),
        median_wrong=median(confidence[~right]),
        sure_and_wrong={str(sure): int((confidence[~right] >= sure).sum()) for sure in SURE},
        right=sorted(confidence[right].tolist()),
        wrong=sorted(confidence[~right].tolist()),
        curve=[(s.threshold, s.n_answered, s.n_right) for s in curve],
        target=target,
        at_target=widest(curve, target),
        at_target_cross_fitted=cross_fitted(confidence, right, target, rng),
        everything=curve[-1],
    )


def median(values: Values) -> float | None:
    """Return the median; None without values."""
    return float(np.median(values)) if len(values) else None


def reliability(confidence: Values, right: Flags) -> list[Bin]:
    """Sort answers into bins of equal width, each without its lower edge (Guo et al., 2017)."""
    edges = np.linspace(0.0, 1.0, BINS + 1)
    bins = np.searchsorted(edges[1:-1], confidence)  # (questions,)
    found = []
    for i in np.unique(bins):
        own = bins == i
        means = float(confidence[own].mean()), float(right[own].mean())
        found.append(Bin(float(edges[i]), float(edges[i + 1]), int(own.sum()), *means))
    return found


def auroc(positive: Values, negative: Values) -> float | None:
    """Return the probability that a positive value is above a negative one; a tie counts half.

    None where either has no values.
    """
    from scipy.stats import mannwhitneyu

    if not len(positive) or not len(negative):
        return None
    above = mannwhitneyu(positive, negative, method="asymptotic").statistic
    return float(above / (len(positive) * len(negative)))


def selections(confidence: Values, right: Flags) -> list[Selection]:
    """Return what each distinct confidence gives as the threshold, from the highest down.

    Answers of equal confidence are given together or not at all, so that no order among them
    decides. Accuracy against coverage along these points is the risk–coverage curve of El-Yaniv
    and Wiener (2010).
    """
    order = np.argsort(-confidence, kind="stable")
    values, hits = confidence[order], np.cumsum(right[order])
    last = np.append(values[1:] != values[:-1], True)  # of each group of equals
    return [
        Selection(float(values[i]), len(values), int(i) + 1, int(hits[i]))
        for i in np.flatnonzero(last)
    ]


def widest(curve: Sequence[Selection], target: float) -> Selection | None:
    """Return the selection that answers most with an accuracy of ``target`` or more."""
    reaching = (s for s in curve if (s.accuracy or 0.0) >= target)
    return max(reaching, key=lambda s: s.n_answered, default=None)


def cross_fitted(
    confidence: Values, right: Flags, target: float, rng: Random, folds: int = FOLDS
) -> Selection:
    """Answer each fold of the questions by the threshold of ``widest`` on the other folds alone."""
    order = list(range(len(right)))
    shuffle(order, rng)
    fold = np.argsort(order) % folds  # by the place of each question in that order
    answered = np.zeros(len(right), np.bool_)
    for i in np.unique(fold):
        own = fold == i
        chosen = None if own.all() else widest(selections(confidence[~own], right[~own]), target)
        if chosen is not None and chosen.threshold is not None:
            answered |= own & (confidence >= chosen.threshold)
    return Selection(None, len(right), int(answered.sum()), int((answered & right).sum()))
