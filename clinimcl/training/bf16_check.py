"""Whether this processor computes a network's convolutions in bf16 as it does in float32."""

import math
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, final

import lightning.pytorch as pl
import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.modules.conv import _ConvNd

LIMIT = 0.05  # of the largest value; rounding to bf16 explains an eighth of it on any processor
SCANS = 2  # that the shapes are tried with
TRIES, SMALL = 5, 2**18  # of a convolution that sees fewer numbers: it may be right by chance, as below


@final
class KeepNumbersRight(pl.Callback):
    """Before the first batch in bf16 on a CPU: convolutions that it gets wrong are taken out of bf16, and named.

    torch 2.13 does not write all weights' gradients of a convolution whose input is 1 or 2 wide, on CPUs with bf16
    (seen with AMX and with AVX-512 alone): they are what the memory held before, up to 1e38.
    """

    def __init__(self) -> None:
        self._checked = False

    def on_validation_batch_start(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, batch: Any, *_: Any
    ) -> None:
        self._check(trainer, pl_module, batch)

    def on_train_batch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule, batch: Any, *_: Any) -> None:
        self._check(trainer, pl_module, batch)

    def _check(self, trainer: pl.Trainer, pl_module: pl.LightningModule, batch: Any) -> None:
        """Every batch has scans, or their embeddings, for its first part."""
        half = trainer.precision == "bf16-mixed" and trainer.strategy.root_device.type == "cpu"
        if half and not self._checked:
            assert isinstance(pl_module.encoder, nn.Module)
            told = keep_right(pl_module.encoder, batch[0][:SCANS].float())
            if told and trainer.is_global_zero:
                print(told, file=sys.stderr)
        self._checked = True


def keep_right(network: nn.Module, volume: Float[Tensor, "batch ..."]) -> str:
    """Convolutions that bf16 makes wrong compute in float32 from now on; a sentence that names them, or nothing."""
    wrong = {name: error for name, error in errors(network, volume).items() if not error <= LIMIT}
    for name in wrong:
        _keep_in_float32(network.get_submodule(name))
    named = ", ".join(f"{name} (error {error:.1g})" for name, error in wrong.items())
    return f"clinimcl: in float32, since this CPU gets them wrong in bf16: the convolutions {named}" if wrong else ""


@torch.inference_mode(False)  # validation is in that mode
def errors(network: nn.Module, volume: Float[Tensor, "batch ..."]) -> dict[str, float]:
    """Of each convolution in bf16, on the shape that it sees: how far its output and gradients are from float32's.

    The largest difference as a share of the largest value; NaN where there is no number. The network stays as it is.
    """
    found: dict[str, float] = {}
    training = network.training
    hooks = [
        layer.register_forward_hook(lambda layer, seen, _, name=name: found.update({name: _error(layer, seen[0])}))
        for name, layer in network.named_modules()
        if isinstance(layer, _ConvNd)
    ]
    network.eval()  # batch norm learns nothing from it
    with torch.no_grad():
        network.forward(volume)  # and not its call, which may be compiled
    network.train(training)
    for hook in hooks:
        hook.remove()
    return found


def _error(layer: nn.Module, seen: Tensor) -> float:
    tries = TRIES if seen.numel() < SMALL else 1
    return max((_tried(layer, _numbers(seen)) for _ in range(tries)), key=_badness)


def _tried(layer: nn.Module, given: Tensor) -> float:
    parameters = [one for one in layer.parameters() if one.requires_grad]
    answers: list[list[Tensor]] = []
    with _drawn_weights(layer):
        for half in (False, True):
            _spoil(layer)
            with torch.enable_grad(), torch.autocast("cpu", torch.bfloat16, enabled=half):
                output = layer.forward(given)
            answers.append([output, *torch.autograd.grad(output, [given, *parameters], _numbers(output))])
    return max((_difference(*pair) for pair in zip(*answers, strict=True)), key=_badness)


@contextmanager
def _drawn_weights(layer: nn.Module) -> Iterator[None]:
    """For a while: what is found depends on shapes and the processor alone, not on what the layer has learnt."""
    own = [(one, one.data) for one in layer.parameters()]
    for one, _ in own:
        one.data = _numbers(one).detach()
    yield
    for one, data in own:
        one.data = data


def _spoil(layer: nn.Module) -> None:
    """Free memory of the sizes that gradients will take holds no numbers: what is not written will show."""
    for kind in (torch.float32, torch.bfloat16):
        for one in layer.parameters():
            _ = [torch.full(one.shape, torch.nan, dtype=kind) for _ in range(4)]


def _badness(error: float) -> float:
    return math.inf if math.isnan(error) else error


def _numbers(like: Tensor) -> Tensor:
    """Always the same draw of the integers from −2 to 2, in the shape, type and layout of another tensor.

    bf16 holds them, their products and sums up to 256: rounding takes little, in whatever order and precision a
    processor adds. Of other numbers it takes four times as much where torch adds in bf16 (AVX2 alone).
    """
    generator = torch.Generator().manual_seed(0)
    drawn = torch.randint(-2, 3, like.shape, generator=generator)
    return torch.empty_like(like, requires_grad=False).copy_(drawn).requires_grad_()


def _difference(exact: Tensor, half: Tensor) -> float:
    largest = exact.detach().abs().max().clamp(min=torch.finfo(torch.float32).tiny)
    return ((half.detach().float() - exact.detach()).abs().max() / largest).item()


def _keep_in_float32(layer: nn.Module) -> None:
    forward = layer.forward

    def in_float32(given: Tensor) -> Tensor:
        with torch.autocast("cpu", enabled=False):
            return forward(given.float())

    layer.forward = in_float32  # in place, so that weights keep their names
