"""Where the head lies, and one resampling from the scan's voxels to the training grid."""

import numpy as np
from jaxtyping import Bool, Float
from scipy import ndimage

HEAD_MILLIMETRES = 170.0  # a head's height; what lies lower in the scan is neck and shoulders


def head_centre(voxels: Float[np.ndarray, "x y z"], spacing: tuple[float, float, float]) -> Float[np.ndarray, " 3"]:
    """Centre of mass of the head in mm from the first voxel's centre; intensities are its weights.

    Only the upper 170 mm below the crown count, or a scan that reaches to the shoulders would be centred on the neck.
    """
    head = _head(voxels)
    area = head.sum(axis=(0, 1))
    crown = int(np.flatnonzero(area > 0.05 * area.max())[-1])
    neck = max(0, crown - round(HEAD_MILLIMETRES / spacing[2]))
    weights = np.where(head, voxels, 0)[:, :, neck : crown + 1]
    return (np.array(ndimage.center_of_mass(weights)) + [0, 0, neck]) * spacing


def resample(
    voxels: Float[np.ndarray, "x y z"],
    spacing: tuple[float, float, float],
    *,
    centre: Float[np.ndarray, " 3"],
    grid: int,
    field_of_view: float,
) -> Float[np.ndarray, "grid grid grid"]:
    """A cube of `field_of_view` mm around `centre` on `grid` voxels a side; outside of the scan is 0.

    Separable, with a triangle as wide as the coarser of the two grids: linear interpolation when enlarging, low-pass
    when shrinking. Cropping and padding are part of the same step.
    """
    for axis in range(3):
        weights = triangle_weights(voxels.shape[0], spacing[axis], centre[axis], grid, field_of_view)
        voxels = np.tensordot(voxels, weights, axes=(0, 1))  # moves the axis to the end: three turns restore the order
    return voxels


def resample_rigidly(
    voxels: Float[np.ndarray, "x y z"],
    spacing: tuple[float, float, float],
    *,
    rotation: Float[np.ndarray, "3 3"],
    centre: Float[np.ndarray, " 3"],
    grid: int,
    field_of_view: float,
) -> Float[np.ndarray, "grid grid grid"]:
    """Like `resample` with the cube turned: its point p, in mm from its centre, is the scan's rotation·p + centre."""
    step = field_of_view / grid
    blur = [0.5 * np.sqrt(max(0.0, (step / size) ** 2 - 1)) for size in spacing]
    matrix = rotation * step / np.array(spacing)[:, None]
    offset = centre / spacing - matrix @ np.full(3, (grid - 1) / 2)
    smooth = ndimage.gaussian_filter(voxels, blur, mode="constant")
    return ndimage.affine_transform(smooth, matrix, offset, output_shape=(grid,) * 3, order=1, mode="grid-constant")


def stretch(voxels: Float[np.ndarray, "x y z"], shape: list[int]) -> Float[np.ndarray, "..."]:
    """Linear interpolation to another shape, whatever that does to the proportions."""
    factors = [new / old for new, old in zip(shape, voxels.shape, strict=True)]
    return ndimage.zoom(voxels, factors, order=1, mode="nearest", grid_mode=True)


def foreground_box(voxels: Float[np.ndarray, "x y z"]) -> tuple[slice, ...]:
    """The smallest box that holds every voxel above 0."""
    boxes = ndimage.find_objects((voxels > 0).astype(np.uint8))
    return tuple(boxes[0])


def _head(voxels: Float[np.ndarray, "x y z"]) -> Bool[np.ndarray, "x y z"]:
    return voxels > 0.5 * voxels[voxels > voxels.mean()].mean()


def triangle_weights(
    size: int, spacing: float, centre: float, grid: int, field_of_view: float
) -> Float[np.ndarray, "grid size"]:
    """What each of `size` samples gives to each of `grid` new ones; beyond the samples is 0."""
    step = field_of_view / grid
    targets = centre + (np.arange(grid) - (grid - 1) / 2) * step
    width = max(step, spacing)
    margin = int(np.ceil((field_of_view + abs(centre)) / spacing)) + 1  # the scan's lattice, continued past its edges
    lattice = np.arange(-margin, size + margin) * spacing
    weights = np.clip(1 - np.abs(targets[:, None] - lattice) / width, 0, None)
    weights /= np.maximum(weights.sum(axis=1, keepdims=True), np.finfo(float).tiny)
    return weights[:, margin:-margin].astype(np.float32)
