"""Voxel intensities → [0, 1], the same for every scanner's units."""

import numpy as np
from jaxtyping import Float, Shaped

from clinimcl.preparation.reading import UnusableScan


def scale(voxels: Shaped[np.ndarray, "x y z"], *, percentile: float) -> Float[np.ndarray, "x y z"]:
    """Linear from the darkest half percent of the volume (0) to a high percentile of the head (1), clipped.

    The head is what is brighter than the volume's mean, so that neither the share of air nor one hot voxel moves
    the scale. `percentile` counts within the head.

    Raises:
        UnusableScan: no voxel is brighter than the mean, as float32 tells them apart.
    """
    flat = voxels.astype(np.float32)
    head = flat[flat > flat.mean(dtype=np.float64)]
    if not len(head):
        raise UnusableScan("has no range of intensities to scale")
    low, high = np.percentile(flat, 0.5), np.percentile(head, percentile)
    return np.clip((flat - low) / max(high - low, np.finfo(np.float32).tiny), 0, 1, dtype=np.float32)


def window(voxels: Shaped[np.ndarray, "x y z"], *, most: float) -> Float[np.ndarray, "x y z"]:
    """Linear from 0 (0) to `most` (1) in the file's own units, clipped: the paper's scaling."""
    return np.clip(voxels.astype(np.float32) / np.float32(most), 0, 1)
