"""What the benchmarks share: the device, runs that take turns, and how figures are told."""

import argparse
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from functools import partial

import torch

Run = Callable[[], object]
CPU = torch.device("cpu")


def options(description: str | None) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--repeats", type=int, default=5)
    return parser


def on_devices(parser: argparse.ArgumentParser) -> argparse.ArgumentParser:
    parser.add_argument("--device", default="cpu", choices=("cpu", "cuda"))
    return parser


def device(name: str) -> torch.device:
    """Where there is no GPU to measure, the benchmark ends here, with a line and without a failure."""
    if name == "cuda" and not torch.cuda.is_available():
        print(f"{os.path.basename(sys.argv[0])}: no GPU is at hand, so that nothing is measured on cuda")
        sys.exit(0)
    return torch.device(name)


def in_turns(
    runs: Sequence[Run], repeats: int, device: torch.device = CPU, least: float = 0.0, warm: bool = False
) -> list[list[float]]:
    """Seconds of each run, a list each; the one that begins changes from turn to turn.

    A first time is not counted (memory is taken, kernels are chosen), unless they are warm already. A run shorter than
    `least` seconds goes several times within a turn, and its mean counts.
    """
    for run in () if warm else runs:
        run()
    times = [max(1, round(least / timed(run, device))) if least else 1 for run in runs]
    seconds: list[list[float]] = [[] for _ in runs]
    for turn in range(repeats):
        for index in range(len(runs))[:: 1 if turn % 2 == 0 else -1]:
            seconds[index].append(timed(runs[index], device, times[index]))
    return seconds


def timed(run: Run, device: torch.device = CPU, times: int = 1) -> float:
    """Seconds of one run, all that it left to a GPU included."""
    wait_for(device)
    start = time.perf_counter()
    for _ in range(times):
        run()
    wait_for(device)
    return (time.perf_counter() - start) / times


def wait_for(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def has_bf16(device: torch.device, repeats: int = 3) -> bool:
    """Whether a matrix product is no slower in it than in float32, which is said; if not, it is not worth measuring."""
    side = 8192 if device.type == "cuda" else 1024
    factors = [torch.rand(2, side, side, device=device, dtype=kind) for kind in (torch.float32, torch.bfloat16)]
    gain = ratios(*in_turns([partial(torch.matmul, *pair) for pair in factors], repeats, device, least=0.1))
    worth = statistics.median(gain) >= 1
    told = f"a matrix product, {side}²: bf16 is {spread(gain)} times as fast as float32"
    print(told if worth else f"{told}, and is left out")
    return worth


def ratios(one: Iterable[float], other: Iterable[float]) -> list[float]:
    """Turn by turn: what else the machine does hits both."""
    return [first / second for first, second in zip(one, other, strict=True)]


def spread(values: Sequence[float], form: str = ".2f") -> str:
    return f"{statistics.median(values):{form}} ({min(values):{form}} to {max(values):{form}})"


def load() -> str:
    return f"load average {os.getloadavg()[0]:.1f}"
