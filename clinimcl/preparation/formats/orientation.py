"""How a volume lies: by its header, or by the user's word where the header does not say."""

from typing import NamedTuple

import nibabel as nib
import numpy as np
from jaxtyping import Float
from nibabel.orientations import axcodes2ornt

from clinimcl.preparation.formats.scan import FARTHEST, UnusableScan

UNTURNED = (
    "its affine turns no axis and puts the first voxel at 0, 0, 0, as tools write that know no orientation: it is "
    "taken as it stands (cohort.orientation says otherwise)"
)


class Placement(NamedTuple):
    """Where voxels lie."""

    affine: Float[np.ndarray, "4 4"]  # stored voxel to mm in RAS
    remark: str = ""
    known: bool = True  # False: nothing tells where the volume lies in space


def place(affine: Float[np.ndarray, "4 4"], orientation: str | None, remark: str = "") -> Placement:
    """By the header's affine, unless it is one that a tool writes which knows none.

    Args:
        orientation: the user's word; used for such an affine alone.
    """
    if not is_unturned(affine):
        return Placement(affine, remark)
    if orientation is not None:
        return place_unknown(nib.affines.voxel_sizes(affine), orientation)
    return Placement(affine, UNTURNED, known=False)


def place_unknown(
    sizes: Float[np.ndarray, " 3"], orientation: str | None, why: str = "has no orientation code"
) -> Placement:
    """By the user's word.

    Args:
        sizes: mm of the voxels along the stored axes.

    Raises:
        UnusableScan: there is none, or the voxels have no size.
    """
    if orientation is None:
        raise UnusableScan(
            f"its header does not say how it lies ({why}): set cohort.orientation to the directions "
            "toward which its stored axes run, such as LAS, or write the orientation into its header"
        )
    if not (sizes < FARTHEST).all():  # nor NaN
        raise UnusableScan("damaged: its header gives its voxels no finite size")
    affine = np.eye(4)
    affine[:3, :3] = axes_of(orientation) * sizes
    remark = f"its header does not say how it lies: cohort.orientation={orientation} is used"
    return Placement(affine, remark, known=False)


def axes_of(orientation: str) -> Float[np.ndarray, "3 3"]:
    """The direction in RAS, a column each, toward which each stored axis runs, as nibabel's axis codes."""
    axes = np.zeros((3, 3))
    for stored, (world, sign) in enumerate(axcodes2ornt(tuple(orientation))):
        axes[int(world), stored] = sign
    return axes


def is_unturned(affine: Float[np.ndarray, "4 4"]) -> bool:
    """Whether it runs along the axes of space, in their order, from a first voxel at 0, 0, 0.

    A scanner's never does: 0, 0, 0 is the middle of its bore. Tools write it that were given an array alone:
    nibabel's habit is the identity, ITK's the same in its own axes, which point left and back.
    """
    linear = affine[:3, :3]
    return bool(not affine[:3, 3].any() and np.count_nonzero(linear) == np.count_nonzero(np.diag(linear)) == 3)
