"""Any checkpoint or record is read right or refused in one line."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from nanoknow.config.models import VanillaConfig
from nanoknow.errors import CheckpointError
from nanoknow.runs.checkpoint import read_checkpoint, save_checkpoint
from nanoknow.runs.listing import list_runs
from nanoknow.runs.run import Run
from nanoknow.training.curves import RunsCurves, read_curves
from tests.helpers.bad_inputs import CPU, TEXTS, attempt
from tests.helpers.checkpoints import FILES, make_model, make_record, read_file, sealed
from tests.helpers.silent import Silent

SIZES = VanillaConfig(n_layers=1, n_heads=1, d_model=8, block_size=8)


LEAF = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
    | st.sampled_from([-1, 2**53, 2**62, 2**64, 10**30, 1e308, "\ud800", "a\0b", "3", "x" * 5000])
)  # fmt: skip
LISTS = st.lists(LEAF, max_size=2)
JSON: st.SearchStrategy[object]
JSON = LEAF | LISTS | st.dictionaries(st.text(max_size=5), LEAF | LISTS, max_size=2)


class Whole(dict[str, dict[str, bytes]]):
    """The bytes of two checkpoints, by step and file; too many to print."""

    def __repr__(self) -> str:
        return "WHOLE"


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Whole:
    folder = tmp_path_factory.mktemp("whole")
    for step in (1, 2):
        generator = torch.Generator().manual_seed(step)
        training = {"random.cpu": torch.randint(256, (64,), generator=generator).to(torch.uint8)}
        weights = make_model(SIZES, seed=step).state_dict()
        save_checkpoint(folder, make_record(step, SIZES), weights, training)
    return Whole(
        {
            path.name: {name: (path / name).read_bytes() for name in FILES}
            for path in folder.iterdir()
        }
    )


@st.composite
def damage(draw: st.DrawFn) -> tuple[str, Callable[[bytes, bytes], bytes | None]]:
    """A file's name, and what happens to its bytes, given those of another; None removes it."""
    name = draw(st.sampled_from(FILES))
    share, bit = draw(st.floats(0, 1, exclude_max=True)), draw(st.integers(1, 255))
    junk = draw(st.binary(min_size=1, max_size=9))

    def flip(raw: bytes, _other: bytes) -> bytes:
        changed = bytearray(raw)
        changed[int(share * len(raw))] ^= bit
        return bytes(changed)

    def splice(raw: bytes, other: bytes) -> bytes:
        place = int(share * min(len(raw), len(other)))
        return raw[:place] + other[place:]

    changes: list[Callable[[bytes, bytes], bytes | None]] = [
        flip,
        flip,
        splice,
        lambda raw, _other: raw[: int(share * len(raw))],
        lambda raw, _other: raw + junk,
        lambda raw, _other: raw[: int(share * len(raw))] + junk + raw[int(share * len(raw)) :],
        lambda _raw, other: other,
        lambda _raw, _other: junk,
        lambda _raw, _other: b"",
        lambda _raw, _other: None,
    ]
    return name, draw(st.sampled_from(changes))


@given(st.lists(damage(), min_size=1, max_size=3), st.booleans())
def test_any_damage_to_a_checkpoint_is_refused_by_name_and_the_one_before_offered(
    folder: Path,
    whole: Whole,
    damages: list[tuple[str, Callable[[bytes, bytes], bytes | None]]],
    older: bool,
) -> None:
    last = folder / "checkpoints" / "step-00000002"
    shutil.rmtree(last.parent, ignore_errors=True)
    files: dict[str, bytes | None] = dict(whole[last.name])
    for name, change in damages:
        files[name] = change(files[name] or b"?", whole["step-00000001"][name])
    for step, contents in (("step-00000001", whole["step-00000001"]), (last.name, files)):
        (last.parent / step).mkdir(parents=True)
        for name, raw in contents.items():
            if raw is not None:
                (last.parent / step / name).write_bytes(raw)
    if not older:
        shutil.rmtree(last.parent / "step-00000001")
    refusals = 0
    for name in FILES:
        try:
            read_file(last, name)
        except CheckpointError as error:
            refusals += 1
            message = str(error)
            assert message.startswith(str(last)), message
            assert "\n" not in message
            assert ("one before it, step-00000001" in message) == older, message
    assert bool(refusals) == (files != whole[last.name] and files != whole["step-00000001"])


