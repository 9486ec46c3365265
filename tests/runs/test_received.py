"""A run that somebody else has sealed, of whatever: every command says so in a line."""

import hashlib
import itertools
import json
import re
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load, save
from torch import Tensor

from nanoknow.errors import CheckpointError
from nanoknow.runs.finding import newest_run, next_number, open_checkpoint
from nanoknow.runs.records import LATEST
from nanoknow.runs.run import Run
from nanoknow.training.trainer import Trainer
from tests.helpers.checkpoints import CPU, sealed
from tests.helpers.cli import json_of, record_of, refuse
from tests.helpers.refused import refused
from tests.helpers.training import VANILLA, Watched, fresh_model, stage, trainer_on

RUN = "runs/received"
SECONDS = 20.0
"""More than any refusal takes, on a busy machine too."""
Change = Callable[[dict[str, Any]], object]
MODEL, TRAINING = "model.safetensors", "training.safetensors"


@pytest.fixture
def received(home: Path) -> Path:
    """A copy of a run, to be made into nonsense."""
    shutil.rmtree(RUN, ignore_errors=True)
    return Path(shutil.copytree("runs/answers", home / RUN))


def last(run: Path) -> Path:
    return max((run / "checkpoints").iterdir())


def change_record(run: Path, change: Change) -> None:
    file = last(run) / "checkpoint.json"
    content = json.loads(file.read_bytes())["content"]
    change(content)
    file.write_bytes(sealed(content))


def change_tensors(run: Path, name: str, change: Callable[[dict[str, Tensor]], object]) -> None:
    file = last(run) / name
    tensors = load(file.read_bytes())
    change(tensors)
    raw = save(tensors)
    file.write_bytes(raw)
    change_record(run, lambda c: c["files"].update({name: hashlib.sha256(raw).hexdigest()}))


def of_size(**sizes: object) -> Change:
    """Give a model another size, in both places where it stands."""

    def change(content: dict[str, Any]) -> None:
        content["model"].update(sizes)
        content["config"]["model"].update(sizes)

    return change


SEALED: dict[str, tuple[Change, str]] = {
    "no progress": (lambda c: c.update(progress={}), "progress: must be counts of what was done"),
    "less than no step": (lambda c: c["progress"].update(step=-1), "progress: must be counts"),
    "half a step": (lambda c: c["progress"].update(step=0.5), "progress: must be counts"),
    "a step that is a text": (lambda c: c["progress"].update(step="x"), "progress.step"),
    "a billion layers": (of_size(n_layers=10**9), "model.n_layers: must be 1000 or less"),
    "more layers than tensors": (of_size(n_layers=1000), "one of 1000 in a perceiver"),
    "a width beyond all": (of_size(d_model=2**62), "model.d_model: must be 65536 or less"),
    "a wide model": (of_size(d_model=65536), "model.safetensors: "),
    "a model twice": (lambda c: c["model"].update(dropout=0.5), "config.model: must be the model"),
    "a character twice": (
        lambda c: c.update(vocabulary=c["vocabulary"][:-1] + c["vocabulary"][0]),
        "vocabulary: must have each character once",
    ),
    "no marks": (lambda c: c.update(vocabulary=c["vocabulary"][::-1]), "the marks of its task"),
    "a list": (lambda c: c.update(vocabulary=["ab", "c"]), "vocabulary: must be text"),
    "more characters": (lambda c: c.update(vocabulary=c["vocabulary"] + "Ω"), "safetensors: "),
    "another precision": (lambda c: c.update(precision="int1"), "precision: unknown 'int1'"),
    "texts without names": (lambda c: c["data"].update(corpus={}), "data: must be texts"),
    "another task": (lambda c: c.update(task={"kind": "span_corruption"}), "says otherwise"),
    "less than no time": (lambda c: c.update(seconds=-1), "seconds: must be 0 or more"),
}


@pytest.mark.parametrize("nonsense", SEALED)
def test_sealed_nonsense_is_refused_by_file_and_key_before_a_model_is_built(
    received: Path, nonsense: str
) -> None:
    change, says = SEALED[nonsense]
    change_record(received, change)
    began = time.monotonic()
    line = refused(CheckpointError, lambda: open_checkpoint(received)[1].load_model(CPU))
    assert line.startswith(str(last(received)))
    assert says in line
    assert ": : " not in line
    assert time.monotonic() - began < SECONDS


WEIGHT = "head.ln.bias"
TENSORS: dict[str, Callable[[dict[str, Tensor]], object]] = {
    "of another type": lambda t: t.update({WEIGHT: t[WEIGHT].double()}),
    "whole numbers": lambda t: t.update({WEIGHT: t[WEIGHT].long()}),
    "of another shape": lambda t: t.update({WEIGHT: t[WEIGHT][None]}),
    "missing": lambda t: t.pop(WEIGHT),
    "one more": lambda t: t.update({"head.ln.more\n": t[WEIGHT].clone()}),
    "none": lambda t: t.clear(),
}


@pytest.mark.parametrize("what", TENSORS)
def test_weights_that_are_not_the_models_are_named(received: Path, what: str) -> None:
    change_tensors(received, MODEL, TENSORS[what])
    line = refused(CheckpointError, lambda: open_checkpoint(received)[1].load_model(CPU))
    assert line.startswith(f"{last(received) / MODEL}: ")
    assert what == "none" or "head.ln." in line


