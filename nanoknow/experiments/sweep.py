"""``nanoknow sweep``: train every row of a sweep with several seeds, to one table.

Several processes may work on one sweep: each takes runs that no other is at.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nanoknow.config.experiment import (
    AugmentConfig,
    DataConfig,
    ExperimentConfig,
    FinetuneConfig,
    SampleConfig,
    ScratchConfig,
)
from nanoknow.config.sweep import SweepConfig
from nanoknow.data.sources import Texts
from nanoknow.errors import BusyError, ConfigError
from nanoknow.evaluation.answering_run import AnsweringRun
from nanoknow.evaluation.answers import score_answers
from nanoknow.evaluation.evaluate import evaluate, evaluate_on
from nanoknow.evaluation.scores import Score
from nanoknow.experiments.pipeline import Stage, pretrain_and_finetune
from nanoknow.runs.folders import runs_folder
from nanoknow.system.files import write_atomically
from nanoknow.system.plain import plain
from nanoknow.system.reporter import Reporter
from nanoknow.tasks.registry import sources
from nanoknow.training.session import TrainingOptions, TrainingSummary


@dataclass(frozen=True)
class Outcome:
    """What one run gave.

    Attributes:
        score: on the evaluation questions.
        recall: on the training questions: what finetuning made of those that it saw.
        loss: of the last epoch of pretraining, in nats a character.
        minutes: of pretraining and finetuning.
        predictions: files of answers to the questions of ``predict``.
        n_parameters: of the model.
    """

    score: Score
    recall: Score
    loss: float
    minutes: float
    predictions: tuple[str, ...]
    n_parameters: int


@dataclass(frozen=True)
class Row:
    """What a row gave.

    Attributes:
        name: of the row.
        changes: the values that it sets.
        outcomes: of its runs that are done, by ascending seed.
    """

    name: str
    changes: dict[str, Any]
    outcomes: dict[int, Outcome]

    def to_json(self) -> dict[str, Any]:
        """Return it as plain values, a list of each kind."""
        runs = self.outcomes.values()
        return {
            "name": self.name,
            "changes": self.changes,
            "seeds": list(self.outcomes),
            "scores": [plain(run.score) for run in runs],
            "recall": [plain(run.recall) for run in runs],
            "losses": [run.loss for run in runs],
            "minutes": [round(run.minutes, 2) for run in runs],
            "predictions": [path for run in runs for path in run.predictions],
            "n_parameters": max((run.n_parameters for run in runs), default=0),
        }


@dataclass(frozen=True)
class SweepReport:
    """What a sweep found.

    Attributes:
        folder: of its runs.
        questions: the name of the evaluation questions.
        device: that the last run was trained on, and its precision.
        rows: in the order of the file.
        elsewhere: runs that another process is at.
    """

    folder: str
    questions: str
    device: str
    rows: list[Row]
    elsewhere: int

    def to_json(self) -> dict[str, Any]:
        """Return it as plain values."""
        return {
            "folder": self.folder,
            "questions": self.questions,
            "device": self.device,
            "rows": [row.to_json() for row in self.rows],
            "elsewhere": self.elsewhere,
        }


def sweep(
    file: SweepConfig, seeds: int | None, out: Path | None, device: str, reporter: Reporter
) -> SweepReport:
    """Pretrain, finetune and evaluate every row with every seed, row after row of a seed.

    Rows that differ only in what comes after pretraining share the pretrained run.

    Args:
        file: the rows.
        seeds: how many, in place of the file's own number.
        out: folder for the runs, where an interrupted sweep goes on; None for ``sweep`` in the
            runs folder.
        device: ``auto``, ``cpu``, ``cuda`` or ``cuda:N``.
        reporter: is told what happens.

    Raises:
        ConfigError: a row is not a config, or the folder holds another sweep.
    """
    folder = out or runs_folder() / "sweep"
    configs = file.resolve()
    questions = _require_answers(configs)
    asked = [Texts.find(DataConfig(eval=path), ("eval",)).config for path in file.predict]
    outcomes: dict[str, dict[int, Outcome]] = {name: {} for name in configs}
    trained_on = ""
    options = TrainingOptions(device=device)
    left = list(_runs(configs, seeds or file.seeds, folder))
    for _ in range(2):  # the second time what another process was at
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
            trained_on = f"{both[1].device}, {both[1].precision}"
            outcome = _examine(place / "finetune", both, asked, device, reporter)
            if outcome is not None:
                outcomes[name][config.seed] = outcome
    rows = [Row(name, file.rows[name], dict(sorted(outcomes[name].items()))) for name in configs]
    report = SweepReport(str(folder), questions, trained_on, rows, len(left))
    write_atomically(folder / "sweep.json", json.dumps(report.to_json(), indent=1).encode())
    return report


def _runs(
    configs: dict[str, ExperimentConfig], seeds: int, folder: Path
) -> Iterator[tuple[str, ExperimentConfig, Path, Stage]]:
    """Yield name, config and folder of each row and seed, and what it starts from."""
    slugs = {name: re.sub(r"[^\w.=-]+", "-", name) for name in configs}
    if len(set(slugs.values())) < len(slugs):
        raise ConfigError(f"rows {', '.join(slugs)}: some are too alike for names of folders")
    pretrained: dict[str, Stage] = {}
    for offset in range(seeds):
        for name, config in configs.items():
            seeded = config.model_copy(
                update={
                    "seed": config.seed + offset,
                    "data": Texts.find(config.data).config,
                }
            )
            place = folder / slugs[name] / f"seed-{seeded.seed}"
            key = _pretraining_of(seeded).model_dump_json()
            yield name, seeded, place, pretrained.setdefault(key, (seeded, place / "pretrain"))


def _pretraining_of(config: ExperimentConfig) -> ExperimentConfig:
    """Return a config with all that pretraining does not read set back."""
    unread = {"questions", "eval"} - set(sources(config.pretrain.task))
    return config.model_copy(
        update={
            "data": config.data.model_copy(update=dict.fromkeys(unread)),
            "finetune": FinetuneConfig(),
            "scratch": ScratchConfig(),
            "augment": AugmentConfig(),
            "sample": SampleConfig(),
        }
    )


def _require_answers(configs: dict[str, ExperimentConfig]) -> str:
    for name, config in configs.items():
        questions = Texts.find(config.data).require_eval()
        if not questions.answered:
            raise ConfigError(
                f"row {name!r}: {questions.name}: a sweep needs questions with answers"
            )
    return questions.name


def _examine(
    run: Path,
    summaries: tuple[TrainingSummary, TrainingSummary],
    asked: Sequence[DataConfig],
    device: str,
    reporter: Reporter,
) -> Outcome | None:
    """Evaluate a run; None where it was stopped before there was anything to evaluate."""
    pretraining, finetuning = summaries
    opened = AnsweringRun.open(run, DataConfig(), device, reporter)
    score = evaluate_on(opened, opened.texts.require_eval(), reporter).score
    if score is None or opened.training is None or pretraining.loss is None:
        return None
    recalled = opened.answer_questions(opened.training)
    return Outcome(
        score=score,
        recall=score_answers(recalled),
        loss=pretraining.loss,
        minutes=(pretraining.seconds + finetuning.seconds) / 60,
        predictions=tuple(evaluate(run, data, device, reporter).predictions for data in asked),
        n_parameters=finetuning.n_parameters,
    )
