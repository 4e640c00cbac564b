"""Stored voxels and their affine → a scan on RAS axes."""

import math
import sys
from collections.abc import Callable

import nibabel as nib
import numpy as np
from jaxtyping import Float, Shaped
from nibabel.orientations import apply_orientation, inv_ornt_aff, io_orientation
from scipy import ndimage

from clinimcl.preparation.formats.background import without_marked_background, without_nan
from clinimcl.preparation.formats.memory_layout import as_stored
from clinimcl.preparation.formats.orientation import Placement
from clinimcl.preparation.formats.scan import FARTHEST, MOST_VOXELS, Scan, UnusableScan, check_bytes

MOST_MILLIMETRES = 1000.0
FINEST_MILLIMETRES = 0.05
LEAST_LEAN, MOST_LEAN = 1.0, 45.0  # degrees by which axes may differ from a right angle: undone between the two
Placing = Callable[[Shaped[np.ndarray, "i j k"], Placement], Scan]  # `placed`, its bounds given


def toward_ras(
    stored: Shaped[np.ndarray, "i j k"],
    affine: Float[np.ndarray, "4 4"],
    remark: str = "",
    *,
    known: bool = True,
    grey: bool = True,
    most_bytes: int = sys.maxsize,
) -> Scan:
    """Voxels turned and flipped toward RAS, to which `affine` leads in mm; a view of those given.

    Axes that lean against each other are resampled to right angles. A background that is no grey level becomes the
    least.

    Args:
        known: whether the affine tells where the volume lies in space.
        grey: whether its numbers are grey levels, of which a background may be none; those of a mask are not.
        most_bytes: of a volume that is resampled, which may be larger than the stored one.

    Raises:
        UnusableScan: a voxel is not finite, all are equal, or it would become too large.
    """
    stored, of_background = with_grey_background(stored) if grey else (_numbers_of_mask(stored), "")
    stored, affine, of_lean = straightened(stored, affine, most_bytes)
    orientation = io_orientation(affine)
    turned = affine @ inv_ornt_aff(orientation, stored.shape)
    x, y, z = nib.affines.voxel_sizes(turned).tolist()
    remarks = "; ".join(filter(None, (remark, of_background, of_lean)))
    return Scan(apply_orientation(stored, orientation), (x, y, z), remarks, turned if known else None)


def placed(
    stored: Shaped[np.ndarray, "i j k"],
    placement: Placement,
    *,
    grey: bool = True,
    most_bytes: int = sys.maxsize,
) -> Scan:
    """As `toward_ras`."""
    return toward_ras(
        stored,
        placement.affine,
        placement.remark,
        known=placement.known,
        grey=grey,
        most_bytes=most_bytes,
    )


def _numbers_of_mask(stored: Shaped[np.ndarray, "i j k"]) -> Shaped[np.ndarray, "i j k"]:
    """Checked; NaN is outside of a mask."""
    if stored.dtype.kind == "f" and np.isnan(stored.min()):
        stored = np.where(np.isnan(stored), stored.dtype.type(0), stored)
    check_voxels(stored)
    return stored


def check_geometry(affine: Float[np.ndarray, "4 4"], shape: tuple[int, ...], why: str = "") -> None:
    """Refuse before a voxel is read.

    Args:
        why: what of the header may explain an absurd size.

    Raises:
        UnusableScan: no head could have this place and extent.
    """
    if not has_place(affine):
        raise UnusableScan("has a singular affine: its voxels have no place in space")
    sizes = nib.affines.voxel_sizes(affine)
    extent = sizes * shape
    if min(sizes) < FINEST_MILLIMETRES or max(extent) > MOST_MILLIMETRES:
        sides = " × ".join(f"{side:g}" for side in extent)
        raise UnusableScan(f"has an absurd size: {sides} mm{why}")


def has_place(affine: Float[np.ndarray, "4 4"]) -> bool:
    """Whether it is finite and leads to three directions."""
    if not (np.abs(affine) < FARTHEST).all():  # nor NaN
        return False
    sizes = nib.affines.voxel_sizes(affine)
    return bool(min(sizes) > 0 and abs(np.linalg.det(affine[:3, :3])) >= 1e-3 * np.prod(sizes))


