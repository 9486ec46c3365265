"""Which device a model runs on, and in which precision."""

import os
import platform
import re
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from nanoknow.errors import ConfigError

CPU_INFO = Path("/proc/cpuinfo")
"""Where Linux describes the CPU."""
CAPABILITIES = {"amx_bf16": "AMX", "avx512_bf16": "AVX512-BF16"}
"""Features that make a CPU multiply faster in bfloat16 than in float32, by their Linux flags."""


@dataclass(frozen=True)
class Device:
    """Where a model runs and how.

    Attributes:
        torch_device: where tensors are.
        precision: of the matrix products in training: ``float32`` or ``bfloat16``.
        reason: why this device and precision were chosen, for people to read.
    """

    torch_device: torch.device
    precision: str
    reason: str

    @property
    def name(self) -> str:
        """The hardware's own name."""
        if self.torch_device.type == "cuda":
            return torch.cuda.get_device_name(self.torch_device)
        if self.torch_device.type != "cpu":
            return str(self.torch_device)
        n = torch.get_num_threads()
        cpu = _cpu_info("model name") or platform.processor() or platform.machine()
        return f"{cpu}, {n} thread{'s' if n > 1 else ''}"

    def autocast(self) -> AbstractContextManager[object]:
        """Return the context manager under which training computes, in ``precision``."""
        return torch.autocast(
            self.torch_device.type, torch.bfloat16, enabled=self.precision == "bfloat16"
        )


def choose_device(device: str = "auto", precision: str = "float32") -> Device:
    """Choose a device and a precision; ``auto`` prefers CUDA, and bfloat16 in hardware.

    Nothing is timed: the same machine always gives the same answer.

    Args:
        device: ``auto``, ``cpu``, ``cuda``, ``cuda:N``, or another torch device such as ``mps``.
        precision: ``auto``, ``float32`` or ``bfloat16``.

    Raises:
        ConfigError: the device does not exist here, or cannot compute.
    """
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if re.fullmatch(r"cuda(:[0-9]{1,3})?", device) or (device == "auto" and count):
        rank = os.environ.get("LOCAL_RANK", "0")  # torchrun's processes take a device each
        index = int(device.partition(":")[2] or rank)
        if index >= count:
            raise ConfigError(
                f"--device {device}: this machine has {count} CUDA devices that torch "
                f"{torch.__version__} can use, and number {index} is asked for: take --device cpu "
                f"or auto, and by torchrun no more processes than devices"
            )
        why = "asked for" if device != "auto" else f"{'the first ' * (not index)}CUDA device"
        chosen = torch.device("cuda", index)
    elif device in ("auto", "cpu"):
        chosen = torch.device("cpu")
        why = "asked for" if device == "cpu" else "no CUDA device here"
    else:
        chosen, why = _another(device), "asked for; untested, as nanoknow was tried on CPUs alone"
    if precision != "auto":
        return Device(chosen, precision, f"{why}; {precision}")
    is_faster, reason = _is_faster_in_bfloat16(chosen)
    precision = "bfloat16" if is_faster else "float32"
    return Device(chosen, precision, f"{why}; {precision}: {reason}")


def precise(tensor: Tensor) -> Tensor:
    """Return a tensor in float64, or in float32 on a device that lacks float64."""
    return tensor.float() if tensor.device.type == "mps" else tensor.double()


def _another(device: str) -> torch.device:
    """Return the device of this name, after a trial computation on it.

    Raises:
        ConfigError: torch knows no such device, or it cannot compute.
    """
    try:
        chosen = torch.device(device)
        torch.ones(1, device=chosen).sum().item()
    except (RuntimeError, AssertionError, ImportError, ValueError):
        raise ConfigError(
            f"--device {device}: torch {torch.__version__} has no such device here. Available: "
            f"auto, cpu, cuda, cuda:N, and where torch has them mps, xpu and others"
        ) from None
    return chosen


def _is_faster_in_bfloat16(device: torch.device) -> tuple[bool, str]:
    """Return whether the hardware multiplies in bfloat16, and in words what it has or lacks."""
    if device.type == "cuda":
        with torch.cuda.device(device):
            native = torch.cuda.is_bf16_supported(including_emulation=False)
        return native, f"this GPU has {'' if native else 'no '}bfloat16 of its own"
    if device.type != "cpu":
        return False, "whether bfloat16 is faster on it is not known"
    flags = _cpu_info("flags").split()
    found = [name for flag, name in CAPABILITIES.items() if flag in flags]
    return bool(found), f"this CPU has {found[0] if found else 'no AMX or AVX512-BF16'}"


def _cpu_info(key: str) -> str:
    """Return what Linux reports for the first CPU under a key; empty on other systems."""
    with suppress(OSError):  # no /proc: not Linux
        for line in CPU_INFO.read_text(encoding="utf-8").splitlines():
            name, _, value = line.partition(":")
            if name.strip() == key:
                return value.strip()
    return ""
