"""A volume as its voxels lie in memory, so that who goes through it reads them one after the other."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Shaped


class Layout(NamedTuple):
    """Axis k of `voxels` is axis `axes[k]` of the volume, running against it where `flipped[k]`."""

    voxels: Shaped[np.ndarray, "slow middle fast"]  # C-contiguous
    axes: tuple[int, ...]
    flipped: tuple[bool, ...]

    def turned(self, of_axes: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Arrays of the volume's axes, their last index that of the voxel, in the order and direction of memory."""
        pairs = zip(self.axes, self.flipped, strict=True)
        return [of_axes[axis][..., ::-1] if flipped else of_axes[axis] for axis, flipped in pairs]


def as_stored(volume: Shaped[np.ndarray, "x y z"]) -> Layout:
    """Nothing is copied, save where the voxels lie in memory with gaps."""
    order = np.argsort([-abs(stride) for stride in volume.strides], kind="stable")
    flipped = [volume.strides[axis] < 0 for axis in order]
    voxels = volume.transpose(order)[tuple(slice(None, None, -1 if backward else 1) for backward in flipped)]
    return Layout(np.ascontiguousarray(voxels), tuple(order.tolist()), tuple(flipped))