@given(st.data())
def test_any_record_however_sealed_is_read_or_refused(
    folder: Path, whole: Whole, data: st.DataObject
) -> None:
    """A seal tells of damage, and is no signature: what it is put on may be anything."""
    content: dict[str, Any] = json.loads(whole["step-00000002"]["checkpoint.json"])["content"]
    for key in data.draw(st.lists(st.sampled_from(sorted(content)), min_size=1, max_size=2)):
        if isinstance(content[key], dict) and content[key] and data.draw(st.booleans()):
            content[key][data.draw(st.sampled_from(sorted(content[key])))] = data.draw(JSON)
        else:
            content[key] = data.draw(JSON)
    checkpoint = folder / "sealed" / "step-00000001"
    checkpoint.mkdir(parents=True, exist_ok=True)
    (checkpoint / "checkpoint.json").write_bytes(sealed(content))
    for name in FILES[:2]:
        (checkpoint / name).write_bytes(whole["step-00000002"][name])

    def read() -> object:
        found = read_checkpoint(checkpoint)
        found.load_training_state()
        return found.load_model(CPU)

    attempt(read, CheckpointError, str(checkpoint))


RECORD = {
    "format": 2, "stage": "pretrain", "task": "span_corruption", "variant": "vanilla",
    "n_parameters": 1, "seed": 0, "created": "2026-01-01", "started_from": None,
    "data": {"corpus": {"name": "x", "sha256": "0"}}, "id": "x", "number": 1,
}  # fmt: skip
LINE = {
    "kind": "accuracy", "step": 1, "epoch": 1, "seconds": 1.0, "loss": 1.0, "grad_norm": 1.0,
    "learning_rate": 0.1, "accuracy": 0.5, "n_right": 1, "n": 2,
    "overlap": {"n": 0, "others": None},
}  # fmt: skip


@given(st.sampled_from(sorted(RECORD)), st.sampled_from(sorted(LINE)), JSON)
def test_any_value_of_a_record_and_of_a_line_is_read_or_refused(
    folder: Path, key: str, word: str, value: object
) -> None:
    """What is read is listed and drawn as any other run's is."""
    path = folder / "runs" / "odd"
    path.mkdir(parents=True, exist_ok=True)
    (path / "run.json").write_text(json.dumps({**RECORD, key: value}), encoding="utf-8")
    attempt(lambda: Run.open(path), CheckpointError, str(path))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NANOKNOW_RUNS", str(path.parent))
        assert len(list_runs()) <= 1
        (path / "run.json").write_text(json.dumps(RECORD), encoding="utf-8")
        step = {"kind": "step", "step": 1, "loss": 1.0, "learning_rate": 1.0}
        lines = f"{json.dumps(step)}\n{json.dumps({**LINE, word: value})}\n"
        (path / "metrics.jsonl").write_text(lines, encoding="utf-8")
        [listed] = list_runs()
        assert listed["accuracy"] is None or 0 <= listed["accuracy"] <= 1
    curves = attempt(lambda: read_curves([path], Silent()), CheckpointError, str(path))
    if isinstance(curves, RunsCurves):
        assert list(curves.panels())


@given(st.binary(max_size=60) | TEXTS | st.text(max_size=40).map(lambda t: json.dumps(t).encode()))
def test_any_run_record_and_metrics_are_read_or_refused(folder: Path, raw: bytes) -> None:
    run = folder / "run"
    run.mkdir(exist_ok=True)
    (run / "run.json").write_bytes(raw)
    attempt(lambda: Run.open(run), CheckpointError, str(run))
    metrics = Run(run, None)  # type: ignore[arg-type]
    metrics.metrics_file.write_bytes(raw)
    attempt(lambda: list(metrics.metrics()), CheckpointError, str(run))
