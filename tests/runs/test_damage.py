"""A damaged checkpoint is refused by its name, and the one before it offered."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from nanoknow.config.models import VanillaConfig
from nanoknow.errors import CheckpointError
from nanoknow.runs.checkpoint import read_checkpoint, save_checkpoint
from tests.helpers.checkpoints import (
    CPU,
    FILES,
    every_file,
    make_model,
    make_record,
    make_training,
    read_file,
    save,
)
from tests.helpers.refused import refused


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint with one before it."""
    folder = tmp_path_factory.mktemp("checkpoints")
    save(folder, 5)
    path = save(folder, 6)
    for name in FILES:
        read_file(path, name)
    return path


@contextmanager
def damaged(file: Path, change: Callable[[bytes], bytes | None]) -> Iterator[None]:
    """Change a file's bytes for a while; None removes it."""
    whole = file.read_bytes()
    raw = change(whole)
    assert raw != whole
    file.unlink()
    if raw is not None:
        file.write_bytes(raw)
    try:
        yield
    finally:
        file.write_bytes(whole)


def flipped(raw: bytes, place: int, bits: int) -> bytes:
    changed = bytearray(raw)
    changed[place] ^= bits
    return bytes(changed)


def assert_refused(checkpoint: Path, name: str) -> None:
    message = refused(CheckpointError, read_file, checkpoint, name)
    assert message.startswith(f"{checkpoint / name}: damaged: ")
    advice = f"delete {checkpoint} to go on from the one before it, step-00000005"
    assert message.endswith(advice)


@every_file
@given(share=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
def test_a_flipped_bit_anywhere_is_refused(saved: Path, name: str, share: float, bit: int) -> None:
    with damaged(saved / name, lambda raw: flipped(raw, int(share * len(raw)), 1 << bit)):
        assert_refused(saved, name)


def test_every_single_byte_of_the_record_is_guarded(tmp_path: Path) -> None:
    path = save(tmp_path, 1)
    whole = (path / "checkpoint.json").read_bytes()
    spaces = [(i, ord(" ") ^ ord("\t")) for i, byte in enumerate(whole) if byte == ord(" ")]
    for place, change in [*((i, 1) for i in range(len(whole))), *spaces]:
        (path / "checkpoint.json").write_bytes(flipped(whole, place, change))
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
        file.write_bytes(flipped(whole, place, 1))
        with pytest.raises(CheckpointError, match="damaged: its bytes are not those"):
            read()


@every_file
@given(share=st.floats(0, 1, exclude_max=True))
def test_a_cut_file_is_refused(saved: Path, name: str, share: float) -> None:
    with damaged(saved / name, lambda raw: raw[: int(share * len(raw))]):
        assert_refused(saved, name)


@every_file
def test_a_lengthened_file_is_refused(saved: Path, name: str) -> None:
    with damaged(saved / name, lambda raw: raw + b"\0"):
        assert_refused(saved, name)


@every_file
def test_a_file_of_another_checkpoint_is_refused(name: str, tmp_path: Path) -> None:
    first, second = save(tmp_path / "a", 5, seed=1), save(tmp_path / "b", 5, seed=2)
    if name == "training.safetensors":
        state = {**make_training(), "optimizer.step.head.ln.bias": torch.tensor(8.0)}
        first = save_checkpoint(tmp_path / "c", make_record(5), make_model().state_dict(), state)
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
