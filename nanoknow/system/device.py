"""Which device a model runs on, and in which precision."""

import platform
import re
import time
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from pathlib import Path

import torch

from nanoknow.errors import ConfigError

WORTHWHILE = 1.5
"""How many times as fast bfloat16 must multiply to be taken: casting costs something too."""


@dataclass(frozen=True)
class Device:
    """Where a model runs and how.

    Attributes:
        torch_device: for tensors.
        precision: ``float32`` or ``bfloat16``, of training's matrix products.
        reason: why this device and precision, for people.
    """

    torch_device: torch.device
    precision: str
    reason: str

    @property
    def name(self) -> str:
        """The hardware's own name."""
        if self.torch_device.type == "cuda":
            return torch.cuda.get_device_name(self.torch_device)
        n = torch.get_num_threads()
        return f"{_cpu_name()}, {n} thread{'s' if n > 1 else ''}"

    def autocast(self) -> AbstractContextManager[object]:
        """Return the context in which training computes."""
        return torch.autocast(
            self.torch_device.type, torch.bfloat16, enabled=self.precision == "bfloat16"
        )


def choose_device(device: str = "auto", precision: str = "auto") -> Device:
    """Pick CUDA where there is one, else the CPU; and bfloat16 where it multiplies faster.

    Args:
        device: ``auto``, ``cpu``, ``cuda`` or ``cuda:N``.
        precision: ``auto``, ``float32`` or ``bfloat16``.

    Raises:
        ConfigError: the device does not exist here.
    """
    if not re.fullmatch(r"auto|cpu|cuda(:[0-9]{1,3})?", device):
        raise ConfigError(f"--device {device}: unknown. Available: auto, cpu, cuda, cuda:N")
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if device.startswith("cuda"):
        index = device.partition(":")[2] or "0"
        if int(index) >= count:
            raise ConfigError(
                f"--device {device}: this machine has {count} CUDA devices that torch "
                f"{torch.__version__} can use: take --device cpu or auto"
            )
        chosen, why = torch.device("cuda", int(index)), "asked for"
    elif device == "auto" and count:
        chosen, why = torch.device("cuda", 0), "the first CUDA device"
    else:
        chosen = torch.device("cpu")
        why = "asked for" if device == "cpu" else "no CUDA device here"
    if precision == "auto":
        gain = _gain_of_bfloat16(chosen)
        precision = "bfloat16" if gain >= WORTHWHILE else "float32"
        why += f"; {precision}: bfloat16 multiplies {gain:.1f} times as fast as float32 here"
    else:
        why += f"; {precision}: asked for"
    return Device(chosen, precision, why)


def _gain_of_bfloat16(device: torch.device) -> float:
    """Time a product of 512² matrices in float32 and in bfloat16; return the ratio of seconds."""
    least = []
    for dtype in (torch.float32, torch.bfloat16):
        matrix = torch.ones(512, 512, dtype=dtype, device=device)
        seconds = []
        for _ in range(6):
            began = time.perf_counter()
            (matrix @ matrix)[0, 0].item()  # waits for a GPU
            seconds.append(time.perf_counter() - began)
        least.append(min(seconds))
    return least[0] / least[1]


def _cpu_name() -> str:
    with suppress(OSError):  # no /proc: not Linux
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
