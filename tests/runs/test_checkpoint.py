"""Checkpoints come back whole or are refused, and a resumed run is the uninterrupted one."""

from __future__ import annotations

import ast
import hashlib
import json
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

import nanoknow
from nanoknow.config.experiment import ExperimentConfig
from nanoknow.config.models import ModelConfig, PerceiverConfig, VanillaConfig
from nanoknow.config.tasks import SpanCorruptionConfig
from nanoknow.data.tokenizer import Tokenizer
from nanoknow.errors import CheckpointError, Interrupted
from nanoknow.models.base import CharacterModel
from nanoknow.models.registry import build_model
from nanoknow.runs.checkpoint import (
    Checkpoint,
    CheckpointRecord,
    list_checkpoints,
    read_checkpoint,
    save_checkpoint,
)
from nanoknow.runs.run import Run
from nanoknow.system.device import choose_device
from nanoknow.system.reporter import Reporter
from nanoknow.training.finetune import finetune
from nanoknow.training.pretrain import pretrain
from nanoknow.training.resume import resume_run
from nanoknow.training.session import TrainingOptions
from tests.helpers.faults import AtStep, largest_file
from tests.helpers.silent import Silent

SIZES = {"n_layers": 2, "n_heads": 2, "d_model": 16, "block_size": 40, "dropout": 0.1}
CONFIGS: dict[str, ModelConfig] = {
    "vanilla": VanillaConfig.model_validate(SIZES),
    "perceiver": PerceiverConfig.model_validate({**SIZES, "n_layers": 3, "bottleneck_dim": 9}),
    "spread perceiver": PerceiverConfig.model_validate(
        {**SIZES, "n_layers": 3, "bottleneck_dim": 9, "latents": "spread"}
    ),
}
CPU = choose_device("cpu", "float32")
FILES = ("model.safetensors", "training.safetensors", "checkpoint.json")
VOCABULARY = "□⁇\n abcdé→日"

both_models = pytest.mark.parametrize("variant", CONFIGS)
every_file = pytest.mark.parametrize("name", FILES)


def make_record(step: int, config: ModelConfig = CONFIGS["vanilla"]) -> CheckpointRecord:
    return CheckpointRecord(
        version="0.0.1",
        torch="2.13",
        model=config,
        vocabulary=VOCABULARY,
        task=SpanCorruptionConfig(),
        seed=3,
        precision="float32",
        device="a CPU",
        progress={"step": step, "epoch": 1, "batch": 2, "positions": 300, "epoch_loss": 2.25},
        seconds=1.5,
        data={"corpus": {"name": "wiki.txt", "sha256": "ab" * 32}},
    )


def make_model(config: ModelConfig = CONFIGS["vanilla"], seed: int = 0) -> CharacterModel:
    return build_model(config, len(VOCABULARY), torch.Generator().manual_seed(seed))


def make_training() -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(1)
    return {
        "random.cpu": torch.randint(256, (500,), generator=generator).to(torch.uint8),
        "optimizer.step.head.ln.bias": torch.tensor(7.0),
        "optimizer.exp_avg.head.ln.bias": torch.randn(16, generator=generator),
    }


def save(folder: Path, step: int, seed: int = 0) -> Path:
    weights = make_model(seed=seed).state_dict()
    return save_checkpoint(folder, make_record(step), weights, make_training())


def read_file(checkpoint: Path, name: str) -> None:
    """Read what one of the three files holds, as resuming does."""
    found = read_checkpoint(checkpoint)
    if name == "model.safetensors":
        found.load_model(CPU)
    elif name == "training.safetensors":
        found.load_training_state()


def assert_same(first: dict[str, Tensor], second: dict[str, Tensor]) -> None:
    assert first.keys() == second.keys()
    for name, tensor in first.items():
        assert tensor.dtype == second[name].dtype, name
        assert torch.equal(tensor, second[name]), name


