"""Kill training at random moments, resume it, and compare with a run never interrupted.

``python -m tests.tools.kill --kills 100`` (``make kill``) pretrains and finetunes small models of
each variant in processes of their own, which checkpoint after every step and are killed by SIGKILL.
After each kill the last checkpoint has to load; once a run is through, its weights, its training
state and its metrics have to be those of the uninterrupted run, byte for byte. The moments follow
from ``--seed``; what training is at then is up to the machine, and is counted.
"""

import argparse
import multiprocessing
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

# Before torch is imported: a process that has started threads cannot be forked safely.
os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", MKL_NUM_THREADS="1")

import torch

from nanoknow.config.experiment import ExperimentConfig, OptimizerConfig
from nanoknow.models.registry import build_model
from nanoknow.runs.finding import open_checkpoint
from nanoknow.runs.folders import list_checkpoints
from nanoknow.runs.run import START_END, Run
from nanoknow.system.device import choose_device
from nanoknow.training.optimizer import build_optimizers
from nanoknow.training.resume import resume_run
from nanoknow.training.start import start_run
from nanoknow.training.train import after_pretraining
from tests.helpers.silent import Silent
from tests.helpers.small_runs import OPTIONS
from tests.helpers.training import LIVES, QUESTIONS

SIZES = {"n_layers": 3, "n_heads": 2, "d_model": 16, "block_size": 32, "dropout": 0.1}
MODELS: dict[str, dict[str, Any]] = {
    "vanilla": {"variant": "vanilla", **SIZES},
    "perceiver": {"variant": "perceiver", "bottleneck_dim": 9, **SIZES},
}
EVERY_STEP = 1e-9
"""Minutes between checkpoints."""
LIMIT = 60.0
"""Seconds after which a process that nobody kills is stuck."""
SHARE = 0.5
"""Of the time that the longest run takes: the latest moment of a kill."""


@dataclass(frozen=True)
class Case:
    """A run to kill: how it is started in a folder, and the one that nobody killed."""

    name: str
    start: Callable[[Path], object]
    whole: Run


def warm_up() -> None:
    """Import what torch imports late, so that its children need not.

    It computes no gradients: once that is done, torch does none in a forked process.
    """
    model = ExperimentConfig.model_validate({"model": MODELS["vanilla"]}).model
    build_optimizers(build_model(model, 8, torch.Generator().manual_seed(0)), OptimizerConfig())


def exit_code(seconds: float, work: Callable[..., object], *arguments: object) -> int | None:
    """Work in a forked process, killed after so long; return how it ended."""
    process = multiprocessing.get_context("fork").Process(target=work, args=arguments)
    process.start()
    process.join(seconds)
    process.kill()
    process.join()
    return process.exitcode


def start(config: ExperimentConfig, source: Path | None, out: Path) -> object:
    """Pretrain, or finetune what was pretrained in the source."""
    if source is None:
        return start_run("pretrain", config, out, OPTIONS, Silent())
    run, checkpoint = open_checkpoint(source)
    config = after_pretraining(run, checkpoint, config)
    return start_run("finetune", config, out, OPTIONS, Silent(), checkpoint)


def make_cases(folder: Path) -> tuple[list[Case], float]:
    """Write the data, train each case uninterrupted, and return the seconds of the longest."""
    asked = ["\t".join(pair) for pair in QUESTIONS]
    texts = {"corpus": ["Where was a born?", *LIVES], "questions": asked[:7], "eval": asked[7:]}
    for role, lines in texts.items():
        (folder / role).write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    cases, longest = [], 0.0
    for variant, model in MODELS.items():
        stage = {"batch_size": 5, "log_every": 1, "checkpoint_minutes": EVERY_STEP}
        config = ExperimentConfig.model_validate(
            {
                "seed": 11,
                "precision": "float32",
                "data": {role: folder / role for role in texts},
                "model": model,
                "pretrain": {**stage, "epochs": 14},
                "finetune": {**stage, "epochs": 16, "evaluate_every": 4},
            }
        )

        pretrained = folder / f"{variant}-pretrain"
        for name, source in (("pretrain", None), ("finetune", pretrained)):
            out = folder / f"{variant}-{name}"
            began = time.monotonic()
            if code := exit_code(LIMIT, start, config, source, out):
                raise SystemExit(f"a process that was left alone ended with {code}")
            longest = max(longest, time.monotonic() - began)
            cases.append(Case(f"{name} {variant}", partial(start, config, source), Run.open(out)))
    return cases, longest


