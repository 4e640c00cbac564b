"""Slices that lie beside one another (a tilted gantry) → the volume that they would be, straight."""

import math
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Shaped
from scipy.ndimage import affine_transform

from clinimcl.preparation.formats.dicom.slices import Slice
from clinimcl.preparation.formats.placing import LEAST_LEAN, MOST_LEAN
from clinimcl.preparation.formats.reading import UnusableScan

FINEST = 3  # decimals of a column or a row that mean something
STRAIGHTENED = "its slices lean (a tilted gantry) and were moved straight"


def offsets_of(slices: Sequence[Slice], heights: Float[np.ndarray, " slice"]) -> Float[np.ndarray, "slice 2"] | None:
    """Columns and rows by which each slice lies beside the first; None if they lean by a degree at most.

    Args:
        heights: mm of the slices along their normal.

    Raises:
        UnusableScan: with the angle, if they lean too much, or the distance, if they do not lie on a line.
    """
    along = heights - heights[0]
    axes = slices[0].axes.reshape(2, 3)
    sideways = (np.array([one.position for one in slices]) - slices[0].position) @ axes.T  # mm
    slope = sideways[-1] / along[-1]
    bent = np.linalg.norm(sideways - np.outer(along, slope), axis=1).max()
    if bent > max(slices[0].spacing):
        raise UnusableScan(f"its slices do not lie behind one another: one lies {bent:.3g} mm beside the others")
    degrees = math.degrees(math.atan(float(np.linalg.norm(slope))))
    if degrees > MOST_LEAN:
        raise UnusableScan(f"leans by {degrees:.3g} degrees (a tilted gantry), expected at most {MOST_LEAN:g}")
    return np.round(sideways / slices[0].spacing[::-1], FINEST) if degrees > LEAST_LEAN else None


def straight_shape(shape: tuple[int, int, int], offsets: Float[np.ndarray, "slice 2"] | None) -> tuple[int, int, int]:
    """Wide enough for each slice where it lies."""
    if offsets is None:
        return shape
    columns, rows = np.ceil(offsets.max(0)) - straight_start(offsets)
    return shape[0] + int(columns), shape[1] + int(rows), shape[2]


def straight_start(offsets: Float[np.ndarray, "slice 2"]) -> Float[np.ndarray, " 2"]:
    """Column and row, counted from the first slice's, at which the straight volume begins."""
    return np.floor(offsets.min(0))


def straightened(
    volume: Shaped[np.ndarray, "column row slice"], offsets: Float[np.ndarray, "slice 2"]
) -> Float[np.ndarray, "wide tall slice"]:
    """Each slice where it lies, by linear interpolation; around it all is as dark as the darkest voxel."""
    wide, tall, count = straight_shape(volume.shape, offsets)
    straight = np.empty((tall, wide, count), np.float32).swapaxes(0, 1)
    dark, least = float(volume.min()), straight_start(offsets)
    for index in range(count):
        straight[:, :, index] = affine_transform(
            volume[:, :, index].astype(np.float32),
            np.ones(2),
            least - offsets[index],
            output_shape=(wide, tall),
            order=1,
            cval=dark,
        )
    return straight
