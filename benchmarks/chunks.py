"""python benchmarks/chunks.py: what the gradient of a big batch costs in chunks, beside the batch as a whole.

A training step (forward, backward, AdamW) of contrastive pretraining, 64 pairs of 96³ float16 scans, the encoder
`cnn3d`. Both ways take turns within a process, and the ratio is taken within each turn; memory is kept between steps,
as in training.
Peak memory is what each way adds to a process that holds its batch: on CPU of the resident set, each in a
process of its own, on a GPU of the allocator. Chunks are augmented by other chance than the whole, so that gradients
are compared without augmentation, which is timed apart (`--augmented`).
"""

import argparse
import gc
import resource
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import timing
import torch

from clinimcl import memory
from clinimcl.data.augmentation import Augmentation
from clinimcl.data.batches import PairBatch
from clinimcl.encoders.cnn3d import CNN3d
from clinimcl.encoders.projector import Projector
from clinimcl.losses.info_nce import InfoNCE
from clinimcl.modules.contrastive import ContrastivePretraining

PAIRS, CHUNK, SIDE, MANY = 64, 8, 96, 256
TIME, ERROR, PEAK = (1.35, 1.2), 1e-4, 1.2  # floor and aim
RECIPE = Augmentation(rotation=7.0, shift=0.04, scale=0.0, bias=0.1, contrast=0.1, noise=0.03, same_pose_in_pair=False)


def main() -> None:
    arguments = _arguments()
    memory.keep_freed()
    device, side = timing.device(arguments.device), arguments.side
    if arguments.peak is not None:
        print(_peak(arguments.peak, arguments.chunk, side, device))
        return
    print(f"{PAIRS} pairs of {side}³ on {device}, {torch.get_num_threads()} threads; chunks of {CHUNK} pairs")
    print(f"{timing.load()} before")
    print(_compared(side, device))
    batch = _batch(PAIRS, side, device)
    recipes = {"no augmentation": None} | ({"augmented": RECIPE} if arguments.augmented else {})
    for name, augmentation in recipes.items():
        steps = [partial(_step(chunk, side, device, augmentation), batch) for chunk in (None, CHUNK)]
        print(_line(name, *timing.in_turns(steps, arguments.repeats, device, warm=augmentation is None)))
    print(f"{timing.load()} after")
    del steps, batch
    print(_peaks(side, arguments.device))


def _batch(pairs: int, side: int, device: torch.device) -> PairBatch:
    generator = torch.Generator(device).manual_seed(0)

    def scans() -> torch.Tensor:  # in float16 at once: what a conversion frees would hide what a step takes
        return torch.rand(pairs, 1, side, side, side, generator=generator, device=device, dtype=torch.float16)

    return PairBatch(scans(), scans(), torch.arange(pairs, device=device), torch.ones(pairs, device=device))


def _module(
    chunk: int | None, side: int, device: torch.device, augmentation: Augmentation | None
) -> ContrastivePretraining:
    torch.manual_seed(0)
    module = ContrastivePretraining(
        encoder=CNN3d(side, channels=[16, 32, 64, 128, 128], groups=8, embedding=256),
        projector=Projector(embedding=256, hidden=256, projection=128),
        objective=InfoNCE(temperature=0.1, symmetric=True),
        augmentation=augmentation,
        optimizer=partial(torch.optim.AdamW, lr=5e-4),
        schedule=None,
        seed=0,
        chunk=chunk,
    )
    module.log = lambda *_, **__: None  # type: ignore[method-assign]  # which needs a trainer
    return module.to(device)


def _step(
    chunk: int | None, side: int, device: torch.device, augmentation: Augmentation | None
) -> Callable[[PairBatch], None]:
    module = _module(chunk, side, device, augmentation)
    optimizer = module.configure_optimizers()

    def step(batch: PairBatch) -> None:
        module.training_step(batch, 0).backward()
        optimizer.step()
        optimizer.zero_grad()

    return step


def _compared(side: int, device: torch.device) -> str:
    gradients, batch = [], _batch(PAIRS, side, device)
    for chunk in (None, CHUNK):
        module = _module(chunk, side, device, None)
        module.training_step(batch, 0).backward()
        gradients.append(torch.cat([p.grad.flatten() for p in module.parameters() if p.grad is not None]))
    error = float((gradients[1] - gradients[0]).norm() / gradients[0].norm())
    assert error <= ERROR, f"the gradients differ by {error:.1e}"
    return f"relative difference of the gradients {error:.1e}, goal at most {ERROR}"


def _line(name: str, whole: list[float], chunked: list[float]) -> str:
    return (
        f"{name}: in chunks {timing.spread(chunked)} s, as a whole {timing.spread(whole)} s, ratio "
        f"{timing.spread(timing.ratios(chunked, whole), '.3f')}, goal at most {TIME[0]}, aim {TIME[1]}"
    )


def _peaks(side: int, device: str) -> str:
    """Each in a process of its own, whose memory nothing else has used before."""
    taken = {}
    for pairs, chunk in ((CHUNK, None), (PAIRS, CHUNK), (MANY, CHUNK)):
        command = [sys.executable, __file__, "--device", device, "--side", str(side), "--peak", str(pairs)]
        told = subprocess.run(
            command + (["--chunk", str(chunk)] if chunk else []), capture_output=True, text=True, check=True
        )
        taken[pairs] = float(told.stdout)
    return "\n".join(
        f"peak of {pairs} pairs in chunks of {CHUNK}: {taken[pairs]:.0f} MiB, {taken[pairs] / taken[CHUNK]:.2f} of "
        f"{CHUNK} pairs ({taken[CHUNK]:.0f} MiB)" + (f", goal at most {PEAK}" if pairs == PAIRS else "")
        for pairs in (PAIRS, MANY)
    )


def _peak(pairs: int, chunk: int | None, side: int, device: torch.device) -> float:
    """MiB that a step takes beyond what the process holds with its batch; one of few pairs has made AdamW's state."""
    batch = _batch(pairs, side, device)
    few = PairBatch(*(part[:CHUNK] for part in batch))
    step = _step(chunk, side, device, None)
    gc.collect()
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
    else:
        before = int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()
    for part in (few, batch):
        step(part)
    peak = torch.cuda.max_memory_allocated() if device.type == "cuda" else 1024 * _largest_resident()
    return (peak - before) / 2**20


def _largest_resident() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def _arguments() -> argparse.Namespace:
    parser = timing.on_devices(timing.options(__doc__))
    parser.add_argument("--side", type=int, default=SIDE, help="voxels")
    parser.add_argument("--augmented", action="store_true", help="time it with augmentation, too")
    parser.add_argument("--peak", type=int, help="only tell the peak memory of so many pairs")
    parser.add_argument("--chunk", type=int, help="with --peak: in chunks of so many pairs")
    return parser.parse_args()


if __name__ == "__main__":
    main()
