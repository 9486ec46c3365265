"""Weights and outputs that are not finite: never saved, never a score, text or picture."""

import shutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from torch import Tensor

import nanoknow
from nanoknow.attention.trace import trace_answer
from nanoknow.config.experiment import SampleConfig
from nanoknow.config.models import ModelConfig
from nanoknow.errors import NonFiniteError
from nanoknow.generation.beam import search_beams
from nanoknow.generation.decoding import decode_greedily
from nanoknow.generation.sample import sample_text
from nanoknow.models.base import CharacterModel
from nanoknow.models.registry import build_model
from nanoknow.runs.checkpoint import save_checkpoint
from nanoknow.runs.run import Run
from tests.helpers.cli import commands_with, kinds_of, refuse
from tests.helpers.decoding import TOKENIZER, scrambled
from tests.helpers.faults import AtStep
from tests.helpers.refused import refused
from tests.helpers.silent import Silent
from tests.helpers.small_runs import ONE_STEP, OPTIONS, SmallRun, steps_of
from tests.helpers.textbook_twins import CONFIGS
from tests.helpers.training import CPU

END, MINUTES, SIGNAL, CLOCK = "end", "minutes", "signal", "clock"


def ruin_step(small: SmallRun) -> None:
    """Train with a rate at which the first step ruins the model."""
    huge = small.config.pretrain.optimizer.model_copy(update={"learning_rate": 1e38})
    now = small.config.pretrain.schedule.model_copy(update={"warmup_tokens": 0})
    small.change_stage(optimizer=huge, schedule=now, batch_size=5)


@pytest.mark.parametrize("why", [END, MINUTES, SIGNAL, CLOCK])
def test_a_step_that_ruins_the_model_is_not_saved_whatever_it_would_be_saved_for(
    small: SmallRun, why: str
) -> None:
    ruin_step(small)
    small.change_stage(epochs=1 if why == END else 2)
    if why == CLOCK:
        small.change_stage(checkpoint_minutes=1e-9)
    reporter = AtStep(1, lambda: signal.raise_signal(signal.SIGTERM)) if why == SIGNAL else Silent()
    options = ONE_STEP if why == MINUTES else OPTIONS
    message = refused(NonFiniteError, small.start, reporter, options)
    assert message.startswith(
        f"{small.path}: step 1 is not saved, and step 0 is the last good checkpoint: weights or "
        f"outputs are not finite"
    )
    assert steps_of(small.run) == [1]  # its loss and gradient were finite
    assert small.run.latest().record.progress["step"] == 0


def ruin_outputs(weights: dict[str, Tensor]) -> None:
    """Leave weights finite, and nothing that they give."""
    for value in weights.values():
        if value.dim() > 1:
            value.mul_(3e38 / value.abs().max())


def ruin_one_weight(weights: dict[str, Tensor]) -> None:
    """Leave the outputs of most texts finite."""
    weights["embedding.token.weight"][-1, -1] = torch.inf


def ruin(path: str | Path, how: Callable[[dict[str, Tensor]], None]) -> Path:
    """Save a further step of a run as a release did that did not look at it."""
    opened = Run.open(Path(path))
    last = opened.latest()
    step = int(last.record.progress["step"]) + 1
    record = last.record.model_copy(update={"progress": {**last.record.progress, "step": step}})
    weights = {k: v.clone() for k, v in last.load_model(CPU).state_dict().items()}
    how(weights)
    return save_checkpoint(opened.checkpoints, record, weights, last.load_training_state())


QUESTION = "Where was Ada Lowe born?"
COMMANDS: dict[str, list[list[str]]] = {
    "pretrain": [["pretrain", "--resume", "--out", "runs/vanilla"]],
    "finetune": [
        ["finetune", "--from", "runs/vanilla", "--questions", "birth_places_train.tsv"],
        ["finetune", "--resume", "--out", "runs/answers"],
    ],
    "evaluate": [
        ["evaluate", "runs/answers"],
        ["evaluate", "runs/answers", "--report", "page.html"],
    ],
    "compare": [["compare", "runs/answers", "runs/other"]],
    "ask": [["ask", QUESTION, "--run", "runs/answers"]],
    "play": [["play", "--run", "runs/answers", "--port", "0"]],
    "why": [["why", QUESTION, "--run", "runs/answers"]],
    "attention": [["attention", "runs/answers", "--question", QUESTION]],
    "sample": [
        ["sample", "runs/play", "--length", "5"],
        ["sample", "runs/play", "--length", "5", "--weights", "int8"],
    ],
    "export": [["export", "runs/vanilla", "--out", "out"]],
    "plot": [],  # reads metrics alone
}
"""Every command that opens a run, and how."""


