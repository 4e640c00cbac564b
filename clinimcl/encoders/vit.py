"""A small vision transformer over frames."""

from typing import final

from jaxtyping import Float
from monai.networks.nets.vit import ViT
from torch import Tensor, nn


@final
class FrameViT(nn.Module):
    """A 2-D vision transformer on every frame; the mean over patches and frames is the embedding.

    Frames are read one by one: their order does not matter, nor does their number. They must be square, `side` pixels.

    Source: Dosovitskiy et al. 2020, without the class token.
    """

    def __init__(self, side: int, patch: int, embedding: int, layers: int, heads: int) -> None:
        super().__init__()
        if side % patch:
            raise ValueError(f"side must be a multiple of patch={patch}, or pixels at the border are lost, got {side}")
        self.embedding = embedding
        self.transformer = ViT(
            in_channels=1,
            img_size=side,
            patch_size=patch,
            hidden_size=embedding,
            mlp_dim=4 * embedding,
            num_layers=layers,
            num_heads=heads,
            spatial_dims=2,
        )

    def forward(self, volume: Float[Tensor, "batch 1 frame side side"]) -> Float[Tensor, "batch embedding"]:
        clips, _, frames = volume.shape[:3]
        patches, _ = self.transformer(volume.flatten(0, 2)[:, None])
        return patches.mean(dim=1).unflatten(0, (clips, frames)).mean(dim=1)
