"""``make bench``: nanoknow against the textbook implementation, side by side.

Each job runs on two processes of its own, one a side, that take turns: the machine's moods fall
on both, the ratio is the median over pairs of turns, and each side has a peak memory. Utilisation
is the arithmetic that the job's real characters need, over what large matrix products reach on
the same device; what it is short of 1 is what there is left to gain.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import resource
import statistics
import time
from dataclasses import asdict, dataclass
from multiprocessing.connection import Connection
from typing import Any

import torch
from rich.console import Console
from rich.table import Table

from docs.tools.benchmark_jobs import JOBS
from docs.tools.benchmark_setting import Setting, Turn
from nanoknow.system.device import choose_device


@dataclass(frozen=True)
class Measured:
    """One job's figures; seconds are medians over turns, of one unit.

    Attributes:
        ratio: textbook over ours, the median over pairs, with the smallest and the largest.
        utilisation: of ours, by the precision of the matrix products it is held against.
        memory: peak resident bytes of each side's process; on a GPU, of its memory.
    """

    job: str
    unit: str
    ours: float
    textbook: float | None
    ratio: tuple[float, float, float] | None
    utilisation: dict[str, float]
    memory: dict[str, int]


def work(connection: Connection, job: str, side: str) -> None:
    """Take turns when told to; at the end tell the flops, units and peak memory."""
    setting = Setting()
    turn: Turn = getattr(JOBS[job], side)(setting, JOBS[job].config)
    device = setting.device.torch_device

    def timed() -> float:
        began = time.perf_counter()
        turn.run()
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        return (time.perf_counter() - began) / turn.units

    for _ in range(turn.warmup):
        timed()
    connection.send(None)
    while connection.recv():
        connection.send(timed())
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    if device.type == "cuda":
        peak = torch.cuda.max_memory_allocated(device)
    connection.send((turn.flops, peak))


def measure(name: str, rates: dict[str, float]) -> Measured:
    """Run a job's sides in turns."""
    job = JOBS[name]
    sides = ["ours", "textbook"] if job.textbook else ["ours"]
    spawn = multiprocessing.get_context("spawn")
    ends: dict[str, Connection] = {}
    for side in sides:
        ends[side], theirs = spawn.Pipe()
        spawn.Process(target=work, args=(theirs, name, side)).start()
        ends[side].recv()
    turns: dict[str, list[float]] = {side: [] for side in sides}
    for _ in range(job.pairs):
        for side in sides:
            ends[side].send(True)
            turns[side].append(ends[side].recv())
    flops, memory = None, {}
    for side in reversed(sides):  # ours last: its flops are those that count
        ends[side].send(False)
        flops, memory[side] = ends[side].recv()
    for worker in multiprocessing.active_children():
        worker.join()
    ratios = [t / o for o, t in zip(turns["ours"], turns.get("textbook", []), strict=False)]
    ours = statistics.median(turns["ours"])
    return Measured(
        name,
        job.unit,
        ours,
        statistics.median(turns["textbook"]) if job.textbook else None,
        (statistics.median(ratios), min(ratios), max(ratios)) if ratios else None,
        {precision: flops / ours / rate for precision, rate in rates.items()} if flops else {},
        memory,
    )


def matrix_rates(device: torch.device) -> dict[str, float]:
    """Measure what products of 2048² matrices reach, in FLOP/s, by precision."""
    rates = {}
    for name, dtype in (("float32", torch.float32), ("bfloat16", torch.bfloat16)):
        a = torch.randn(2048, 2048, device=device).to(dtype)
        seconds = []
        for _ in range(12):
            began = time.perf_counter()
            float((a @ a)[0, 0])
            seconds.append(time.perf_counter() - began)
        rates[name] = 2 * 2048**3 / statistics.median(seconds[2:])
    return rates


def table(results: list[Measured], device: str, rates: dict[str, float]) -> Table:
    title = f"{device}; matrix products reach " + ", ".join(
        f"{rate / 1e9:,.0f} GFLOP/s in {name}" for name, rate in rates.items()
    )
    shown = Table(title=title)
    for heading in ("job", "ours", "textbook", "ratio (range)", "utilisation", "peak memory"):
        shown.add_column(heading, justify="left" if heading == "job" else "right", overflow="fold")
    for r in results:
        shown.add_row(
            r.job,
            f"{1e3 * r.ours:,.2f} ms a {r.unit}",
            f"{1e3 * r.textbook:,.1f} ms" if r.textbook else "",
            "{:.1f} ({:.1f}-{:.1f})".format(*r.ratio) if r.ratio else "",
            ", ".join(f"{share:.1%} of {name}" for name, share in r.utilisation.items()),
            " / ".join(
                f"{r.memory[s] / 2**20:,.0f} MiB" for s in ("ours", "textbook") if s in r.memory
            ),
        )
    return shown


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("jobs", nargs="*", metavar="JOB", help="only jobs whose name holds this")
    arguments = parser.parse_args()
    device = choose_device(precision="auto")
    rates = matrix_rates(device.torch_device)
    results = []
    for name in JOBS:
        if not arguments.jobs or any(part in name for part in arguments.jobs):
            Console(stderr=True).print(f"{name} …")
            results.append(measure(name, rates))
    if arguments.json:
        report: dict[str, Any] = {
            "device": device.name,
            "precision": device.precision,
            "torch": torch.__version__,
            "matrix_rates": rates,
            "jobs": [asdict(result) for result in results],
        }
        print(json.dumps(report, indent=2))  # noqa: T201
    else:
        Console().print(table(results, f"{device.name}, {device.precision}", rates))


if __name__ == "__main__":
    main()
