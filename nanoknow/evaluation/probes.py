"""Ask a run ``probe_questions`` and its training questions, to tell knowing from guessing."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import ClassVar

from nanoknow.data.questions import QuestionSet
from nanoknow.errors import DataError
from nanoknow.evaluation.answering_run import AnsweringRun
from nanoknow.evaluation.answers import Answer, score_answers
from nanoknow.evaluation.buckets import Bucket, confidences
from nanoknow.evaluation.calibration import auroc, median
from nanoknow.evaluation.probe_questions import ProbeMaker
from nanoknow.evaluation.scores import Pairing, Score, pair
from nanoknow.facts.index import FactIndex
from nanoknow.system.draws import pick
from nanoknow.system.reporter import Reporter
from nanoknow.system.seeds import derive_seed
from nanoknow.tasks.question_answering import length_of

MOST = 500
"""Most training questions, and most subjects, that are asked about: of more, so many are drawn."""


@dataclass(frozen=True)
class ProbeResult:
    """The same questions changed in one way, beside the questions as they were.

    Attributes:
        name: what was changed.
        example: one of them.
        score: of the changed questions.
        as_asked: the same questions as the file has them.
        pairing: the questions as the file has them first, the changed ones second.
        n_same: answers that stayed the same.
        confidence: the median on the changed questions.
        confidence_as_asked: the median on the same questions as the file has them.
    """

    name: str
    example: str
    score: Score
    as_asked: Score
    pairing: Pairing
    n_same: int
    confidence: float
    confidence_as_asked: float


@dataclass(frozen=True)
class InventedNames:
    """What the model says about names that are put together from two subjects' names.

    Attributes:
        n: how many it was asked about.
        n_training_answers: answers that are the answer of some training question.
        confidence: the median.
        confidence_of_real: the median on evaluation questions of the same form about subjects.
        auroc: probability that an answer about a real name is surer than one about an invented one.
        n_sure: answers with at least the confidence from which on the target accuracy is reached;
            None where no confidence reaches it.
        confidences: all of them, ascending.
        confidences_of_real: likewise.
        fallbacks: the most frequent answers with their counts.
        examples: the surest answers.
    """

    n: int
    n_training_answers: int
    confidence: float
    confidence_of_real: float
    auroc: float
    n_sure: int | None
    confidences: list[float]
    confidences_of_real: list[float]
    fallbacks: list[tuple[str, int]]
    examples: list[Answer]


@dataclass(frozen=True)
class Probed:
    """What the probes gave.

    Attributes:
        recall: training questions, asked again; None where they are not available.
        rewordings: empty, and ``misspelt`` and ``invented`` None, where no question names a
            subject, or no such question can be made from the names.
        names: the subject's name in each training and evaluation question, by the question's text,
            where it is known.
    """

    recall: Bucket | None
    rewordings: list[ProbeResult]
    misspelt: ProbeResult | None
    invented: InventedNames | None
    names: dict[str, str]
    JSON: ClassVar[tuple[str, ...]] = ("rewordings", "misspelt", "invented")


def probe(
    opened: AnsweringRun,
    questions: QuestionSet,
    answers: Sequence[Answer],
    threshold: float | None,
    seed: int,
    reporter: Reporter,
) -> Probed:
    """Ask a run its training questions again, and every probe of some questions.

    Args:
        opened: is asked.
        questions: evaluation questions.
        answers: the run's answers to them.
        threshold: the confidence from which on these reach the target accuracy; None where none
            does.
        seed: of all draws.
        reporter: is notified which probes cannot be made.
    """
    facts, training = opened.facts, opened.training.items if opened.training else ()
    sample = pick(training, MOST, Random(derive_seed(seed, "recall")))
    _, recalled = ask_fitting(opened, QuestionSet("training questions", tuple(sample), ""))
    all_of_them = len(recalled) == len(training)
    which = "all" if all_of_them else f"{len(recalled)} of {len(training)}, drawn"
    recall = Bucket.of("training questions, asked again", which, recalled) if recalled else None
    nothing_more = Probed(recall, [], None, None, {})
    if facts is None:
        return nothing_more
    try:
        maker = ProbeMaker.of(questions, facts.corpus, MOST, Random(derive_seed(seed, "subjects")))
    except DataError as error:
        reporter.note(f"no probes: {error}")
        return nothing_more
    misspelt = maker.misspelt(Random(derive_seed(seed, "misspelt")))
    most = min(MOST, len(questions.items))
    invented = maker.invented(most, Random(derive_seed(seed, "invented")))
    for each in (misspelt, invented):
        if not each.items:
            reporter.note(f"probe left out: {each.name}: none can be made of the names")
    plain = {q.number: answer for q, answer in zip(questions.items, answers, strict=True)}
    changed = (ask_fitting(opened, each) for each in (*maker.rewordings(), misspelt))
    *reworded, as_misspelt = (judge_probe(*each, plain) if each[1] else None for each in changed)
    _, about_nobody = ask_fitting(opened, invented)
    asked, subjects = [*training, *questions.items], set(maker.subjects)
    real = [a for a in answers if maker.template.name_in(a.question) in subjects]  # in this form
    return Probed(
        recall=recall,
        rewordings=[result for result in reworded if result],
        misspelt=as_misspelt,
        invented=judge_invented(about_nobody, real, facts, threshold) if about_nobody else None,
        names={q.text: name for q in asked if (name := maker.template.name_in(q.text))},
    )


def ask_fitting(opened: AnsweringRun, made: QuestionSet) -> tuple[QuestionSet, list[Answer]]:
    """Ask the questions that fit into a run's block; return these, and their answers."""
    most = opened.model.config.block_size
    items = (q for q in made.items if length_of(q, opened.tokenizer) <= most)
    kept = replace(made, items=tuple(items))
    return kept, opened.answer_questions(opened.task(kept)) if kept.items else []


