"""Frames that see their neighbours without a parameter more."""

from typing import Any, final

import torch
from jaxtyping import Float
from monai.networks.nets.resnet import ResNetBlock
from torch import Tensor


def temporal_shift(
    features: Float[Tensor, "frame channel height width"], frames: int, share: float
) -> Float[Tensor, "frame channel height width"]:
    """The first `share` of the channels comes from the next frame, the second from the one before, the rest stays.

    `features` holds clips of `frames` frames, one clip after the other; what would come from outside a clip is zero.

    Source: Lin et al. 2019 (TSM), section 3.
    """
    shifted = int(features.shape[1] * share)
    return _Shift.apply(features, frames, shifted) if shifted else features


@final
class ShiftedBlock(ResNetBlock):
    """A residual block whose first convolution sees shifted frames; its shortcut does not (residual shift)."""

    def forward(  # type: ignore[override]  # how many frames a clip has is known only now
        self, features: Float[Tensor, "frame channel height width"], frames: int, share: float
    ) -> Float[Tensor, "frame wider lower narrower"]:
        branch = self.act(self.bn1(self.conv1(temporal_shift(features, frames, share))))
        branch = self.bn2(self.conv2(branch))
        branch += features if self.downsample is None else self.downsample(features)
        return self.act(branch)


@final
class _Shift(torch.autograd.Function):
    """Its gradient is the shift the other way round: one copy, where autograd would take one a slice."""

    @staticmethod
    def forward(ctx: Any, features: Tensor, frames: int, shifted: int) -> Tensor:
        ctx.frames, ctx.shifted = frames, shifted
        return _moved(features, frames, slice(0, shifted), slice(shifted, 2 * shifted))

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        return _moved(gradient, ctx.frames, slice(ctx.shifted, 2 * ctx.shifted), slice(0, ctx.shifted)), None, None


def _moved(features: Tensor, frames: int, from_next: slice, from_last: slice) -> Tensor:
    moved = features.clone()
    source, target = (tensor.unflatten(0, (-1, frames)) for tensor in (features, moved))
    target[:, :-1, from_next] = source[:, 1:, from_next]
    target[:, -1, from_next] = 0
    target[:, 1:, from_last] = source[:, :-1, from_last]
    target[:, 0, from_last] = 0
    return moved
