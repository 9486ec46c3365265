"""``nanoknow evaluate --report``: evaluate one finetuned run in depth."""

from pathlib import Path
from random import Random

from nanoknow.config.experiment import DataConfig
from nanoknow.config.tasks import SpanCorruptionConfig
from nanoknow.data.questions import QuestionSet
from nanoknow.errors import ConfigError
from nanoknow.evaluation.answering_run import AnsweringRun
from nanoknow.evaluation.baseline import lookup_baseline
from nanoknow.evaluation.buckets import buckets, confidences, rights
from nanoknow.evaluation.calibration import measure_confidence
from nanoknow.evaluation.evaluate import evaluate_on
from nanoknow.evaluation.probes import probe
from nanoknow.evaluation.wrong_answers import sort_wrong_answers
from nanoknow.report.documents import show_documents
from nanoknow.report.findings import Report
from nanoknow.system.provenance import environment
from nanoknow.system.reporter import Reporter
from nanoknow.system.seeds import derive_seed
from nanoknow.tasks.span_corruption import reach_of


def report(
    run_path: Path | None,
    data: DataConfig,
    device: str,
    target: float,
    seed: int,
    reporter: Reporter,
) -> Report:
    """Evaluate a run in depth.

    Args:
        run_path: a run or checkpoint folder; None for the latest that answers.
        data: texts in place of the run's own.
        device: ``auto``, ``cpu``, ``cuda`` or ``cuda:N``.
        target: the target accuracy of the answers given, above 0, at most 1.
        seed: seeds the probes, the sample of training questions and the folds.
        reporter: is notified of what happens.

    Raises:
        ConfigError: the target is out of range.
        DataError: the questions have no answers.
    """
    if not 0 < target <= 1:
        raise ConfigError(f"--target-accuracy {target}: give a share above 0, at most 1")
    opened = AnsweringRun.open(run_path, data, device, reporter)
    questions = opened.fitting(opened.texts.require_eval().require_answers("report on"))
    facts, record = opened.facts, opened.checkpoint.record
    with reporter.progress("report", 4) as update:
        update(0, "answering the questions")
        evaluation = evaluate_on(opened, questions, reporter)
        answers = evaluation.answers
        rng = Random(derive_seed(seed, "folds"))
        confidence = measure_confidence(confidences(answers), rights(answers), target, rng)
        threshold = confidence.at_target.threshold if confidence.at_target else None
        update(1, "asking in other words, and about invented names")
        probed = probe(opened, questions, answers, threshold, seed, reporter)
        update(2, "looking answers up in the documents")
        baselines = [evaluation.baseline] if evaluation.baseline else []
        if facts and opened.training and evaluation.documented:
            baselines.append(lookup_baseline(questions, facts))
        update(3, "hiding words as pretraining did")
        documents = show_documents(opened, answers, seed)
        update(4, "")
    task, block_size = opened.pretraining, opened.model.config.block_size
    reach = reach_of(task, block_size) if isinstance(task, SpanCorruptionConfig) else None
    return Report(
        **vars(evaluation),
        model=f"{record.model.variant}, {record.task.kind}, {opened.model.n_parameters:,} "
        f"parameters, epoch {evaluation.epoch}",
        pretrained=opened.run.record.stage != "scratch",
        baselines=[each.beside(answers) for each in baselines],
        buckets=buckets(answers, facts, reach) if facts else [],
        recall=probed.recall,
        wrong=sort_wrong_answers(answers, facts, probed.names) if facts else None,
        confidence=confidence,
        documents=documents,
        probed=probed,
        seed=seed,
        provenance=_provenance(opened, questions),
    )


def _provenance(opened: AnsweringRun, questions: QuestionSet) -> dict[str, str]:
    """Name the code, the checkpoint and the texts that the figures come from."""
    found = environment(opened.device)
    kept = {key: found[key] for key in ("nanoknow", "revision", "torch", "device")}
    texts = {
        "corpus": opened.facts.corpus if opened.facts else None,
        "training questions": opened.training,
        "questions": questions,
    }
    named = {
        role: f"{text.name}, SHA-256 {text.sha256[:12]}…" for role, text in texts.items() if text
    }
    return {**kept, "checkpoint": str(opened.checkpoint.path), **named}