def judge_probe(
    probe: QuestionSet, asked: Sequence[Answer], plain: Mapping[int, Answer]
) -> ProbeResult:
    """Compare the answers to a probe with those to the questions it was made from; at least one.

    Args:
        probe: questions made from evaluation questions.
        asked: its answers.
        plain: the answers to the evaluation questions, by their numbers.
    """
    before = [plain[question.number] for question in probe.items]
    return ProbeResult(
        name=probe.name,
        example=probe.items[0].text,
        score=score_answers(asked),
        as_asked=score_answers(before),
        pairing=pair([a.is_right for a in before], [a.is_right for a in asked]),
        n_same=sum(a.answer == b.answer for a, b in zip(asked, before, strict=True)),
        confidence=median(confidences(asked)) or 0.0,
        confidence_as_asked=median(confidences(before)) or 0.0,
    )


def judge_invented(
    asked: Sequence[Answer], real: Sequence[Answer], facts: FactIndex, threshold: float | None
) -> InventedNames:
    """Compare the answers about invented names with those about real ones; at least one each.

    Args:
        asked: about invented names.
        real: about subjects of documents.
        facts: the training texts.
        threshold: the confidence from which on answers reach the target accuracy.
    """
    invented, known = confidences(asked), confidences(real)
    return InventedNames(
        n=len(asked),
        n_training_answers=sum(a.answer in facts.answer_counts for a in asked),
        confidence=median(invented) or 0.0,
        confidence_of_real=median(known) or 0.0,
        auroc=auroc(known, invented) or 0.0,
        n_sure=None if threshold is None else int((invented >= threshold).sum()),
        confidences=sorted(invented.tolist()),
        confidences_of_real=sorted(known.tolist()),
        fallbacks=Counter(a.answer for a in asked).most_common(3),
        examples=sorted(asked, key=lambda a: -a.log_probability)[:3],
    )
