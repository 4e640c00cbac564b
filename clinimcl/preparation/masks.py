"""A scan without what lies outside of its mask, which is brought onto it by its affine."""

import numpy as np
from jaxtyping import Bool, Float
from scipy import ndimage

from clinimcl.preparation.formats.scan import Scan, UnusableScan

SAME_PLACE = 0.1  # of a voxel, by which the corners of a mask and its scan may differ


def inside(mask: Scan, scan: Scan) -> Scan:
    """The scan; outside of the mask it has no signal.

    A mask of another grid is resampled. No signal is 0, or what is darkest inside where that is less.

    Raises:
        UnusableScan: the mask lies elsewhere, or does not say where.
    """
    kept = _on_grid(mask, scan)
    if not kept.any():
        raise UnusableScan("its mask lies beside it, or is empty: nothing of the scan is inside")
    least = np.percentile(scan.voxels[kept], 0.5, method="lower")
    return scan._replace(voxels=np.where(kept, scan.voxels, min(least, scan.voxels.dtype.type(0))))


def _on_grid(mask: Scan, scan: Scan) -> Bool[np.ndarray, "x y z"]:
    if (mask.affine is None) != (scan.affine is None):
        silent, other = ("mask", "scan") if mask.affine is None else ("scan", "mask")
        raise UnusableScan(
            f"its mask cannot be laid upon it: the header of the {silent} does not say where it lies, that of the "
            f"{other} does"
        )
    if mask.affine is None or scan.affine is None:
        return _of_one_shape(mask, scan)
    to_mask = np.linalg.inv(mask.affine) @ scan.affine
    if mask.voxels.shape == scan.voxels.shape and _is_identity(to_mask, scan.voxels.shape):
        return np.asarray(mask.voxels > 0.5)
    return _resampled(mask.voxels > 0.5, to_mask, scan.voxels.shape)


def _of_one_shape(mask: Scan, scan: Scan) -> Bool[np.ndarray, "x y z"]:
    if mask.voxels.shape != scan.voxels.shape:
        raise UnusableScan(f"its mask has shape {mask.voxels.shape}, the scan {scan.voxels.shape}")
    if not np.allclose(mask.spacing, scan.spacing, rtol=0.01):
        raise UnusableScan(f"its mask has voxels of {mask.spacing} mm, the scan of {scan.spacing} mm")
    return np.asarray(mask.voxels > 0.5)


def _is_identity(to_mask: Float[np.ndarray, "4 4"], shape: tuple[int, ...]) -> bool:
    corners = np.stack(np.meshgrid(*[(0.0, side - 1.0) for side in shape], indexing="ij")).reshape(3, -1)
    moved = to_mask[:3, :3] @ corners + to_mask[:3, 3:]
    return bool(np.abs(moved - corners).max() < SAME_PLACE)


def _resampled(
    mask: Bool[np.ndarray, "i j k"], to_mask: Float[np.ndarray, "4 4"], shape: tuple[int, ...]
) -> Bool[np.ndarray, "x y z"]:
    """Linear between the mask's voxels; beyond them it is empty."""
    share = ndimage.affine_transform(
        mask.astype(np.float32), to_mask[:3, :3], to_mask[:3, 3], shape, order=1, mode="grid-constant"
    )
    return np.asarray(share > 0.5)
