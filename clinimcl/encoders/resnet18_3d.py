"""The field's usual encoder of volumes."""

from typing import final

import torch
from jaxtyping import Float
from monai.networks.nets.resnet import ResNet, ResNetBlock
from torch import Tensor, nn

WIDTHS = [64, 128, 256, 512]  # channels of the four stages
REDUCTION = 32  # voxels of a side that become one


@final
class ResNet18In3d(nn.Module):
    """MONAI's 3-D ResNet-18 with a first stride of 2; the mean over positions is the embedding.

    Batch norm as MONAI has it: in training a scan's embedding depends on its batch, through which a contrastive loss
    can leak; `cnn3d` has group norm instead. `grid` is the volume's side in voxels.

    Source: He et al. 2016; Hara et al. 2018.
    """

    def __init__(self, grid: int) -> None:
        super().__init__()
        if grid <= REDUCTION:  # and torch's bf16 convolution is wrong on some CPUs where one voxel is left
            raise ValueError(f"grid must be above {REDUCTION}, which this encoder makes one voxel of, got {grid}")
        self.embedding = WIDTHS[-1]
        self.network = ResNet(
            ResNetBlock,
            layers=[2, 2, 2, 2],
            block_inplanes=WIDTHS,
            spatial_dims=3,
            n_input_channels=1,
            conv1_t_stride=2,
            feed_forward=False,
            bias_downsample=False,
        )
        self.to(memory_format=torch.channels_last_3d)  # type: ignore[call-overload]  # faster on CPUs

    def forward(self, volume: Float[Tensor, "batch 1 x y z"]) -> Float[Tensor, "batch embedding"]:
        return self.network(volume)
