"""``nanoknow sweep``: train every row of a sweep with several seeds, and tabulate the results.

Several processes may work on one sweep: each takes runs that no other process is training.
"""

import math
from collections.abc import Sequence
from functools import partial
from itertools import groupby

from nanoknow.config.experiment import DataConfig, ExperimentConfig
from nanoknow.config.loading import OWN_FACTS, load_config
from nanoknow.config.sweep import SweepConfig
from nanoknow.data.sources import Texts
from nanoknow.evaluation.answering_run import AnsweringRun
from nanoknow.evaluation.answers import score_answers
from nanoknow.evaluation.evaluate import evaluate_on
from nanoknow.experiments.folds import split_into_folds
from nanoknow.experiments.pipeline import Launch, PlannedRun, plan_runs, shard_of, train_in_turn
from nanoknow.experiments.side_by_side import several_runs
from nanoknow.experiments.sweep_report import Outcome, Row, SweepReport, compare_rows, rows_of_table
from nanoknow.experiments.table import require_report, save_report, table_row
from nanoknow.runs.folders import runs_folder
from nanoknow.system.reporter import Reporter
from nanoknow.training.recipe import resolve_recipe
from nanoknow.training.session import TrainingSummary


def sweep(file: SweepConfig, launch: Launch, reporter: Reporter) -> SweepReport:
    """Pretrain, finetune and evaluate all rows with the first seed, then with the next.

    Rows whose pretraining would be identical share the pretrained run.

    Args:
        file: the sweep: its rows, seeds and folds.
        launch: how to train the runs; by default in ``sweep`` in the runs folder.
            ``sweep.json`` and ``table.csv`` are written beside them, but not for a shard.
        reporter: is notified of what happens.

    Raises:
        ConfigError: a row is not a valid config, or the folder holds another sweep.
        DataError: a row's questions have no answers.
    """
    folder = launch.out or runs_folder() / "sweep"
    configs = configs_of(file, reporter)
    folds = {
        name: split_into_folds(Texts.find(config.data), file.folds or 1, config.seed, folder)
        for name, config in configs.items()
    }
    questions = {name: each.questions for name, each in folds.items()}
    asked_too = [Texts.find(DataConfig(eval=path), ("eval",)) for path in file.predict]
    for texts in asked_too:
        texts.require_eval()  # refuses an unreadable file before the training
    data = {name: each.data for name, each in folds.items()}
    planned = plan_runs(configs, data, launch.seeds or file.seeds, folder)
    runs = shard_of(planned, launch.shard)
    if launch.shard is None:
        require_report(runs, folder / "sweep.json")
    with several_runs(runs, launch, folder, reporter) as options:
        outcomes = {
            run.place: _evaluate(run, pretraining, asked_too, launch.device, reporter)
            for run, pretraining in train_in_turn(runs, options, reporter)
        }
    finished: dict[str, dict[int, list[Outcome]]] = {name: {} for name in configs}
    for (name, seed), of_folds in groupby(planned, lambda run: (run.row, run.config.seed)):
        places = [run.place for run in of_folds]
        if outcomes.keys() >= {*places}:
            finished[name][seed] = [outcomes[place] for place in places]
    rows, table = [], []
    for name, by_seed in finished.items():
        asked = questions[name].name
        rows.append(Row.of(name, file.rows[name], asked, by_seed))
        table += [row for each in by_seed.values() for row in rows_of_table(asked, each)]
    report = SweepReport(
        folder=str(folder),
        questions=", ".join(dict.fromkeys(each.name for each in questions.values())),
        device=table[-1].device if table else "",
        rows=rows,
        elsewhere=len(runs) - len(outcomes),
        table=table,
        pairs=compare_rows(questions, finished),
    )
    if launch.shard is None:
        save_report(folder / "sweep.json", report, report.table)
    return report


def configs_of(file: SweepConfig, reporter: Reporter) -> dict[str, ExperimentConfig]:
    """Return the config of each row; those of a sweep on ``own-facts`` are sized by the data.

    Raises:
        ConfigError: a row is not a valid config.
    """
    is_sized = file.config == OWN_FACTS
    return file.resolve(partial(resolve_recipe, reporter=reporter) if is_sized else load_config)


def _evaluate(
    run: PlannedRun, first: TrainingSummary, asked: Sequence[Texts], device: str, reporter: Reporter
) -> Outcome:
    opened = AnsweringRun.open(run.place, DataConfig(), device, reporter)
    questions = opened.fitting(opened.texts.require_eval())
    evaluation = evaluate_on(opened, questions, reporter)
    score, name = score_answers(evaluation.answers), evaluation.questions
    training = opened.task(opened.texts.require_questions())
    answered = zip(questions.items, evaluation.answers, strict=True)
    return Outcome(
        row=table_row(run.row, opened.run, opened.checkpoint, name, score, first.seconds),
        right={question: answer.is_right for question, answer in answered},
        recall=score_answers(opened.answer_questions(training)),
        loss=math.nan if first.loss is None else first.loss,
        predictions=tuple(
            evaluate_on(opened, texts.require_eval(), reporter).predictions for texts in asked
        ),
        n_parameters=opened.run.record.n_parameters,
    )
