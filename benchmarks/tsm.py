"""python benchmarks/tsm.py: what the temporal shift costs, beside the same ResNet-18 without it.

A training step (forward, backward, AdamW) on 16 clips of 8 × 224². Both networks take turns, so that whatever else the
machine does hits both; the ratio is taken within each turn. Memory is kept between steps, as in training;
`--return-memory` shows what that is worth.
"""

import argparse
import os
import statistics
import time
from collections.abc import Callable

import torch

from clinimcl import memory
from clinimcl.encoders.tsm_resnet18 import TsmResNet18

CLIPS, FRAMES, SIDE = 16, 8, 224
SHIFT = 0.125
GOALS = {"float32": 1.05, "bf16": 1.15}


def main() -> None:
    arguments = _arguments()
    if not arguments.return_memory:
        memory.keep_freed()
    device = torch.device(arguments.device)
    clips = torch.rand(arguments.clips, 1, FRAMES, arguments.side, arguments.side, device=device)
    print(f"{arguments.clips} clips of {FRAMES} × {arguments.side}² on {device}, {torch.get_num_threads()} threads")
    print(f"load average before: {os.getloadavg()[0]:.1f}")
    for precision, goal in GOALS.items():
        steps = [_step(share, clips, precision == "bf16") for share in (0.0, SHIFT)]
        seconds = _taking_turns(steps, arguments.repeats, device)
        print(_line(precision, goal, *seconds))
    print(f"load average after: {os.getloadavg()[0]:.1f}")


def _step(share: float, clips: torch.Tensor, bf16: bool) -> Callable[[], None]:
    torch.manual_seed(0)
    encoder = TsmResNet18(share).to(clips.device).train()
    optimizer = torch.optim.AdamW(encoder.parameters())

    def step() -> None:
        with torch.autocast(clips.device.type, torch.bfloat16, enabled=bf16):
            embedding = encoder(clips)
        embedding.float().square().mean().backward()
        optimizer.step()
        optimizer.zero_grad()

    return step


def _taking_turns(steps: list[Callable[[], None]], repeats: int, device: torch.device) -> list[list[float]]:
    """Seconds a step of each, a row each; the one that begins changes from turn to turn."""
    for step in steps:
        step()  # not counted: memory is taken, kernels are chosen
    seconds: list[list[float]] = [[] for _ in steps]
    for turn in range(repeats):
        for index in range(len(steps)) if turn % 2 == 0 else reversed(range(len(steps))):
            seconds[index].append(_timed(steps[index], device))
    return seconds


def _timed(step: Callable[[], None], device: torch.device) -> float:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    start = time.perf_counter()
    step()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter() - start


def _line(precision: str, goal: float, plain: list[float], shifted: list[float]) -> str:
    ratios = [one / other for one, other in zip(shifted, plain, strict=True)]
    return (
        f"{precision}: with shifts {statistics.median(shifted):.3f} s, without {statistics.median(plain):.3f} s, "
        f"ratio {statistics.median(ratios):.3f} ({min(ratios):.3f} to {max(ratios):.3f}), goal at most {goal}"
    )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", default="cpu", choices=("cpu", "cuda"))
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--clips", type=int, default=CLIPS)
    parser.add_argument("--side", type=int, default=SIDE, help="pixels")
    parser.add_argument("--return-memory", action="store_true", help="as glibc does by default")
    return parser.parse_args()


if __name__ == "__main__":
    main()
