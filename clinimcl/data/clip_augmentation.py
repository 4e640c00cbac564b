"""What may differ between two clips of one lung: the probe's place, gain, contrast, noise. All frames alike."""

from dataclasses import dataclass
from typing import NamedTuple, final

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional


class ClipDraw(NamedTuple):
    """The random numbers of a batch; `ClipAugmentation.apply` computes from them without further chance."""

    pose: Float[Tensor, "batch 2 3"]  # maps the new frame's normalised coordinates to the old one's
    gain: Float[Tensor, " batch"]
    gamma: Float[Tensor, " batch"]
    noise: Float[Tensor, "batch 1 frame height width"]


@final
@dataclass(frozen=True)
class ClipAugmentation:
    rotation: float  # degrees, largest angle
    shift: float  # share of the side, largest along each axis
    scale: float  # standard deviation of the log scale
    flip: bool  # left and right exchanged in half of the clips
    gain: float  # standard deviation of the log gain
    contrast: float  # standard deviation of the log gamma
    noise: float  # largest standard deviation, in units of intensity

    def __post_init__(self) -> None:
        if min(self.rotation, self.shift, self.scale, self.gain, self.contrast, self.noise) < 0:
            raise ValueError("the sizes of an augmentation must be at least 0: one of them is negative")

    def draw(self, volume: Float[Tensor, "batch 1 frame height width"], generator: torch.Generator) -> ClipDraw:
        batch, device = len(volume), volume.device

        def uniform(*shape: int) -> Tensor:
            return torch.rand(shape, generator=generator, device=device) * 2 - 1

        def normal(*shape: int) -> Tensor:
            return torch.randn(shape, generator=generator, device=device)

        angle = torch.deg2rad(self.rotation * uniform(batch))
        turn = torch.stack([angle.cos(), -angle.sin(), angle.sin(), angle.cos()], dim=1).view(batch, 2, 2)
        mirror = torch.ones(batch, 1, 2, device=device)
        mirrored = uniform(batch) < 0
        if self.flip:
            mirror[:, 0, 0] = torch.where(mirrored, -1.0, 1.0)
        matrix = turn * torch.exp(self.scale * normal(batch, 1, 1)) * mirror
        return ClipDraw(
            pose=torch.cat([matrix, 2 * self.shift * uniform(batch, 2, 1)], dim=2),
            gain=torch.exp(self.gain * normal(batch)),
            gamma=torch.exp(self.contrast * normal(batch)),
            noise=self.noise * uniform(batch, 1, 1, 1, 1).abs() * normal(*volume.shape),
        )

    @staticmethod
    def apply(
        volume: Float[Tensor, "batch 1 frame height width"], draw: ClipDraw
    ) -> Float[Tensor, "batch 1 frame height width"]:
        """Intensities stay in [0, 1]; what is moved in from outside of the frame is 0."""
        batch, _, frames, height, width = volume.shape
        grid = functional.affine_grid(draw.pose, [batch, 1, height, width], align_corners=False)
        moved = functional.grid_sample(volume.float().view(batch, frames, height, width), grid, align_corners=False)
        wide = (slice(None), None, None, None)
        contrasted = moved.clamp(min=0).pow(draw.gamma[wide]) * draw.gain[wide]
        return (contrasted[:, None] + draw.noise).clamp(0, 1)
