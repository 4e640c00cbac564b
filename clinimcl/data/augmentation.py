"""What may differ between two scans of one head: pose, bias, contrast, noise. A whole batch at once, on its device."""

from dataclasses import dataclass
from typing import NamedTuple, final

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional


class Draw(NamedTuple):
    """The random numbers of a batch; `Augmentation.apply` computes from them without further chance."""

    pose: Float[Tensor, "batch 3 4"]  # maps the new scan's normalised coordinates to the old one's
    bias: Float[Tensor, "batch 1 4 4 4"]  # log of the bias field on a coarse grid
    gamma: Float[Tensor, " batch"]
    noise: Float[Tensor, "batch 1 x y z"]


@final
@dataclass(frozen=True)
class Augmentation:
    rotation: float  # degrees, largest angle about each axis
    shift: float  # share of the field of view, largest along each axis
    scale: float  # standard deviation of the log scale of each axis
    bias: float  # standard deviation of the log bias field
    contrast: float  # standard deviation of the log gamma
    noise: float  # largest standard deviation of the noise, in units of intensity
    same_pose_in_pair: bool  # both scans of a pair are moved alike

    def __post_init__(self) -> None:
        if min(self.rotation, self.shift, self.scale, self.bias, self.contrast, self.noise) < 0:
            raise ValueError("the sizes of an augmentation must be at least 0: one of them is negative")

    def draw(self, volume: Float[Tensor, "batch 1 x y z"], generator: torch.Generator) -> Draw:
        """For a batch whose first half are anchors and whose second half are their positives."""
        batch, device = len(volume), volume.device

        def uniform(*shape: int) -> Tensor:
            return torch.rand(shape, generator=generator, device=device) * 2 - 1

        def normal(*shape: int) -> Tensor:
            return torch.randn(shape, generator=generator, device=device)

        poses = batch // 2 if self.same_pose_in_pair else batch
        angles = torch.deg2rad(self.rotation * uniform(poses, 3))
        matrix = _rotation(angles) * torch.exp(self.scale * normal(poses, 1, 3))
        pose = torch.cat([matrix, 2 * self.shift * uniform(poses, 3, 1)], dim=2)
        spread = self.noise * uniform(batch, 1, 1, 1, 1).abs()
        return Draw(
            pose=pose.repeat(batch // poses, 1, 1),
            bias=self.bias * normal(batch, 1, 4, 4, 4),
            gamma=torch.exp(self.contrast * normal(batch)),
            noise=spread * normal(*volume.shape),
        )

    @staticmethod
    def apply(volume: Float[Tensor, "batch 1 x y z"], draw: Draw) -> Float[Tensor, "batch 1 x y z"]:
        """Intensities stay at 0 or above; what is moved in from outside of the field of view is 0."""
        moved = functional.grid_sample(volume.float(), _grid(draw.pose, volume.shape[2:]), align_corners=False)
        bias = functional.interpolate(draw.bias, size=volume.shape[2:], mode="trilinear", align_corners=True)
        contrasted = moved.clamp_(min=0).pow_(draw.gamma[:, None, None, None, None])
        return contrasted.mul_(bias.exp_()).add_(draw.noise).clamp_(min=0)


def _grid(pose: Float[Tensor, "batch 3 4"], sides: torch.Size) -> Float[Tensor, "batch x y z 3"]:
    """`affine_grid` as a sum of three axes, which takes a third of the time of its matrix product."""
    z, y, x = ((torch.arange(side, device=pose.device) * 2 + 1) / side - 1 for side in sides)
    along_x, along_y, along_z, shift = (column[:, None, :] for column in pose.unbind(dim=2))
    plane = (along_z * z[:, None])[:, :, None] + (along_y * y[:, None] + shift)[:, None]
    return plane[:, :, :, None] + (along_x * x[:, None])[:, None, None]


def _rotation(angles: Float[Tensor, "batch 3"]) -> Float[Tensor, "batch 3 3"]:
    """One turn whose axis and angle are the vector of the three angles: the exponential of its skew matrix."""
    x, y, z = angles.T
    zero = torch.zeros_like(x)
    skew = torch.stack([zero, -z, y, z, zero, -x, -y, x, zero], dim=1).view(-1, 3, 3)
    return torch.linalg.matrix_exp(skew)
