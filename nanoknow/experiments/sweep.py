"""``nanoknow sweep``: train every row of a sweep with several seeds, to one table.

Several processes may work on one sweep: each takes runs that no other process is training.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from nanoknow.config.experiment import DataConfig, ExperimentConfig
from nanoknow.config.loading import OWN_FACTS, load_config
from nanoknow.config.sweep import SweepConfig
from nanoknow.data.sources import Texts
from nanoknow.errors import BusyError, ConfigError
from nanoknow.evaluation.answering_run import AnsweringRun
from nanoknow.evaluation.answers import score_answers
from nanoknow.evaluation.evaluate import evaluate, evaluate_on
from nanoknow.experiments.folds import Folds, split_into_folds
from nanoknow.experiments.pipeline import RunPlan, pretrain_and_finetune, several_runs
from nanoknow.experiments.side_by_side import Chain, train_side_by_side
from nanoknow.experiments.sweep_report import Outcome, Row, SweepReport, compare_rows
from nanoknow.experiments.table import save_report, table_row
from nanoknow.runs.folders import runs_folder
from nanoknow.system.plain import to_json
from nanoknow.system.reporter import Reporter
from nanoknow.training.prepare import roles_of
from nanoknow.training.recipe import resolve_recipe
from nanoknow.training.session import TrainingSummary


@dataclass(frozen=True)
class _Planned:
    """A run of a row and a seed; of one of its folds, where there are some."""

    name: str
    seed: int
    fold: int
    place: Path
    pretraining: RunPlan
    finetuning: RunPlan


def sweep(
    file: SweepConfig,
    seeds: int | None,
    out: Path | None,
    device: str,
    reporter: Reporter,
    processes: int = 1,
) -> SweepReport:
    """Pretrain, finetune and evaluate every row with every seed, row after row of a seed.

    Rows that differ only in what pretraining does not read share the pretrained run.

    Args:
        file: the rows.
        seeds: how many, in place of the file's own number.
        out: folder for the runs, where an interrupted sweep continues; None for ``sweep`` in the
            runs folder. ``sweep.json`` and ``table.csv`` are written into it.
        device: ``auto``, ``cpu``, ``cuda`` or ``cuda:N``.
        reporter: is notified of what happens.
        processes: runs to train side by side.

    Raises:
        ConfigError: a row is not a config, or the folder holds another sweep.
        DataError: a row's questions have no answers.
    """
    folder = out or runs_folder() / "sweep"
    is_sized = file.config == OWN_FACTS
    configs = file.resolve(partial(resolve_recipe, reporter=reporter) if is_sized else load_config)
    if len(set(map(_slug, configs))) < len(configs):
        raise ConfigError(f"rows {', '.join(configs)}: some are too alike for names of folders")
    n_folds = file.folds or 1
    folds = {
        name: split_into_folds(Texts.find(config.data), n_folds, config.seed, folder)
        for name, config in configs.items()
    }
    questions = {name: each.questions for name, each in folds.items()}
    asked_too = [Texts.find(DataConfig(eval=path), ("eval",)).config for path in file.predict]
    outcomes: dict[tuple[str, int], dict[int, Outcome]] = {}
    left = list(_runs(configs, folds, seeds or file.seeds, folder))
    places = [(config, folder / _slug(name)) for name, config in configs.items()]
    with several_runs(places, device, reporter, processes=processes) as options:
        if processes > 1:
            train_side_by_side(_chains(left), processes, options, reporter)
        for _ in range(2):  # the second time those that another process was training
            runs, left = left, []
            for run in runs:
                reporter.note(f"row {run.name!r}, seed {run.seed}: {run.place}")
                try:
                    both = pretrain_and_finetune(run.pretraining, run.finetuning, options, reporter)
                except BusyError as error:
                    reporter.note(f"left to another process: {error}")
                    left.append(run)
                    continue
                outcome = _evaluate(run, both, asked_too, device, reporter)
                if outcome is not None:
                    outcomes.setdefault((run.name, run.seed), {})[run.fold] = outcome
    finished: dict[str, dict[int, Outcome]] = {name: {} for name in configs}
    for name, seed in sorted(outcomes):
        runs_of_folds = [outcome for _, outcome in sorted(outcomes[name, seed].items())]
        if len(runs_of_folds) == n_folds:
            place = folder / _slug(name) / f"seed-{seed}"
            whole = Outcome.sum_of(runs_of_folds, questions[name].name, str(place))
            finished[name][seed] = whole
    ordered = {name: list(runs.values()) for name, runs in finished.items()}
    table = [row for runs in ordered.values() for run in runs for row in (*run.folds, run.row)]
    report = SweepReport(
        folder=str(folder),
        questions=", ".join(dict.fromkeys(each.name for each in questions.values())),
        device=table[-1].device if table else "",
        rows=[
            Row.of(name, file.rows[name], questions[name].name, runs)
            for name, runs in ordered.items()
        ],
        elsewhere=len(left),
        table=table,
        pairs=compare_rows(questions, finished),
    )
    save_report(folder / "sweep.json", report, report.table)
    return report


def _runs(
    configs: Mapping[str, ExperimentConfig], folds: Mapping[str, Folds], seeds: int, folder: Path
) -> Iterator[_Planned]:
    """Yield the runs of each row and seed, with the pretraining that each starts from."""
    pretrained: dict[str, RunPlan] = {}
    for offset in range(seeds):
        for fold in range(len(next(iter(folds.values())).data)):
            for name, config in configs.items():
                texts = folds[name].data
                changes = {"seed": config.seed + offset, "data": texts[fold]}
                seeded = config.model_copy(update=changes)
                place = folder / _slug(name) / f"seed-{seeded.seed}"
                place = place / f"fold-{fold + 1}" if len(texts) > 1 else place
                key = _what_pretraining_reads(seeded)
                pretraining = pretrained.setdefault(key, (seeded, place / "pretrain"))
                finetuning = (seeded, place / "finetune")
                yield _Planned(name, seeded.seed, fold, place, pretraining, finetuning)


def _chains(runs: Sequence[_Planned]) -> list[Chain]:
    """Return what to train side by side: runs that share a pretrained one, after another."""
    by_pretraining: dict[Path, list[_Planned]] = {}
    for run in runs:
        by_pretraining.setdefault(run.pretraining[1], []).append(run)
    return [
        Chain(str(each[0].place), each[0].pretraining, tuple(run.finetuning for run in each))
        for each in by_pretraining.values()
    ]


def _slug(row: str) -> str:
    """Return the name of a row's folder."""
    return re.sub(r"[^\w.=-]+", "-", row)


