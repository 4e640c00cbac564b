"""The encoder of the LEARNER paper: a 2-D ResNet-18 over frames, with shifts between them."""

from typing import final

import torch
from jaxtyping import Float
from monai.networks.nets.resnet import ResNet
from torch import Tensor

from clinimcl.encoders.temporal_shift import ShiftedBlock

WIDTHS = [64, 128, 256, 512]  # channels of the four stages


@final
class TsmResNet18(ResNet):
    """ResNet-18 on every frame; the mean over positions and frames is the embedding.

    A clip may have any number of frames, and a volume's slices along its first axis are frames, too. Names and shapes
    of the parameters are torchvision's, without its `fc`, so that its weights load. Batch norm stays, as in the paper:
    in training a clip's embedding depends on its batch; in evaluation (and so in a frozen encoder) it does not.
    `shift_share` of the channels is taken from the next frame and as many from the last; 0 leaves frames alone.

    Source: Lin et al. 2019 (TSM), residual shift; He et al. 2016.
    """

    def __init__(self, shift_share: float) -> None:
        if not 0 <= shift_share <= 0.5:
            raise ValueError(f"shift_share must lie between 0 and 0.5 (it is taken twice), got {shift_share}")
        super().__init__(
            ShiftedBlock,
            layers=[2, 2, 2, 2],
            block_inplanes=WIDTHS,
            spatial_dims=2,
            n_input_channels=1,
            conv1_t_stride=2,
            feed_forward=False,
            bias_downsample=False,
        )
        self.embedding = WIDTHS[-1]
        self._shift_share = shift_share
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # faster on CPUs and on GPUs

    def forward(self, volume: Float[Tensor, "batch 1 frame height width"]) -> Float[Tensor, "batch embedding"]:
        clips, _, frames = volume.shape[:3]
        features = self.maxpool(self.act(self.bn1(self.conv1(volume.flatten(0, 2)[:, None]))))
        for stage in (self.layer1, self.layer2, self.layer3, self.layer4):
            for block in stage:
                features = block(features, frames, self._shift_share)
        return features.mean(dim=(2, 3), dtype=torch.float32).unflatten(0, (clips, frames)).mean(dim=1)