@both_models
def test_weights_training_state_and_record_come_back_as_they_were(
    variant: str, tmp_path: Path
) -> None:
    model = make_model(CONFIGS[variant], seed=5)
    record = make_record(12, CONFIGS[variant])
    path = save_checkpoint(tmp_path, record, model.state_dict(), make_training())
    assert path == tmp_path / "step-00000012"
    assert sorted(file.name for file in path.iterdir()) == sorted(FILES)
    found = read_checkpoint(path)
    loaded = found.load_model(CPU)
    assert_same(loaded.state_dict(), model.state_dict())
    assert_same(found.load_training_state(), make_training())
    assert not loaded.training
    assert loaded.config == CONFIGS[variant]
    assert found.record.tokenizer == Tokenizer(VOCABULARY)
    hashes = {name: hashlib.sha256((path / name).read_bytes()).hexdigest() for name in FILES[:2]}
    assert found.record == record.model_copy(update={"files": hashes})


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint with one before it."""
    folder = tmp_path_factory.mktemp("checkpoints")
    save(folder, 5)
    return save(folder, 6)


@contextmanager
def damaged(file: Path, raw: bytes) -> Iterator[None]:
    whole = file.read_bytes()
    assert raw != whole
    file.write_bytes(raw)
    try:
        yield
    finally:
        file.write_bytes(whole)


def assert_refused(checkpoint: Path, name: str) -> None:
    older = checkpoint.with_name("step-00000005")
    with pytest.raises(CheckpointError) as caught:
        read_file(checkpoint, name)
    message = str(caught.value)
    assert message.startswith(f"{checkpoint / name}: damaged: ")
    advice = f"delete {checkpoint} to go on from the one before it, {older.name}"
    assert message.endswith(advice)
    assert "\n" not in message


@every_file
@given(share=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
@settings(derandomize=True, deadline=None, max_examples=60)
def test_a_flipped_bit_anywhere_is_refused(saved: Path, name: str, share: float, bit: int) -> None:
    read_file(saved, name)
    raw = bytearray((saved / name).read_bytes())
    raw[int(share * len(raw))] ^= 1 << bit
    with damaged(saved / name, bytes(raw)):
        assert_refused(saved, name)


def test_every_single_byte_of_the_record_is_guarded(tmp_path: Path) -> None:
    path = save(tmp_path, 1)
    whole = (path / "checkpoint.json").read_bytes()
    spaces = [(i, ord(" ") ^ ord("\t")) for i, byte in enumerate(whole) if byte == ord(" ")]
    for place, change in [*((i, 1) for i in range(len(whole))), *spaces]:
        raw = bytearray(whole)
        raw[place] ^= change
        (path / "checkpoint.json").write_bytes(raw)
        with pytest.raises(CheckpointError, match="damaged"):
            read_checkpoint(path)


@pytest.mark.parametrize("name", FILES[:2])
def test_every_single_byte_of_the_tensors_is_guarded(name: str, tmp_path: Path) -> None:
    tiny = VanillaConfig(n_layers=1, n_heads=1, d_model=4, block_size=8)
    state = {"random.cpu": torch.arange(256, dtype=torch.uint8)}
    weights = make_model(tiny).state_dict()
    path = save_checkpoint(tmp_path, make_record(1, tiny), weights, state)
    found, file = read_checkpoint(path), path / name
    read = found.load_training_state if name == FILES[1] else lambda: found.load_model(CPU)
    read()
    whole = file.read_bytes()
    for place in range(len(whole)):
        raw = bytearray(whole)
        raw[place] ^= 1
        file.write_bytes(raw)
        with pytest.raises(CheckpointError, match="damaged: its bytes are not those"):
            read()


@every_file
@given(share=st.floats(0, 1, exclude_max=True))
@settings(derandomize=True, deadline=None, max_examples=25)
def test_a_cut_file_is_refused(saved: Path, name: str, share: float) -> None:
    whole = (saved / name).read_bytes()
    with damaged(saved / name, whole[: int(share * len(whole))]):
        assert_refused(saved, name)


@every_file
def test_a_lengthened_file_is_refused(saved: Path, name: str) -> None:
    with damaged(saved / name, (saved / name).read_bytes() + b"\0"):
        assert_refused(saved, name)


@every_file
def test_a_missing_file_is_refused(saved: Path, name: str) -> None:
    whole = (saved / name).read_bytes()
    (saved / name).unlink()
    try:
        assert_refused(saved, name)
    finally:
        (saved / name).write_bytes(whole)


@every_file
def test_a_file_of_another_checkpoint_is_refused(name: str, tmp_path: Path) -> None:
    first, second = save(tmp_path / "a", 5, seed=1), save(tmp_path / "b", 5, seed=2)
    if name == "training.safetensors":
        state = {**make_training(), "optimizer.step.head.ln.bias": torch.tensor(8.0)}
        first = save_checkpoint(tmp_path / "a", make_record(5), make_model().state_dict(), state)
    (second / name).write_bytes((first / name).read_bytes())
    touched = "model.safetensors" if name == "checkpoint.json" else name
    with pytest.raises(CheckpointError, match=rf"{touched}: damaged: its bytes are not those"):
        read_file(second, touched)


def test_the_first_checkpoint_has_none_before_it_to_name(tmp_path: Path) -> None:
    path = save(tmp_path, 3)
    save(tmp_path, 4)
    (path / "model.safetensors").write_bytes(b"")
    with pytest.raises(CheckpointError, match=r"model\.safetensors: damaged: .*: train it again$"):
        read_file(path, "model.safetensors")


def reseal(path: Path, change: dict[str, Any]) -> None:
    """Rewrite a record as another version might have written it, with a hash that holds."""
    content = json.loads((path / "checkpoint.json").read_bytes())["content"] | change
    seal = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
    whole = json.dumps({"sha256": seal, "content": content}, ensure_ascii=False)
    (path / "checkpoint.json").write_text(whole, encoding="utf-8")


def test_another_format_is_refused_by_the_version_that_reads_it(tmp_path: Path) -> None:
    path = save(tmp_path, 1)
    reseal(path, {"format": 2, "version": "9.8"})
    with pytest.raises(CheckpointError, match=r"format 2, .* reads 1: use nanoknow 9\.8$"):
        read_checkpoint(path)


def test_a_record_with_a_key_too_many_is_refused(tmp_path: Path) -> None:
    path = save(tmp_path, 1)
    reseal(path, {})
    assert read_checkpoint(path).record.progress["step"] == 1
    reseal(path, {"more": 1})
    with pytest.raises(CheckpointError, match=r"checkpoint\.json: damaged: Extra inputs"):
        read_checkpoint(path)


def test_weights_of_another_model_are_refused_by_name(tmp_path: Path) -> None:
    weights = make_model(CONFIGS["perceiver"]).state_dict()
    path = save_checkpoint(tmp_path, make_record(1), weights, make_training())
    with pytest.raises(
        CheckpointError, match=r"blocks\.1\.\S+ is missing here and .* in a vanilla "
    ):
        read_checkpoint(path).load_model(CPU)


def test_only_the_last_two_checkpoints_are_kept(tmp_path: Path) -> None:
    for step in (0, 1, 9, 10, 123_456_789):
        save(tmp_path, step)
    kept = ["step-00000010", "step-123456789"]
    assert sorted(path.name for path in tmp_path.iterdir()) == kept
    assert [path.name for path in list_checkpoints(tmp_path)] == kept


def test_a_step_saved_again_is_replaced(tmp_path: Path) -> None:
    save(tmp_path, 1)
    path = save(tmp_path, 2, seed=1)
    assert save(tmp_path, 2, seed=2) == path
    assert_same(read_checkpoint(path).load_model(CPU).state_dict(), make_model(seed=2).state_dict())
    assert len(list_checkpoints(tmp_path)) == 2


def test_a_half_written_checkpoint_is_ignored_and_overwritten(tmp_path: Path) -> None:
    path = save(tmp_path, 1)
    partial = tmp_path / ".step-00000002.partial"
    partial.mkdir()
    (partial / "model.safetensors").write_bytes(b"half")
    (partial / "junk").write_bytes(b"")
    assert list_checkpoints(tmp_path) == [path]
    second = save(tmp_path, 2)
    assert not partial.exists()
    assert sorted(file.name for file in second.iterdir()) == sorted(FILES)
    read_file(second, "model.safetensors")


def test_a_folder_without_checkpoints_lists_none(tmp_path: Path) -> None:
    assert list_checkpoints(tmp_path) == list_checkpoints(tmp_path / "absent") == []


@pytest.mark.parametrize("n_bytes", [0, 20_000])
def test_a_full_disk_leaves_what_was_there(n_bytes: int, tmp_path: Path) -> None:
    path = save(tmp_path, 1)
    with largest_file(n_bytes), pytest.raises(CheckpointError) as caught:
        save(tmp_path, 2)
    assert "not saved: " in str(caught.value)
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == [path]
    for name in FILES:
        read_file(path, name)


def test_a_folder_that_cannot_be_made_is_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(CheckpointError) as caught:
        save(tmp_path / "file" / "checkpoints", 1)
    assert "not saved: " in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.fixture
def read_only(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "locked"
    folder.mkdir()
    folder.chmod(0o500)
    if os.access(folder, os.W_OK):
        pytest.skip("this user, root perhaps, cannot be denied")
    yield folder
    folder.chmod(0o700)


def test_a_read_only_folder_is_refused_in_one_line(read_only: Path) -> None:
    with pytest.raises(CheckpointError) as caught:
        save(read_only, 1)
    assert "not saved: Permission denied" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert list(read_only.iterdir()) == []


# Resuming

PEOPLE = ["Ada", "Bo", "Cleo", "Dan", "Eve", "Finn", "Gus", "Hal", "Ines", "Jo", "Kai"]
PLACES = ["Rome", "Oslo", "Bern", "Lima", "Riga"]
Start = Callable[[Path, TrainingOptions, Reporter], object]
Stop = Callable[[Start, Path], None]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("data")
    lives = [f"{p}. Born in {PLACES[i % 5]}, a poet.\n" for i, p in enumerate(PEOPLE)]
    asked = [f"Where was {p} born?\t{PLACES[i % 5]}\n" for i, p in enumerate(PEOPLE)]
    files = {
        "corpus": ["Where was a born?\n", *lives],
        "questions": asked[:7],
        "eval": asked[7:],
    }
    paths = {role: folder / f"{role}.txt" for role in files}
    for role, lines in files.items():
        paths[role].write_text("".join(lines), encoding="utf-8")
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
    start(out, TrainingOptions(device="cpu", max_minutes=0), Silent())
    assert Run.open(out).latest().record.progress["step"] == 1


def stop_by_signal(start: Start, out: Path) -> None:
    reporter = AtStep(4, lambda: signal.raise_signal(signal.SIGTERM))
    with pytest.raises(Interrupted, match="stopped at step 4 and saved") as caught:
        start(out, TrainingOptions(device="cpu"), reporter)
    assert caught.value.exit_code == 128 + signal.SIGTERM
    assert Run.open(out).latest().record.progress["step"] == 4


def stop_by_crash(start: Start, out: Path) -> None:
    def crash() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        start(out, TrainingOptions(device="cpu"), AtStep(5, crash))
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
        if event["kind"] != "start"
    ]


def check_resume(start: Start, stop: Stop, folder: Path, kinds: set[str], steps: int) -> None:
    whole, cut = folder / "whole", folder / "cut"
    start(whole, TrainingOptions(device="cpu"), Silent())
    stop(start, cut)
    # a second sitting that stops in the middle of an epoch too, and a third to the end
    resume_run(Run.open(cut), TrainingOptions(device="cpu", max_minutes=0), Silent())
    summary = resume_run(Run.open(cut), TrainingOptions(device="cpu"), Silent())
    assert (summary.epochs, summary.step) == (4, steps)
    events = events_of(Run.open(whole))
    assert {event["kind"] for event in events} == kinds
    assert [event["step"] for event in events if event["kind"] == "step"] == [*range(1, steps + 1)]
    assert_runs_are_equal(Run.open(whole), Run.open(cut))


each_way = pytest.mark.parametrize("stop", [stop_by_minutes, stop_by_signal, stop_by_crash])


@both_models
@each_way
def test_resumed_pretraining_equals_the_uninterrupted_bit_for_bit(
    variant: str, stop: Stop, data: dict[str, Path], tmp_path: Path
) -> None:
    config = config_of(variant, data)

    def start(out: Path, options: TrainingOptions, reporter: Reporter) -> object:
        return pretrain(config, out, options, reporter)

    check_resume(start, stop, tmp_path, {"step", "epoch"}, steps=12)


@pytest.fixture(scope="module")
def sources(
    data: dict[str, Path], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Checkpoint]:
    """A pretrained run of each variant to finetune."""
    found = {}
    for variant in CONFIGS:
        out = tmp_path_factory.mktemp("pretrained") / variant
        pretrain(config_of(variant, data), out, TrainingOptions(device="cpu"), Silent())
        found[variant] = Run.open(out).latest()
    return found


@both_models
@each_way
def test_resumed_finetuning_equals_the_uninterrupted_bit_for_bit(
    variant: str,
    stop: Stop,
    data: dict[str, Path],
    sources: dict[str, Checkpoint],
    tmp_path: Path,
) -> None:
    config = config_of(variant, data)

    def start(out: Path, options: TrainingOptions, reporter: Reporter) -> object:
        return finetune(config, sources[variant], out, options, reporter)

    check_resume(start, stop, tmp_path, {"step", "epoch", "accuracy"}, steps=8)


def test_a_run_that_is_done_resumes_to_itself(data: dict[str, Path], tmp_path: Path) -> None:
    options = TrainingOptions(device="cpu")
    done = pretrain(config_of("vanilla", data), tmp_path / "run", options, Silent())
    before = events_of(Run.open(tmp_path / "run"))
    again = resume_run(Run.open(tmp_path / "run"), options, Silent())
    assert (again.step, again.epochs, again.loss) == (done.step, done.epochs, done.loss)
    assert events_of(Run.open(tmp_path / "run")) == before


def test_dropout_makes_the_random_state_matter(
    sources: dict[str, Checkpoint], data: dict[str, Path], tmp_path: Path
) -> None:
    """Without the saved random state a resumed run would differ, so equality above says much."""
    dry = config_of("vanilla", data)
    dry = dry.model_copy(update={"model": dry.model.model_copy(update={"dropout": 0.0})})
    pretrain(dry, tmp_path / "dry", TrainingOptions(device="cpu"), Silent())
    wet = sources["vanilla"].load_model(CPU).state_dict()
    weights = Run.open(tmp_path / "dry").latest().load_model(CPU).state_dict()
    assert not torch.equal(wet["head.linear.weight"], weights["head.linear.weight"])


# No pickle

FORBIDDEN_MODULES = {
    "pickle",
    "cPickle",
    "_pickle",
    "dill",
    "cloudpickle",
    "joblib",
    "shelve",
    "marshal",
}
FORBIDDEN_CALLS = {("torch", "load"), ("torch", "save"), ("np", "load"), ("numpy", "load")}


def pickling(source: str) -> list[str]:
    """Name what a module imports or calls that reads or writes pickles."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found += [a.name for a in node.names if a.name.split(".")[0] in FORBIDDEN_MODULES]
        elif isinstance(node, ast.ImportFrom):
            top = (node.module or "").split(".")[0]
            found += [
                a.name
                for a in node.names
                if top in FORBIDDEN_MODULES or (top, a.name) in FORBIDDEN_CALLS
            ]
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            call = (node.value.id, node.attr)
            found += [".".join(call)] if call in FORBIDDEN_CALLS else []
    return found


def test_no_module_reads_or_writes_pickles() -> None:
    sample = "import pickle\nfrom torch import load\nimport torch\ntorch.save({}, 'x')\nf.load(1)"
    assert pickling(sample) == ["pickle", "load", "torch.save"]
    folder = Path(str(nanoknow.__file__)).parent
    modules = sorted(folder.rglob("*.py"))
    assert folder / "runs" / "checkpoint.py" in modules
    offenders = {str(m): pickling(m.read_text(encoding="utf-8")) for m in modules}
    assert {m: found for m, found in offenders.items() if found} == {}
