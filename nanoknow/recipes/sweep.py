"""``nanoknow sweep``: train every row of a sweep with several seeds, to one table.

Several processes may work on one sweep: each takes runs that no other is at.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nanoknow.config import (
    AugmentConfig,
    DataConfig,
    ExperimentConfig,
    FinetuneConfig,
    SampleConfig,
    ScratchConfig,
)
from nanoknow.data.sources import Texts
from nanoknow.errors import BusyError, ConfigError
from nanoknow.evaluator import Score, count_right
from nanoknow.files import write_atomically
from nanoknow.recipes.evaluate import evaluate, examine
from nanoknow.recipes.examinee import open_examinee
from nanoknow.recipes.experiment import Stage, pretrain_and_finetune
from nanoknow.recipes.sitting import TrainingOptions, TrainingSummary
from nanoknow.reporter import Reporter
from nanoknow.run_folders import runs_folder
from nanoknow.sweep_file import SweepConfig
from nanoknow.tasks.registry import sources


@dataclass
class Row:
    """What a row gave, a value for each seed that is done.

    Attributes:
        name: of the row.
        changes: the values that it sets.
        scores: on the evaluation questions.
        recall: on the training questions: what finetuning made of those that it saw.
        losses: of the last epoch of pretraining, in nats a character.
        minutes: of pretraining and finetuning.
        predictions: files of answers to the questions of ``predict``.
        n_parameters: of the model.
    """

    name: str
    changes: dict[str, Any]
    scores: list[Score] = field(default_factory=list)
    recall: list[Score] = field(default_factory=list)
    losses: list[float] = field(default_factory=list)
    minutes: list[float] = field(default_factory=list)
    predictions: list[str] = field(default_factory=list)
    n_parameters: int = 0

    def to_json(self) -> dict[str, Any]:
        """Return it as plain values."""
        return {
            "name": self.name,
            "changes": self.changes,
            "scores": [score.to_json() for score in self.scores],
            "recall": [score.to_json() for score in self.recall],
            "losses": self.losses,
            "minutes": [round(minutes, 2) for minutes in self.minutes],
            "predictions": self.predictions,
            "n_parameters": self.n_parameters,
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
    rows = {name: Row(name, file.rows[name]) for name in configs}
    questions = _require_answers(configs)
    asked = [Texts.find(DataConfig(eval=path), ("eval",)).config for path in file.predict]
    elsewhere, trained_on = 0, ""
    options = TrainingOptions(device=device)
    for name, config, place, pretraining in _runs(configs, seeds or file.seeds, folder):
        reporter.note(f"row {name!r}, seed {config.seed}: {place}")
        finetuning = (config, place / "finetune")
        try:
            both = pretrain_and_finetune(pretraining, finetuning, options, reporter)
        except BusyError as error:
            reporter.note(f"left to another process: {error}")
            elsewhere += 1
            continue
        trained_on = f"{both[1].device}, {both[1].precision}"
        _add(rows[name], place / "finetune", both, device, reporter)
        rows[name].predictions += [
            evaluate(place / "finetune", data, device, reporter).predictions for data in asked
        ]
    report = SweepReport(str(folder), questions, trained_on, list(rows.values()), elsewhere)
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


def _add(
    row: Row,
    run: Path,
    summaries: tuple[TrainingSummary, TrainingSummary],
    device: str,
    reporter: Reporter,
) -> None:
    """Evaluate a run, and add what it gave to its row."""
    pretraining, finetuning = summaries
    examinee = open_examinee(run, DataConfig(), device, reporter)
    score = examine(examinee, reporter).score
    if score is not None and examinee.training is not None and pretraining.loss is not None:
        recalled = examinee.ask(examinee.training)
        row.scores.append(score)
        row.recall.append(Score(count_right(recalled), len(recalled)))
        row.losses.append(pretraining.loss)
        row.minutes.append((pretraining.seconds + finetuning.seconds) / 60)
    row.n_parameters = finetuning.n_parameters