def lean(affine: Float[np.ndarray, "4 4"]) -> float:
    """Degrees by which two axes differ from a right angle, at most."""
    columns = affine[:3, :3] / nib.affines.voxel_sizes(affine)
    cosines = (columns.T @ columns)[np.triu_indices(3, 1)]
    return math.degrees(math.asin(min(1.0, float(np.abs(cosines).max()))))


def straightened(
    stored: Shaped[np.ndarray, "i j k"], affine: Float[np.ndarray, "4 4"], most_bytes: int = sys.maxsize
) -> tuple[Shaped[np.ndarray, "_ _ _"], Float[np.ndarray, "4 4"], str]:
    """Voxels at right angles, their affine, and a remark: as given, unless the axes lean against each other.

    The slices, across the axis with the widest step, keep their plane; each is shifted and stretched within it. The
    grid grows to hold every voxel; what it has beyond them is the least value.

    Raises:
        UnusableScan: they lean more than scanners do, or the grid would be too large.
    """
    degrees = lean(affine)
    if degrees <= LEAST_LEAN:
        return stored, affine, ""
    if degrees > MOST_LEAN:
        raise UnusableScan(f"is sheared: its axes lean by {degrees:.0f} degrees against each other")
    sizes = nib.affines.voxel_sizes(affine)
    order = sorted(range(3), key=lambda axis: (round(float(sizes[axis]), 3), axis))  # the slices' axis last
    frame, factor = np.linalg.qr(affine[:3, order])
    signs = np.sign(np.diag(factor))
    frame, factor = frame * signs, factor * signs[:, None]
    straight, to_straight = np.empty((3, 3)), np.empty((3, 3))
    straight[:, order] = frame * np.diag(factor)
    to_straight[np.ix_(order, order)] = factor / np.diag(factor)[:, None]
    corners = np.stack(np.meshgrid(*[(0, side - 1) for side in stored.shape], indexing="ij"))
    reached = np.tensordot(to_straight, corners, axes=1).reshape(3, -1)
    first = np.floor(reached.min(axis=1) + 1e-3)
    shape = tuple(int(side) for side in np.ceil(reached.max(axis=1) - 1e-3) - first + 1)
    if math.prod(shape) > MOST_VOXELS:
        raise UnusableScan(f"has an absurd size once its axes are at right angles: {shape} voxels")
    check_bytes(4 * math.prod(shape), most_bytes)
    back = np.linalg.inv(to_straight)
    voxels = ndimage.affine_transform(
        stored.astype(np.float32), back, back @ first, shape, order=1, cval=float(stored.min())
    )
    moved = np.eye(4)
    moved[:3, :3], moved[:3, 3] = straight, affine[:3, 3] + straight @ first
    return voxels, moved, "its axes lean against each other: it is resampled to right angles"


def with_grey_background(
    stored: Shaped[np.ndarray, "i j k"],
) -> tuple[Shaped[np.ndarray, "i j k"], str]:
    """Checked, its background one of its grey levels; and a remark where it was none.

    Before anything is interpolated, or levels between a marked background and tissue would come about.

    Raises:
        UnusableScan: a voxel is not finite, or all are equal.
    """
    if stored.dtype.kind == "f" and np.isnan(stored.min()):
        stored, remark = without_nan(stored)
        check_voxels(stored)
        return stored, remark
    check_voxels(stored)
    return without_marked_background(stored)


def check_voxels(voxels: Shaped[np.ndarray, "x y z"]) -> None:
    """
    Raises:
        UnusableScan: one is not finite, or all are equal.
    """
    kind = voxels.dtype.kind
    if kind == "f" and not np.isfinite([voxels.min(), voxels.max()]).all():  # NaN is passed on by both
        raise UnusableScan(
            "has voxels within it that are not finite numbers (NaN or infinite): set them to 0 where they stand for no "
            "signal (fslmaths -nan), and prepare it again"
        )
    if all((plane == voxels[0, 0, 0]).all() for plane in as_stored(voxels).voxels):
        raise UnusableScan("is constant: every voxel has the same value")
