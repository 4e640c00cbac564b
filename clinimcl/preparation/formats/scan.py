"""A volume as it is read, and the reason why a scan cannot be used."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Shaped

MOST_VOXELS = 1024**3
FARTHEST = 1e9  # mm, or micrometres, where no scanner is


class UnusableScan(Exception):
    """A scan that cannot be used; its message is the reason, without a path or a name."""


class Scan(NamedTuple):
    """Voxels along the scanner's axes that are closest to right, anterior, superior (RAS); nothing is rotated.

    They may lie in memory in any order, and be read-only.
    """

    voxels: Shaped[np.ndarray, "x y z"]
    spacing: tuple[float, float, float]  # mm between voxel centres along x, y, z
    remark: str = ""  # what a user must know of how it was read, without a path or a name; "" for nothing
    affine: Float[np.ndarray, "4 4"] | None = None  # voxels to mm in RAS; None: nothing tells its place
    sized: bool = True  # False: the spacing is assumed


def check_bytes(size: int, most_bytes: int) -> None:
    """Refuse before memory is asked for.

    Raises:
        UnusableScan: more voxels than are wanted here.
    """
    if size > most_bytes:
        raise UnusableScan(f"has an absurd size: {size / 2**20:.0f} MiB of voxels")


def check_shape(shape: tuple[int, ...]) -> tuple[int, int, int]:
    """The three sides of a volume; further axes of one are left out, those of nothing count as one.

    Raises:
        UnusableScan: it is no volume, or an absurdly large one.
    """
    sides = (*shape[:3], *(max(size, 1) for size in shape[3:]))
    if max(sides[3:], default=1) > 1:
        raise UnusableScan(f"has {len(shape)} axes {sides}, expected one volume of 3 axes")
    if len(sides) < 3 or min(sides[:3]) < 2:
        raise UnusableScan(f"has shape {shape}, expected a volume of 3 axes")
    if np.prod(sides, dtype=object) > MOST_VOXELS:
        raise UnusableScan(f"has an absurd size: {shape} voxels")
    return sides[0], sides[1], sides[2]
