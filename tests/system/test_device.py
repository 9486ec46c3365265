"""Which precision ``auto`` is follows from the hardware alone."""

from contextlib import nullcontext
from pathlib import Path

import pytest
import torch

from nanoknow.errors import ConfigError
from nanoknow.system import device
from nanoknow.system.device import CAPABILITIES, choose_device, precise
from tests.helpers.refused import refused


def describe_cpu(monkeypatch: pytest.MonkeyPatch, file: Path, *flags: str) -> None:
    """Have Linux describe another CPU than this machine's."""
    name = "processor\t: 0\nmodel name\t: amx_bf16 avx512_bf16\n"
    file.write_text(f"{name}flags\t\t: {' '.join(flags)}\n", encoding="utf-8")
    monkeypatch.setattr(device, "CPU_INFO", file)


@pytest.mark.parametrize("flag", CAPABILITIES)
def test_auto_is_bfloat16_on_a_cpu_made_for_it_and_names_what_it_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, flag: str
) -> None:
    describe_cpu(monkeypatch, tmp_path / "cpu", "fpu", "avx512f", flag)
    chosen = choose_device("cpu", "auto")
    assert chosen.precision == "bfloat16"
    assert chosen.reason == f"asked for; bfloat16: this CPU has {CAPABILITIES[flag]}"
    assert choose_device("cpu", "float32").precision == "float32"


def test_auto_is_float32_on_another_cpu_and_where_nothing_describes_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    describe_cpu(monkeypatch, tmp_path / "cpu", "fpu", "avx512f", "avx512_bf16_like")
    lacking = "asked for; float32: this CPU has no AMX or AVX512-BF16"
    assert choose_device("cpu", "auto").reason == lacking
    monkeypatch.setattr(device, "CPU_INFO", tmp_path / "not Linux")
    assert choose_device("cpu", "auto").reason == lacking
    assert choose_device("cpu", "bfloat16").precision == "bfloat16"


@pytest.mark.parametrize("native", [True, False])
def test_auto_on_a_gpu_asks_for_bfloat16_that_is_not_emulated(
    monkeypatch: pytest.MonkeyPatch, native: bool
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    monkeypatch.setattr(torch.cuda, "device", lambda _: nullcontext())
    monkeypatch.setattr(
        torch.cuda, "is_bf16_supported", lambda including_emulation: including_emulation or native
    )
    chosen = choose_device("auto", "auto")
    assert chosen.precision == ("bfloat16" if native else "float32")
    assert chosen.reason.endswith(f"this GPU has {'' if native else 'no '}bfloat16 of its own")


@pytest.mark.parametrize(
    ("asked", "rank", "chosen"),
    [
        ("auto", "1", 1),
        ("cuda", "1", 1),
        ("cuda", None, 0),
        ("cuda:0", "1", 0),
        ("auto", "2", None),
    ],
)
def test_each_process_of_a_machine_has_a_gpu_of_its_own(
    monkeypatch: pytest.MonkeyPatch, asked: str, rank: str | None, chosen: int | None
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    if rank:
        monkeypatch.setenv("LOCAL_RANK", rank)
    if chosen is None:
        assert "this machine has 2" in refused(ConfigError, lambda: choose_device(asked))
    else:
        assert choose_device(asked).torch_device == torch.device("cuda", chosen)


def test_who_asks_for_no_precision_computes_in_float32(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    describe_cpu(monkeypatch, tmp_path / "cpu", *CAPABILITIES)
    assert choose_device("cpu").precision == "float32"


@pytest.mark.parametrize("name", ["mps", "xpu:0", "meta", "tpu", "hpu", "cuda:x", "", "cpu,mps"])
def test_a_device_that_is_not_here_or_cannot_compute_is_refused_in_a_line(name: str) -> None:
    if name == "mps" and torch.backends.mps.is_available():
        pytest.skip("there is one")
    message = refused(ConfigError, lambda: choose_device(name))
    assert message.startswith(f"--device {name}: torch {torch.__version__} has no such device here")


def test_logits_are_made_precise_where_they_are() -> None:
    assert precise(torch.ones(1)).dtype == torch.float64
    assert precise(torch.ones(1, device="meta")).device.type == "meta"