def _what_pretraining_reads(config: ExperimentConfig) -> str:
    """Return all that decides what a config's pretraining computes."""
    data = config.data
    texts = [getattr(data, role) or data.world for role in roles_of(config, "pretrain")]
    settings = (config.seed, config.precision, config.model, config.pretrain)
    return to_json((settings, texts, data.documents, data.skip_long))


def _evaluate(
    run: _Planned,
    summaries: tuple[TrainingSummary, TrainingSummary],
    asked: Sequence[DataConfig],
    device: str,
    reporter: Reporter,
) -> Outcome | None:
    """Evaluate a run; None where it was stopped before there was anything to evaluate."""
    pretraining, finetuning = summaries
    place = run.finetuning[1]
    opened = AnsweringRun.open(place, DataConfig(), device, reporter)
    evaluation = evaluate_on(opened, opened.texts.require_eval(), reporter)
    score = evaluation.score
    if score is None or opened.training is None or pretraining.loss is None:
        return None
    return Outcome(
        row=table_row(run.name, opened.run, opened.checkpoint, evaluation.questions, score),
        minutes=(pretraining.seconds + finetuning.seconds) / 60,
        right=tuple(answer.is_right for answer in evaluation.answers),
        recall=score_answers(opened.answer_questions(opened.task(opened.training))),
        loss=pretraining.loss,
        predictions=tuple(evaluate(place, data, device, reporter).predictions for data in asked),
        n_parameters=finetuning.n_parameters,
    )
