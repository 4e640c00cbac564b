"""python benchmarks/step.py: a training step in bf16 at its best settings, beside float32 eager in the default layout.

A step of contrastive pretraining (forward, InfoNCE, backward, AdamW) on 96³ float16 scans, with the paper's encoder and
with a 3-D ResNet-18. Every setting that is tried has its row, so that the best is seen and not only told; fused AdamW
and `torch.compile`, which hardly gain on a CPU, are tried on a GPU or by `--more`. They take turns within one process,
which keeps freed memory as training does, and the ratio is taken within each turn. Losses are compared first. What the
machine's own bf16 gains in a matrix product stands beside; where that is a loss, bf16 is left out.
"""

import argparse
import statistics
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import timing
import torch
from torch import nn

from clinimcl import memory
from clinimcl.data.batches import PairBatch
from clinimcl.encoders.cnn3d_paper import CNN3dPaper
from clinimcl.encoders.projector import Projector
from clinimcl.encoders.resnet18_3d import ResNet18In3d
from clinimcl.errors import UserError
from clinimcl.losses.info_nce import InfoNCE
from clinimcl.modules.contrastive import ContrastivePretraining
from clinimcl.training.compilation import Step

SIDE, LOSS = 96, 0.01  # voxels; share of the loss by which bf16 may differ


class Work(NamedTuple):
    """An encoder, the pairs of a step, and what the best setting is to reach."""

    encoder: Callable[[], nn.Module]
    pairs: int
    floor: float
    aim: float


class Setting(NamedTuple):
    bf16: bool
    channels_last: bool
    compiled: bool = False
    fused: bool | None = None

    def __str__(self) -> str:
        said = ["bf16" if self.bf16 else "float32", "channels last" if self.channels_last else "default layout"]
        return ", ".join([*said, *["compiled"] * self.compiled, *["fused AdamW"] * bool(self.fused)])


WORKS = {
    "the paper's encoder": Work(partial(CNN3dPaper, channels=[16, 32, 64, 128], embedding=256), 8, 2.5, 3.0),
    "3-D ResNet-18": Work(partial(ResNet18In3d, SIDE), 2, 1.5, 2.0),
}


def main() -> None:
    arguments = _arguments()
    memory.keep_freed()
    device = timing.device(arguments.device)
    print(f"a step on {SIDE}³ scans on {device}, {torch.get_num_threads()} threads; {timing.load()} before")
    settings = _settings(timing.has_bf16(device, arguments.repeats), more=arguments.more or device.type == "cuda")
    for name, work in WORKS.items():
        _measure(name, work, settings, arguments.repeats, device)
    print(f"{timing.load()} after")


def _settings(bf16: bool, more: bool) -> list[Setting]:
    """The default first, then what may be faster."""
    kinds = [False, True] if bf16 else [False]
    tried = [Setting(half, last) for half in kinds for last in (False, True)]
    if more:
        tried.append(Setting(bf16, channels_last=True, fused=True))
    if more and _compiles():
        tried.append(Setting(bf16, channels_last=True, compiled=True, fused=True))
    return tried


def _measure(name: str, work: Work, settings: list[Setting], repeats: int, device: torch.device) -> None:
    batch = _batch(work.pairs, device)
    _compare(name, work, settings, batch)
    seconds = timing.in_turns([_step(work, one, batch) for one in settings], repeats, device)
    gains = [timing.ratios(seconds[0], own) for own in seconds]
    for one, own, gain in zip(settings, seconds, gains, strict=True):
        print(f"{name}, {work.pairs} pairs, {one}: {timing.spread(own, '.3f')} s, {timing.spread(gain)} times as fast")
    best = max(range(len(settings)), key=lambda index: (settings[index].bf16, statistics.median(gains[index])))
    goal = f"goal at least {work.floor}, aim {work.aim}" if settings[best].bf16 else "no goal without bf16"
    print(f"{name}: {settings[best]} is {timing.spread(gains[best])} times as fast as {settings[0]}, {goal}")


def _batch(pairs: int, device: torch.device) -> PairBatch:
    generator = torch.Generator(device).manual_seed(0)
    heads = torch.rand(2, pairs, 1, SIDE, SIDE, SIDE, generator=generator, device=device).half()
    return PairBatch(*heads, torch.arange(pairs, device=device), torch.ones(pairs, device=device))


def _module(work: Work, setting: Setting, device: torch.device) -> ContrastivePretraining:
    torch.manual_seed(0)
    encoder = work.encoder()
    Step(setting.channels_last, setting.compiled).lay_out(encoder)
    assert isinstance(encoder.embedding, int)
    module = ContrastivePretraining(
        encoder=encoder,
        projector=Projector(encoder.embedding, hidden=256, projection=128),
        objective=InfoNCE(temperature=0.07, symmetric=False),
        augmentation=None,
        optimizer=partial(torch.optim.AdamW, lr=1e-4, weight_decay=1e-4, fused=setting.fused),
        schedule=None,
        seed=0,
    )
    module.log = lambda *_, **__: None  # type: ignore[method-assign]  # which needs a trainer
    if setting.compiled:
        module.encoder.compile()
        module.projector.compile()
    return module.to(device)


def _loss(module: ContrastivePretraining, setting: Setting, batch: PairBatch) -> torch.Tensor:
    with torch.autocast(batch.anchor.device.type, torch.bfloat16, enabled=setting.bf16):
        return module.training_step(batch, 0)


def _step(work: Work, setting: Setting, batch: PairBatch) -> timing.Run:
    module = _module(work, setting, batch.anchor.device)
    optimizer: Any = module.configure_optimizers()

    def step() -> None:
        _loss(module, setting, batch).backward()
        optimizer.step()
        optimizer.zero_grad()

    return step


def _compare(name: str, work: Work, settings: list[Setting], batch: PairBatch) -> None:
    losses = []
    for setting in (one for one in settings if not one.compiled and one.fused is None):
        with torch.no_grad():
            losses.append(float(_loss(_module(work, setting, batch.anchor.device), setting, batch)))
    furthest = max(abs(loss - losses[0]) / losses[0] for loss in losses)
    assert furthest <= LOSS, f"the losses differ by {furthest:.1e}"
    print(f"{name}: the losses differ by {furthest:.1e}, at most {LOSS:g} of it")


def _compiles() -> bool:
    try:
        Step(channels_last=True, compile=True).check()
    except UserError as error:
        print(f"nothing is compiled: {error}")
        return False
    return True


def _arguments() -> argparse.Namespace:
    parser = timing.on_devices(timing.options(__doc__))
    parser.add_argument(
        "--more", action="store_true", help="fused AdamW and torch.compile, too, as on a GPU: minutes more on a CPU"
    )
    return parser.parse_args()


if __name__ == "__main__":
    main()
