"""The published encoder, for fidelity."""

from collections.abc import Sequence
from typing import final

import torch
from jaxtyping import Float
from torch import Tensor, nn


@final
class CNN3dPaper(nn.Module):
    """Blocks of (max-pool 2, convolution 3³, batch norm, ReLU), global average, linear.

    The first layer max-pools the raw voxels, which erases thin dark structures: not for our own experiments.

    Source: ClinImCL, sections 2.3 and 2.4, and its public code.
    """

    def __init__(self, channels: Sequence[int], embedding: int) -> None:
        super().__init__()
        self.embedding = embedding
        blocks: list[nn.Module] = []
        for incoming, outgoing in zip([1, *channels], channels, strict=False):
            blocks += [
                nn.MaxPool3d(2) if blocks else HalveVolume(),
                nn.Conv3d(incoming, outgoing, 3, padding=1),
                nn.BatchNorm3d(outgoing),
                nn.ReLU(inplace=True),
            ]
        self.blocks = nn.Sequential(*blocks)
        self.embed = nn.Linear(channels[-1], embedding)
        self.to(memory_format=torch.channels_last_3d)  # type: ignore[call-overload]  # three quarters of a step on CPUs

    def forward(self, volume: Float[Tensor, "batch 1 x y z"]) -> Float[Tensor, "batch embedding"]:
        return self.embed(self.blocks(volume).mean(dim=(2, 3, 4)))


@final
class HalveVolume(nn.Module):
    """Max-pool 2 an axis at a time: torch's takes six times as long on CPUs where there is one channel.

    Without the gradient of torch's where voxels are equal, which the voxels of a scan have no need of.
    """

    def forward(self, volume: Float[Tensor, "batch 1 x y z"]) -> Float[Tensor, "batch 1 half_x half_y half_z"]:
        for axis in (2, 3, 4):
            whole = volume.narrow(axis, 0, volume.shape[axis] // 2 * 2)
            volume = torch.maximum(*whole.unflatten(axis, (-1, 2)).unbind(axis + 1))
        return volume