STEP, MEAN = f"optimizer.step.{WEIGHT}", f"optimizer.exp_avg.{WEIGHT}"
STATES: dict[str, Callable[[dict[str, Tensor]], object]] = {
    "no random state": lambda t: t.pop("random.cpu"),
    "a random state of another size": lambda t: t.update({"random.cpu": t["random.cpu"][:9]}),
    "a random state of zeros": lambda t: t.update({"random.cpu": t["random.cpu"] * 0}),
    "half of a weight's": lambda t: t.pop(MEAN),
    "of another type": lambda t: t.update({MEAN: t[MEAN].double()}),
    "of another shape": lambda t: t.update({MEAN: t[MEAN][None]}),
    "less than no step": lambda t: t.update({STEP: -t[STEP]}),
    "no step": lambda t: t.update({STEP: t[STEP] * 0}),
    "of no weight": lambda t: t.update({"optimizer.step.more": torch.tensor(1.0)}),
    "of no optimizer": lambda t: t.update({"optimizer.x": torch.tensor(1.0)}),
}


@pytest.fixture(scope="module")
def trained() -> tuple[Trainer, dict[str, Tensor], dict[str, int | float]]:
    """A training, and its state after some steps."""
    first, second = (trainer_on(Watched(), stage(), fresh_model(VANILLA)) for _ in range(2))
    assert len(list(itertools.islice(first.steps(), 2))) == 2
    return second, *first.state()


@pytest.mark.parametrize("what", STATES)
def test_a_state_that_is_not_the_trainings_is_not_restored(
    trained: tuple[Trainer, dict[str, Tensor], dict[str, int | float]], what: str
) -> None:
    trainer, whole, progress = trained
    tensors = dict(whole)
    trainer.restore(tensors, progress)
    STATES[what](tensors)
    line = refused(CheckpointError, trainer.restore, tensors, progress)
    assert line.startswith(f"{TRAINING} of {trainer.model.origin}: ")


def test_a_command_names_the_file_of_a_state_that_is_not_its_trainings(received: Path) -> None:
    change_tensors(received, TRAINING, STATES["no random state"])
    line = refuse("finetune", "--resume", "--out", RUN, "--epochs", "9")
    assert f"{TRAINING} of {last(Path(RUN))}: " in line


RECORDS: dict[str, dict[str, Any]] = {
    "made at no date": {"created": "x"},
    "made before all dates": {"created": "0001-01-01"},
    "made after them": {"created": "9999-12-31T23:59:59-14:00"},
    "less than nothing": {"number": -1},
    "beyond all numbers": {"number": 2**62},
    "of no task": {"task": "x"},
    "of no model": {"variant": "x"},
    "of no text": {"data": {"corpus": {"name": "x"}}},
    "started from NUL": {"started_from": "a\0b"},
}


@pytest.mark.parametrize("what", RECORDS)
def test_a_record_of_nonsense_is_refused_and_passed_over(received: Path, what: str) -> None:
    (received / "run.json").write_text(json.dumps({**record_of(RUN), **RECORDS[what]}))
    [key] = RECORDS[what]
    assert f"{RUN}/run.json: {key}" in refuse("runs", "rm", "--yes", RUN)
    assert RUN not in {run["run"] for run in json_of("runs", "list")["runs"]}
    assert newest_run().path == Path("runs/answers")


def test_the_highest_number_leaves_room_for_the_next_run(received: Path) -> None:
    (received / "run.json").write_text(json.dumps({**record_of(RUN), "number": LATEST}))
    assert next_number() == LATEST


LINES = {
    "of another shape": "[]",
    "empty": "{}",
    "a share that is a text": '{"kind": "accuracy", "accuracy": "1"}',
    "more right than asked": '{"kind": "accuracy", "accuracy": 1, "n_right": 3, "n": 2}',
    "not finite": '{"kind": "epoch", "loss": NaN}',
    "beyond floats": '{"kind": "epoch", "loss": 1e999}',
    "deep": "[" * 100_000,
    "less deep, and read": '{"kind": "x", "y": ' + "[" * 900 + "]" * 900 + "}",
    "beyond float32": '{"kind": "step", "step": 1, "loss": 1e300, "learning_rate": 1}',
    "a rate below zero": '{"kind": "step", "step": 1, "loss": 1, "learning_rate": -1}',
    "long": '{"kind": "x", "y": "' + "y" * 10_000_000 + '"}',
}


@pytest.mark.parametrize("what", LINES)
def test_a_line_of_nonsense_is_named_and_stops_no_list(received: Path, what: str) -> None:
    with (received / "metrics.jsonl").open("a", encoding="utf-8") as file:
        number = len((received / "metrics.jsonl").read_text(encoding="utf-8").splitlines()) + 1
        file.write(f"{LINES[what]}\n")
    line = refused(CheckpointError, lambda: list(Run.open(received).metrics()))
    assert line.startswith(f"{received}/metrics.jsonl:{number}: ")
    assert RUN in {run["run"] for run in json_of("runs", "list")["runs"]}


@pytest.mark.parametrize("name", ["a\0b", "\ud800"])
def test_a_config_that_names_what_no_file_is_called_stops_no_list(
    received: Path, name: str
) -> None:
    config = (received / "config.yaml").read_text(encoding="utf-8")
    changed = re.sub("(?m)^  corpus: .*", lambda _: f"  corpus: {json.dumps(name)}", config)
    (received / "config.yaml").write_text(changed, encoding="utf-8")
    assert f"{RUN}/config.yaml:4: data.corpus: " in refuse("evaluate", RUN)
    assert RUN in {run["run"] for run in json_of("runs", "list")["runs"]}
