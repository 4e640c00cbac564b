"""What should be looked at before an answer is believed."""

import numpy as np
from jaxtyping import Num

from clinimcl.config.settings import days
from clinimcl.inference.card import Limits
from clinimcl.inference.input_scans import Given
from clinimcl.preparation.formats.reading import Scan

CUT = 0.15  # share of the largest plane's head that a border plane may show
SIDES = {(0, 0): "left", (0, -1): "right", (1, 0): "back", (1, -1): "front", (2, -1): "top"}  # the neck is always cut


def flags(
    limits: Limits, likeness: float | None, volumes: list[Scan], days: tuple[str | None, str | None]
) -> list[str]:
    """In sentences; of `volumes`, the earlier one first, where the scans are such."""
    found = []
    if likeness is not None and limits.likeness is not None and likeness < limits.likeness:
        found.append(
            "these may be two people: the scans are less alike than those of 95 % of the pairs of one person "
            f"(likeness {likeness:.0f}, at least {limits.likeness:.0f} is usual)"
        )
    if reversed_days(*days):
        found.append("the dates are reversed: the scan that was given as the later one is the earlier one")
    for role, scan in zip(("earlier", "later"), volumes, strict=False):
        sides = cut_sides(scan.voxels)
        if sides:
            found.append(f"the field of view of the {role} scan cuts the head at its {' and its '.join(sides)}")
    return found


def assumptions(*scans: Given) -> list[str]:
    """What was assumed as the scans were read, as preparation counts it."""
    return [f"of the {scan.role} scan: {scan.decoded.remark}" for scan in scans if scan.decoded.remark]


def cut_sides(voxels: Num[np.ndarray, "x y z"]) -> list[str]:
    """Where the head reaches the border of the scan with more than a tip of it.

    Bright is what exceeds half of the mean of what is brighter than the mean, as for the head's centre.
    """
    coarse = voxels[tuple(slice(None, None, max(1, size // 64)) for size in voxels.shape)].astype(np.float32)
    bright = coarse > 0.5 * coarse[coarse > coarse.mean()].mean()
    found = []
    for (axis, place), name in SIDES.items():
        areas = bright.sum(axis=tuple(other for other in range(3) if other != axis))
        if areas[place] > CUT * areas.max():
            found.append(name)
    return found


def reversed_days(earlier: str | None, later: str | None) -> bool:
    """
    Raises:
        UserError: one of them is no date.
    """
    first, last = days(earlier, later)
    return first is not None and last is not None and first > last
