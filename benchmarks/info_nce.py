"""python benchmarks/info_nce.py: InfoNCE forward and backward, beside a matrix product and pytorch-metric-learning.

float32 projections of 128 dimensions, every pair of another subject, as our sampler draws them. The plain one is what
the field writes: `cross_entropy` on one matrix of logits, for both directions on it and its transpose. Of
pytorch-metric-learning it is SupConLoss, which with one positive an anchor is InfoNCE; its NTXentLoss has the same
value (checked), but a matrix of pairs by negatives, 4 GB at 1,024. All take turns within a process, and the ratio is
taken within each turn. Memory is kept between steps, as in training. Peak memory is that of tensors, from the
allocator: projections and their gradients, 4 × N × 128 numbers that all have, included.
"""

import argparse
import importlib.util
import statistics
from collections.abc import Callable

import timing
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, normalize
from torch.profiler import ProfilerActivity, profile

from clinimcl import memory
from clinimcl.losses.info_nce import info_nce

SIZES, WIDTH, TEMPERATURE = (1024, 8192), 128, 0.1
SECONDS = 0.25  # of a turn at least: what is shorter is repeated within it
PEER = "pytorch-metric-learning"
GOAL = "goals: at most 1 of the time, 0.33 of the memory"
Loss = Callable[[Tensor, Tensor], Tensor]


def main() -> None:
    arguments = _arguments()
    memory.keep_freed()
    device = timing.device(arguments.device)
    print(f"N projections of {WIDTH} on {device}, {torch.get_num_threads()} threads; {GOAL}")
    print(f"{timing.load()} before")
    for size in arguments.sizes:
        both = [torch.randn(size, WIDTH, device=device, requires_grad=True) for _ in range(2)]
        for direction, losses in _losses(size, device).items():
            _check_equal(losses, both)
            runs = {name: _run(loss, both) for name, loss in losses.items()}
            runs["the matrix products alone"] = _products(*both)
            seconds = timing.in_turns(list(runs.values()), arguments.repeats, device, SECONDS)
            _tell(f"N = {size}, {direction}", runs, seconds, device)
    print(f"{timing.load()} after")


def _losses(size: int, device: torch.device) -> dict[str, dict[str, Loss]]:
    """Ours first."""
    subject, own = (torch.arange(size, device=device) for _ in range(2))

    def ours(symmetric: bool) -> Loss:
        return lambda *both: info_nce(*both, subject, temperature=TEMPERATURE, symmetric=symmetric).mean()

    def plain(anchor: Tensor, positive: Tensor) -> Tensor:
        return cross_entropy(_logits(anchor, positive), own)

    def plain_symmetric(anchor: Tensor, positive: Tensor) -> Tensor:
        logits = _logits(anchor, positive)
        return (cross_entropy(logits, own) + cross_entropy(logits.T, own)) / 2

    one = {"ours": ours(False), "plain": plain}
    if importlib.util.find_spec("pytorch_metric_learning") is None:
        print(f"{PEER} is not installed, so it is left out: pip install {PEER}")
    else:
        one[PEER] = _peer()
    return {"both directions": {"ours": ours(True), "plain": plain_symmetric}, "one direction": one}


def _logits(anchor: Tensor, positive: Tensor) -> Tensor:
    return normalize(anchor, dim=1) @ normalize(positive, dim=1).T / TEMPERATURE


def _peer() -> Loss:
    from pytorch_metric_learning.losses import NTXentLoss, SelfSupervisedLoss, SupConLoss

    made = [SelfSupervisedLoss(loss(temperature=TEMPERATURE), symmetric=False) for loss in (SupConLoss, NTXentLoss)]
    few = torch.randn(2, 64, WIDTH)
    torch.testing.assert_close(made[0](*few), made[1](*few))
    return made[0]


def _check_equal(losses: dict[str, Loss], both: list[Tensor]) -> None:
    """Values, and gradients relative to their length."""
    (first, of_first), *others = (
        ((value := loss(*both)), torch.autograd.grad(value, both)) for loss in losses.values()
    )
    for other, of_other in others:
        torch.testing.assert_close(first, other)
        for mine, theirs in zip(of_first, of_other, strict=True):
            assert (mine - theirs).norm() < 1e-5 * theirs.norm()


def _run(loss: Loss, both: list[Tensor]) -> timing.Run:
    def run() -> None:
        loss(*both).backward()
        for part in both:
            part.grad = None

    return run


def _products(anchor: Tensor, positive: Tensor) -> timing.Run:
    """What no way to compute it can do without: logits and the gradients of both sides, into memory that is there."""
    logits, gradient = anchor.new_empty(len(anchor), len(anchor)), torch.empty_like(anchor)

    @torch.no_grad()
    def run() -> None:
        torch.mm(anchor, positive.T, out=logits)
        torch.mm(logits, positive, out=gradient)
        torch.mm(logits.T, anchor, out=gradient)

    return run


def _peak(run: timing.Run, device: torch.device) -> float:
    """MiB of tensors at most."""
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
        run()
        return (torch.cuda.max_memory_allocated() - before) / 2**20
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as seen:
        run()
    now, most = 0, 0
    for event in sorted(seen.profiler.kineto_results.events(), key=lambda event: event.start_ns()):
        now += event.nbytes() if event.name() == "[memory]" else 0
        most = max(most, now)
    return most / 2**20


def _tell(what: str, runs: dict[str, timing.Run], seconds: list[list[float]], device: torch.device) -> None:
    print(f"{what}:")
    ours = _peak(runs["ours"], device)
    for (name, run), taken in zip(runs.items(), seconds, strict=True):
        line = f"  {name}: {timing.spread([1000 * each for each in taken], '.1f')} ms"
        if name == "the matrix products alone":
            print(f"{line}, {statistics.median(timing.ratios(taken, seconds[0])):.2f} of ours")
            continue
        peak = _peak(run, device)
        line += f", {peak:.1f} MiB"
        if name != "ours":
            line += f"; ours takes {timing.spread(timing.ratios(seconds[0], taken))} of its time"
            line += f" and {ours / peak:.3f} of its memory"
        print(line)


def _arguments() -> argparse.Namespace:
    parser = timing.on_devices(timing.options(__doc__))
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES, help="N")
    return parser.parse_args()


if __name__ == "__main__":
    main()
