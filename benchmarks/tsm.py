"""python benchmarks/tsm.py: what the temporal shift costs, beside the same ResNet-18 without it.

A training step (forward, backward, AdamW) on 4 clips of 8 × 224². Both networks take turns, so that whatever else the
machine does hits both; the ratio is taken within each turn. bf16 is left out where the machine has none. Memory is kept
between steps, as in training; `--return-memory` shows what that is worth.
"""

import argparse

import timing
import torch

from clinimcl import memory
from clinimcl.encoders.tsm_resnet18 import TsmResNet18

CLIPS, FRAMES, SIDE = 4, 8, 224
SHIFT = 0.125
GOALS = {"float32": 1.05, "bf16": 1.15}


def main() -> None:
    arguments = _arguments()
    if not arguments.return_memory:
        memory.keep_freed()
    device = timing.device(arguments.device)
    clips = torch.rand(arguments.clips, 1, FRAMES, arguments.side, arguments.side, device=device)
    print(f"{arguments.clips} clips of {FRAMES} × {arguments.side}² on {device}, {torch.get_num_threads()} threads")
    print(f"{timing.load()} before")
    for precision, goal in GOALS.items():
        if precision == "bf16" and not timing.has_bf16(device):
            continue
        steps = [_step(share, clips, precision == "bf16") for share in (0.0, SHIFT)]
        print(_line(precision, goal, *timing.in_turns(steps, arguments.repeats, device)))
    print(f"{timing.load()} after")


def _step(share: float, clips: torch.Tensor, bf16: bool) -> timing.Run:
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


def _line(precision: str, goal: float, plain: list[float], shifted: list[float]) -> str:
    return (
        f"{precision}: with shifts {timing.spread(shifted, '.3f')} s, without {timing.spread(plain, '.3f')} s, ratio "
        f"{timing.spread(timing.ratios(shifted, plain), '.3f')}, goal at most {goal}"
    )


def _arguments() -> argparse.Namespace:
    parser = timing.on_devices(timing.options(__doc__))
    parser.add_argument("--clips", type=int, default=CLIPS)
    parser.add_argument("--side", type=int, default=SIDE, help="pixels")
    parser.add_argument("--return-memory", action="store_true", help="as glibc does by default")
    return parser.parse_args()


if __name__ == "__main__":
    main()
