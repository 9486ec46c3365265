"""A resumed run is the uninterrupted one, bit for bit."""

import shutil
import signal
from collections.abc import Callable
from functools import cache
from itertools import cycle, product
from pathlib import Path
from typing import Any

import pytest
import torch

from nanoknow.config.experiment import ExperimentConfig
from nanoknow.errors import Interrupted
from nanoknow.runs.finding import open_checkpoint
from nanoknow.runs.run import START_END, Run
from nanoknow.system.reporter import Reporter
from nanoknow.training.resume import resume_run
from nanoknow.training.session import TrainingOptions
from nanoknow.training.start import start_run
from nanoknow.training.train import after_pretraining
from tests.helpers.checkpoints import CONFIGS, CPU, assert_same
from tests.helpers.faults import AtStep
from tests.helpers.silent import Silent
from tests.helpers.small_runs import ONE_STEP, OPTIONS
from tests.helpers.training import LIVES, QUESTIONS

Start = Callable[[Path, TrainingOptions, Reporter], object]
Stop = Callable[[Start, Path], None]
Whole = Callable[[str], Run]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("data")
    asked = [f"{question}\t{place}" for question, place in QUESTIONS]
    files = {"corpus": ["Where was a born?", *LIVES], "questions": asked[:7], "eval": asked[7:]}
    paths = {role: folder / f"{role}.txt" for role in files}
    for role, lines in files.items():
        paths[role].write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return paths


def config_of(variant: str, data: dict[str, Path]) -> ExperimentConfig:
    stage = {"epochs": 4, "batch_size": 5, "log_every": 1, "optimizer": {"learning_rate": 1e-2}}
    return ExperimentConfig.model_validate(
        {
            "seed": 11,
            "precision": "float32",
            "data": data,
            "model": CONFIGS[variant].model_dump(),
            "pretrain": stage,
            "finetune": {**stage, "evaluate_every": 1},
        }
    )


def stop_by_minutes(start: Start, out: Path) -> None:
    start(out, ONE_STEP, Silent())
    assert Run.open(out).latest().record.progress["step"] == 1


def stop_by_signal(start: Start, out: Path) -> None:
    reporter = AtStep(4, lambda: signal.raise_signal(signal.SIGTERM))
    with pytest.raises(Interrupted, match="stopped at step 4 and saved") as caught:
        start(out, OPTIONS, reporter)
    assert str(caught.value).endswith(f" --resume --out {out}'")
    assert caught.value.exit_code == 128 + signal.SIGTERM
    assert Run.open(out).latest().record.progress["step"] == 4


def stop_by_crash(start: Start, out: Path) -> None:
    def crash() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        start(out, OPTIONS, AtStep(5, crash))
    assert Run.open(out).latest().record.progress["step"] == 0
    assert any(m.get("step") == 5 for m in Run.open(out).metrics())


def assert_runs_are_equal(first: Run, second: Run) -> None:
    """Bit for bit: weights, optimizer, random state, place, and what was recorded on the way."""
    one, other = first.latest(), second.latest()
    assert_same(one.load_model(CPU).state_dict(), other.load_model(CPU).state_dict())
    assert_same(one.load_training_state(), other.load_training_state())
    assert one.record.progress == other.record.progress
    assert events_of(first) == events_of(second)


def events_of(run: Run) -> list[dict[str, Any]]:
    return [
        {key: value for key, value in event.items() if key != "seconds"}
        for event in run.metrics()
        if event["kind"] not in START_END
    ]


def check_resume(
    start: Start, stop: Stop, whole: Run, cut: Path, kinds: set[str], steps: int
) -> None:
    stop(start, cut)
    # a second sitting that stops in the middle of an epoch too, and a third to the end
    resume_run(Run.open(cut), ONE_STEP, Silent())
    summary = resume_run(Run.open(cut), OPTIONS, Silent())
    events = events_of(whole)
    assert {event["kind"] for event in events} == kinds
    assert [event["step"] for event in events if event["kind"] == "step"] == [*range(1, steps + 1)]
    assert (summary.epochs, summary.step) == (4, steps)
    assert_runs_are_equal(whole, Run.open(cut))