def go_on(case: Case, out: Path) -> object:
    """Resume a run, or start it where it was killed before its first checkpoint."""
    if list_checkpoints(out / "checkpoints"):
        return resume_run(Run.open(out), OPTIONS, Silent())
    shutil.rmtree(out, ignore_errors=True)
    return case.start(out)


def moment(out: Path) -> str:
    """Tell from what lies about what a killed process was at."""
    checkpoints = out / "checkpoints"
    if not list_checkpoints(checkpoints):
        return "before the first checkpoint"
    if list(checkpoints.glob(".*")):
        return "within a save"
    broken = [p for p in list_checkpoints(checkpoints) if len(list(p.iterdir())) < 3]
    return "within the removal of an old checkpoint" if broken else "between two saves"


def kill_until_through(case: Case, out: Path, chance: random.Random, span: float) -> Iterator[str]:
    """Kill a run and resume it until it is through; check and yield what is there each time."""
    saved, latest = -1, span * SHARE
    while True:
        code = exit_code(chance.uniform(0.0, latest), go_on, case, out)
        if code == 0:
            return
        if code != -signal.SIGKILL:
            raise SystemExit(f"{case.name}: ended with {code} instead of going on")
        yield moment(out)
        if list_checkpoints(out / "checkpoints"):
            last = Run.open(out).latest()
            last.load_model(choose_device("cpu", "float32"))
            last.load_training_state()
            step = int(last.record.progress["step"])
            # A machine that has become slower must not kill for ever before the next step.
            saved, latest = step, span * SHARE if step > saved else latest * 1.5
        else:
            latest *= 1.5


def events(run: Run) -> list[dict[str, Any]]:
    """Return what a run recorded, times aside."""
    return [
        {key: value for key, value in event.items() if key != "seconds"}
        for event in run.metrics()
        if event["kind"] not in START_END
    ]


def differences(whole: Run, killed: Run) -> list[str]:
    """Name what is not the same in two runs, byte for byte."""
    one, other = whole.latest(), killed.latest()
    found = [] if one.path.name == other.path.name else ["the last step"]
    found += [
        name
        for name in ("model.safetensors", "training.safetensors")
        if (one.path / name).read_bytes() != (other.path / name).read_bytes()
    ]
    found += [] if events(whole) == events(killed) else ["metrics.jsonl"]
    left = [*killed.path.glob(".*"), *killed.checkpoints.glob(".*")]
    return found + [f"{path.name} is left over" for path in left]


def main() -> None:
    """Kill so often, say what was found, and exit with 1 at the first difference."""
    parser = argparse.ArgumentParser(prog="python -m tests.tools.kill", description=__doc__)
    parser.add_argument("--kills", type=int, default=100, help="at least so many")
    parser.add_argument("--seed", type=int, default=0, help="of the moments")
    asked = parser.parse_args()
    chance, began = random.Random(asked.seed), time.monotonic()
    moments: Counter[str] = Counter()
    runs = 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        warm_up()
        cases, span = make_cases(folder)
        while moments.total() < asked.kills or runs % len(cases):
            case = cases[runs % len(cases)]
            out = folder / f"killed-{runs}"
            moments.update(kill_until_through(case, out, chance, span))
            if found := differences(case.whole, Run.open(out)):
                raise SystemExit(f"{case.name}, after {moments.total()} kills: {', '.join(found)}")
            runs += 1
            shutil.rmtree(out)
    counted = ", ".join(f"{n} {what}" for what, n in moments.most_common())
    sys.stdout.write(
        f"{moments.total()} kills ({counted}) in {runs} runs "
        f"({', '.join(case.name for case in cases)}): every last checkpoint loaded, every run "
        f"ended as the uninterrupted one, byte for byte; "
        f"{time.monotonic() - began:.0f} s\n"
    )


if __name__ == "__main__":
    main()