@pytest.fixture(params=[ruin_outputs, ruin_one_weight])
def ruined(home: Path, request: pytest.FixtureRequest) -> Iterator[Path]:
    """A home whose runs each have one more checkpoint, which is not finite."""
    runs = home / "runs"
    shutil.copytree(runs, home / "intact")
    shutil.copytree(runs / "answers", runs / "other")
    for name in ("vanilla", "play", "answers"):
        ruin(runs / name, request.param)
    yield home
    shutil.rmtree(runs)
    (home / "intact").rename(runs)


def test_every_command_names_the_checkpoint_that_is_not_finite(ruined: Path) -> None:
    opens_runs = commands_with(lambda p: "RUN" in (p.metavar or "") or p.name == "resume")
    assert set(COMMANDS) == opens_runs
    for command in [each for several in COMMANDS.values() for each in several]:
        line = refuse(*command)
        named = next(word for word in command if word.startswith("runs/"))
        assert f"error: {named}/checkpoints/step-" in line, command
        assert "weights or outputs are not finite (NaN or inf): take an earlier" in line
        assert not list(Path("runs").glob("*/predictions"))
    assert not list(Path("runs").glob("2*"))  # finetuning made no folder


def test_from_python_it_is_refused_too_and_the_checkpoint_before_it_opens(ruined: Path) -> None:
    message = refused(NonFiniteError, lambda: nanoknow.load("runs/answers", "cpu"))
    assert message.startswith("runs/answers/checkpoints/step-")
    before = min(Path("runs/answers/checkpoints").iterdir())
    assert isinstance(nanoknow.load(before, "cpu").answer(QUESTION), str)


def test_accuracy_of_a_ruined_model_is_not_recorded(home: Path) -> None:
    steep = ["scratch.optimizer.learning_rate=1e38", "scratch.schedule.warmup_tokens=0"]
    line = refuse(
        "finetune", "--from", "scratch", "--corpus", "wiki.txt", "--questions",
        "birth_places_train.tsv", "--eval", "birth_dev.tsv", "--epochs", "1",
        *(f"--set={each}" for each in [*steep, "scratch.evaluate_every=1"]), "--out", "runs/steep",
    )  # fmt: skip
    assert "runs/steep: step 1 is not saved, and step 0 is the last good checkpoint: " in line
    assert kinds_of("runs/steep", "accuracy") == []


def greedy(model: CharacterModel) -> object:
    return decode_greedily(model, [TOKENIZER.encode("ab")], TOKENIZER.mask_id, 4)


def beams(model: CharacterModel) -> object:
    return search_beams(model, TOKENIZER.encode("ab"), TOKENIZER.mask_id, 4, 2)


def sampled(model: CharacterModel) -> object:
    return drawn(model, length=4, top_k=3)


def drawn(model: CharacterModel, **how: float | None) -> list[str]:
    config = SampleConfig.model_validate({"context": "ab", **how})
    return list(sample_text(model, TOKENIZER, config, torch.Generator().manual_seed(0)))


def traced(model: CharacterModel) -> object:
    return trace_answer(model, TOKENIZER.encode("ab"), TOKENIZER.mask_id, 4)


@pytest.mark.parametrize("config", CONFIGS[:2], ids=repr)
@pytest.mark.parametrize("write", [greedy, beams, sampled, traced])
@pytest.mark.parametrize("value", [torch.nan, torch.inf])
def test_outputs_that_are_not_finite_for_one_text_are_never_written(
    config: ModelConfig, write: Callable[[CharacterModel], object], value: float
) -> None:
    model = scrambled(config)
    write(model)
    model.origin = "runs/mine"
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.shape[0] == model.vocab_size:
                parameter[TOKENIZER.encode("b")] = value
    message = refused(NonFiniteError, lambda: write(model))
    assert message.startswith("runs/mine: weights or outputs are not finite")


@pytest.mark.parametrize("temperature", [5e-324, 1e-45, 1e-39, 1e38, 1.7e308])
def test_no_temperature_makes_probabilities_that_are_none(temperature: float) -> None:
    model = scrambled(CONFIGS[0])
    written = drawn(model, length=8, temperature=temperature, top_k=None)
    assert len(written) == 8
    if temperature < 1:
        assert written == drawn(model, length=8, top_k=1)


def test_a_weight_that_is_not_finite_counts_where_no_text_shows_it() -> None:
    n_characters = CONFIGS[0].block_size + 1  # one more than a text has
    model = build_model(CONFIGS[0], n_characters, torch.Generator().manual_seed(0))
    model.require_sound()
    with torch.no_grad():
        model.get_parameter("embedding.token.weight")[-1, 0] = torch.inf
    refused(NonFiniteError, model.require_sound)
