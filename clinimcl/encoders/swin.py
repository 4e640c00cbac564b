"""A small shifted-window transformer over frames."""

from collections.abc import Sequence
from typing import final

import torch
from jaxtyping import Float
from monai.networks.nets.swin_unetr import SwinTransformer
from torch import Tensor, nn

STAGES = 4


@final
class FrameSwin(nn.Module):
    """A 2-D Swin transformer on every frame; its last stage, averaged over positions and frames, is the embedding.

    Each stage of MONAI's halves the grid and doubles the width, the last one, too (not so in the paper): the embedding
    is 16 × `width`. Frames are read one by one: their order does not matter, nor do their number and size.

    Source: Liu et al. 2021.
    """

    def __init__(self, width: int, depths: Sequence[int], heads: Sequence[int], window: int, patch: int) -> None:
        super().__init__()
        if len(depths) != STAGES or len(heads) != STAGES:
            raise ValueError(f"depths and heads must have {STAGES} entries, one a stage, got {depths} and {heads}")
        self.embedding = width * 2**STAGES
        self.transformer = SwinTransformer(
            in_chans=1,
            embed_dim=width,
            window_size=(window, window),
            patch_size=(patch, patch),
            depths=depths,
            num_heads=heads,
            spatial_dims=2,
        )

    def forward(self, volume: Float[Tensor, "batch 1 frame height width"]) -> Float[Tensor, "batch embedding"]:
        clips, _, frames = volume.shape[:3]
        last = self.transformer(volume.flatten(0, 2)[:, None])[-1]
        return last.mean(dim=(2, 3), dtype=torch.float32).unflatten(0, (clips, frames)).mean(dim=1)