STOPS = (stop_by_minutes, stop_by_signal, stop_by_crash)
WAYS = [*product(["vanilla"], STOPS), *zip([*CONFIGS][1:], cycle(STOPS), strict=False)]
"""Every stop, and every model; a stop knows nothing of the model."""
each_way = pytest.mark.parametrize(("variant", "stop"), WAYS)


@pytest.fixture(scope="module")
def pretrained(data: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Whole:
    """The uninterrupted run of each variant."""
    folder = tmp_path_factory.mktemp("pretrained")

    @cache
    def of(variant: str) -> Run:
        start_run("pretrain", config_of(variant, data), folder / variant, OPTIONS, Silent())
        return Run.open(folder / variant)

    return of


@pytest.fixture(scope="module")
def finetuned(
    data: dict[str, Path], pretrained: Whole, tmp_path_factory: pytest.TempPathFactory
) -> Whole:
    """The same, finetuned."""
    folder = tmp_path_factory.mktemp("finetuned")

    @cache
    def of(variant: str) -> Run:
        run, source = open_checkpoint(pretrained(variant).path)
        config = after_pretraining(run, source, config_of(variant, data))
        start_run("finetune", config, folder / variant, OPTIONS, Silent(), source)
        return Run.open(folder / variant)

    return of


@each_way
def test_resumed_pretraining_equals_the_uninterrupted_bit_for_bit(
    variant: str, stop: Stop, data: dict[str, Path], pretrained: Whole, tmp_path: Path
) -> None:
    config = config_of(variant, data)

    def start(out: Path, options: TrainingOptions, reporter: Reporter) -> object:
        return start_run("pretrain", config, out, options, reporter)

    check_resume(start, stop, pretrained(variant), tmp_path / "cut", {"step", "epoch"}, steps=12)


@each_way
def test_resumed_finetuning_equals_the_uninterrupted_bit_for_bit(
    variant: str,
    stop: Stop,
    data: dict[str, Path],
    pretrained: Whole,
    finetuned: Whole,
    tmp_path: Path,
) -> None:
    run, source = open_checkpoint(pretrained(variant).path)
    config = after_pretraining(run, source, config_of(variant, data))

    def start(out: Path, options: TrainingOptions, reporter: Reporter) -> object:
        return start_run("finetune", config, out, options, reporter, source)

    kinds = {"step", "epoch", "accuracy"}
    check_resume(start, stop, finetuned(variant), tmp_path / "cut", kinds, steps=8)


def test_a_run_that_is_done_resumes_to_itself(pretrained: Whole, tmp_path: Path) -> None:
    whole = pretrained("vanilla")
    before = events_of(whole)
    epochs = [event for event in before if event["kind"] == "epoch"]
    run = Run.open(Path(shutil.copytree(whole.path, tmp_path / "run")))
    again = resume_run(run, OPTIONS, Silent())
    assert (again.step, again.epochs, again.loss) == (12, 4, epochs[-1]["loss"])
    assert events_of(Run.open(run.path)) == before


def test_dropout_makes_the_random_state_matter(
    pretrained: Whole, data: dict[str, Path], tmp_path: Path
) -> None:
    """Without the saved random state a resumed run would differ, so equality above says much."""
    dry = config_of("vanilla", data)
    dry = dry.model_copy(update={"model": dry.model.model_copy(update={"dropout": 0.0})})
    start_run("pretrain", dry, tmp_path / "dry", OPTIONS, Silent())
    wet = pretrained("vanilla").latest().load_model(CPU).state_dict()
    weights = Run.open(tmp_path / "dry").latest().load_model(CPU).state_dict()
    assert not torch.equal(wet["head.linear.weight"], weights["head.linear.weight"])
