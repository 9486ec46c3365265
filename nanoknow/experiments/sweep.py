"""``nanoknow sweep``: train every row of a sweep with several seeds, to one table.

Several processes may work on one sweep: each takes runs that no other process is training.
"""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from nanoknow.config.experiment import DataConfig, ExperimentConfig
from nanoknow.config.sweep import SweepConfig
from nanoknow.data.sources import Texts
from nanoknow.errors import BusyError, ConfigError
from nanoknow.evaluation.answering_run import AnsweringRun
from nanoknow.evaluation.answers import score_answers
from nanoknow.evaluation.evaluate import evaluate, evaluate_on
from nanoknow.experiments.pipeline import RunPlan, pretrain_and_finetune, several_runs
from nanoknow.experiments.sweep_report import Outcome, Row, SweepReport, compare_rows
from nanoknow.experiments.table import save_report, table_row
from nanoknow.runs.folders import runs_folder
from nanoknow.system.plain import to_json
from nanoknow.system.reporter import Reporter
from nanoknow.training.prepare import roles_of
from nanoknow.training.session import TrainingSummary


def sweep(
    file: SweepConfig, seeds: int | None, out: Path | None, device: str, reporter: Reporter
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

    Raises:
        ConfigError: a row is not a config, or the folder holds another sweep.
        DataError: a row's questions have no answers.
    """
    folder = out or runs_folder() / "sweep"
    configs = file.resolve()
    questions = {
        name: Texts.find(config.data).require_eval().require_answers("compare rows by", "data.eval")
        for name, config in configs.items()
    }
    asked = [Texts.find(DataConfig(eval=path), ("eval",)).config for path in file.predict]
    outcomes: dict[str, dict[int, Outcome]] = {name: {} for name in configs}
    left = list(_runs(configs, seeds or file.seeds, folder))
    places = [(config, folder / _slug(name)) for name, config in configs.items()]
    with several_runs(places, device, reporter) as options:
        for _ in range(2):  # the second time those that another process was training
            runs, left = left, []
            for name, config, place, pretraining in runs:
                reporter.note(f"row {name!r}, seed {config.seed}: {place}")
                finetuning = (config, place / "finetune")
                try:
                    both = pretrain_and_finetune(pretraining, finetuning, options, reporter)
                except BusyError as error:
                    reporter.note(f"left to another process: {error}")
                    left.append((name, config, place, pretraining))
                    continue
                outcome = _evaluate(name, place / "finetune", both, asked, device, reporter)
                if outcome is not None:
                    outcomes[name][config.seed] = outcome
    ordered = {name: [runs[seed] for seed in sorted(runs)] for name, runs in outcomes.items()}
    table = [run.row for runs in ordered.values() for run in runs]
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
        pairs=compare_rows(questions, outcomes),
    )
    save_report(folder / "sweep.json", report, report.table)
    return report


def _runs(
    configs: dict[str, ExperimentConfig], seeds: int, folder: Path
) -> Iterator[tuple[str, ExperimentConfig, Path, RunPlan]]:
    """Yield name, config and folder of each row and seed, and the pretraining it starts from."""
    if len(set(map(_slug, configs))) < len(configs):
        raise ConfigError(f"rows {', '.join(configs)}: some are too alike for names of folders")
    pretrained: dict[str, RunPlan] = {}
    for offset in range(seeds):
        for name, config in configs.items():
            data = Texts.find(config.data).config
            seeded = config.model_copy(update={"seed": config.seed + offset, "data": data})
            place = folder / _slug(name) / f"seed-{seeded.seed}"
            key = _what_pretraining_reads(seeded)
            yield name, seeded, place, pretrained.setdefault(key, (seeded, place / "pretrain"))


def _slug(row: str) -> str:
    """Return the name of a row's folder."""
    return re.sub(r"[^\w.=-]+", "-", row)


def _what_pretraining_reads(config: ExperimentConfig) -> str:
    """Return all that decides what a config's pretraining computes."""
    data = config.data
    read = {
        "seed": config.seed,
        "precision": config.precision,
        "model": config.model,
        "pretrain": config.pretrain,
        "texts": {role: getattr(data, role) or data.world for role in roles_of(config, "pretrain")},
        "as": (data.documents, data.skip_long),
    }
    return to_json(read)


def _evaluate(
    name: str,
    run: Path,
    summaries: tuple[TrainingSummary, TrainingSummary],
    asked: Sequence[DataConfig],
    device: str,
    reporter: Reporter,
) -> Outcome | None:
    """Evaluate a run; None where it was stopped before there was anything to evaluate."""
    pretraining, finetuning = summaries
    opened = AnsweringRun.open(run, DataConfig(), device, reporter)
    evaluation = evaluate_on(opened, opened.texts.require_eval(), reporter)
    if evaluation.score is None or opened.training is None or pretraining.loss is None:
        return None
    return Outcome(
        row=table_row(name, opened.run, opened.checkpoint, evaluation.questions, evaluation.score),
        minutes=(pretraining.seconds + finetuning.seconds) / 60,
        right=tuple(answer.is_right for answer in evaluation.answers),
        recall=score_answers(opened.answer_questions(opened.task(opened.training))),
        loss=pretraining.loss,
        predictions=tuple(evaluate(run, data, device, reporter).predictions for data in asked),
        n_parameters=finetuning.n_parameters,
    )
