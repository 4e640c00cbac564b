"""The published encoder, for fidelity."""

from collections.abc import Sequence
from typing import final

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
                nn.MaxPool3d(2),
                nn.Conv3d(incoming, outgoing, 3, padding=1),
                nn.BatchNorm3d(outgoing),
                nn.ReLU(inplace=True),
            ]
        self.blocks = nn.Sequential(*blocks)
        self.embed = nn.Linear(channels[-1], embedding)

    def forward(self, volume: Float[Tensor, "batch 1 x y z"]) -> Float[Tensor, "batch embedding"]:
        return self.embed(self.blocks(volume).mean(dim=(2, 3, 4)))
