"""``nanoknow demo``: the whole experiment on the built-in world, to a table and a picture."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from nanoknow.config.experiment import DataConfig, ExperimentConfig
from nanoknow.data.sources import Texts
from nanoknow.errors import ConfigError
from nanoknow.evaluation.baseline import BaselineResult, baseline
from nanoknow.evaluation.evaluate import evaluate
from nanoknow.evaluation.scores import Score
from nanoknow.experiments.demo_figure import plot_demo
from nanoknow.experiments.pipeline import pretrain_and_finetune, train_or_resume
from nanoknow.runs.folders import runs_folder
from nanoknow.runs.run import Run
from nanoknow.system.files import write_atomically
from nanoknow.system.plain import plain
from nanoknow.system.reporter import Reporter
from nanoknow.training.finetune import finetune
from nanoknow.training.session import TrainingOptions

PRETRAINED, SCRATCH = "pretrained, then finetuned", "finetuned from scratch"


@dataclass(frozen=True)
class DemoReport:
    """What the demo found.

    Attributes:
        folder: of its runs, a folder for each seed.
        scores: by way of training, one for each seed.
        constant: everybody answered with the most frequent training answer.
        seconds: of this sitting.
        picture: accuracies and learning curves.
    """

    folder: str
    scores: dict[str, list[Score]]
    constant: BaselineResult
    seconds: float
    picture: str

    def to_json(self) -> dict[str, Any]:
        """Return it as plain values."""
        return {
            "folder": self.folder,
            "scores": {name: [plain(s) for s in each] for name, each in self.scores.items()},
            "constant": plain(self.constant),
            "seconds": round(self.seconds, 1),
            "picture": self.picture,
        }


def demo(
    config: ExperimentConfig, seeds: int, out: Path | None, device: str, reporter: Reporter
) -> DemoReport:
    """Pretrain, finetune with and without it, evaluate both, and compare with a constant.

    Args:
        config: its own seed is the first one.
        seeds: how many times to do it all, on the same world.
        out: folder for the runs, where an interrupted demo goes on; None for a fresh one.
        device: ``auto``, ``cpu``, ``cuda`` or ``cuda:N``.
        reporter: is told what happens.
    """
    began = time.monotonic()
    stamp = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
    folder = out or runs_folder() / f"{stamp}-demo"
    texts = Texts.find(config.data)
    config = config.model_copy(update={"data": texts.config})
    if not texts.require_eval().answered:
        raise ConfigError(f"{texts.require_eval().name}: the demo needs questions with answers")
    options = TrainingOptions(device=device)
    scores: dict[str, list[Score]] = {PRETRAINED: [], SCRATCH: []}
    for seed in range(config.seed, config.seed + seeds):
        place = folder / f"seed-{seed}"
        seeded = config.model_copy(update={"seed": seed})
        reporter.note(f"seed {seed}: finetuning on questions from scratch")
        start = partial(finetune, seeded, None)
        train_or_resume(start, seeded, place / "scratch", options, reporter)
        reporter.note(f"seed {seed}: pretraining on the biographies, then finetuning on questions")
        stages = (seeded, place / "pretrain"), (seeded, place / "finetune")
        pretrain_and_finetune(*stages, options, reporter)
        for name, run in ((PRETRAINED, "finetune"), (SCRATCH, "scratch")):
            score = evaluate(place / run, DataConfig(), device, reporter).score
            if score is not None:
                scores[name].append(score)
    constant = baseline(config.data, None)
    picture = folder / "demo.png"
    _plot(folder / f"seed-{config.seed}", scores, constant, picture)
    report = DemoReport(str(folder), scores, constant, time.monotonic() - began, str(picture))
    write_atomically(folder / "demo.json", json.dumps(report.to_json(), indent=1).encode())
    return report


def _plot(
    first: Path, scores: dict[str, list[Score]], constant: BaselineResult, picture: Path
) -> None:
    """Draw the accuracies of all seeds and the curves of the first."""
    bars = [(name, [s.accuracy for s in each]) for name, each in scores.items()]
    bars.append((f"everybody: {constant.answer}", [constant.score.accuracy]))
    curves = {
        name: [
            (float(m["epoch"]), float(m["accuracy"]))
            for m in Run.open(first / run).metrics()
            if m["kind"] == "accuracy"
        ]
        for name, run in ((PRETRAINED, "finetune"), (SCRATCH, "scratch"))
    }
    losses = [
        (float(m["epoch"]), float(m["loss"]))
        for m in Run.open(first / "pretrain").metrics()
        if m["kind"] == "epoch"
    ]
    plot_demo(picture, bars, {"pretraining": losses}, curves)
