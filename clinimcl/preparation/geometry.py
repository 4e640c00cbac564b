"""Where the head lies, and one resampling from the scan's voxels to the training grid."""

from collections.abc import Iterator

import numpy as np
from jaxtyping import Bool, Float, Float32, Int, Num
from scipy import ndimage

from clinimcl.preparation.formats.memory_layout import as_stored
from clinimcl.preparation.intensity import Levels
from clinimcl.preparation.interpolation import bands, span, triangle_weights

HEAD_MILLIMETRES = 170.0  # a head's height; what lies lower in the scan is neck and shoulders
CACHED = 2**18  # voxels worked on at a time: in float32 they stay in the cache of a core
NARROWEST, NARROW, WIDE = 3, 8, 24  # targets computed together along the slowest, the middle and the fastest axis


def head_centre(
    voxels: Num[np.ndarray, "x y z"], spacing: tuple[float, float, float], levels: Levels | None = None
) -> Float[np.ndarray, " 3"]:
    """Centre of mass of the head in mm from the first voxel's centre; intensities, between `levels`, are its weights.

    Only the upper 170 mm below the crown count, or a scan that reaches to the shoulders would be centred on the neck.
    """
    brightness = _head_brightness(voxels) if levels is None else levels.head
    stored = as_stored(voxels)
    places = stored.turned([np.arange(size) for size in voxels.shape])
    up = stored.axes.index(2)
    area = _area(stored.voxels, up, brightness)
    crown = places[up][area > 0.05 * area.max()].max()
    neck = crown - round(HEAD_MILLIMETRES / spacing[2])
    inside = np.flatnonzero((places[up] >= neck) & (places[up] <= crown))
    places[up] = places[up][inside]
    head = stored.voxels[(slice(None),) * up + (slice(inside[0], inside[-1] + 1),)]
    centre = np.empty(3)
    centre[list(stored.axes)] = _centre_of_mass(head, places, brightness, levels)
    return centre * spacing


def resample(
    voxels: Num[np.ndarray, "x y z"],
    spacing: tuple[float, float, float],
    *,
    centre: Float[np.ndarray, " 3"],
    grid: int,
    field_of_view: float,
    levels: Levels | None = None,
) -> Float32[np.ndarray, "grid grid grid"]:
    """A cube of `field_of_view` mm around `centre` on `grid` voxels a side; outside of the scan is 0.

    Separable, with a triangle as wide as the coarser of the two grids: linear interpolation when enlarging, low-pass
    when shrinking. Cropping and padding are part of the same step, and so is the scaling of `levels` to [0, 1].
    """
    stored = as_stored(voxels)
    weights = stored.turned(
        [
            triangle_weights(size, mm, place, grid, field_of_view)
            for size, mm, place in zip(voxels.shape, spacing, centre, strict=True)
        ]
    )
    cube = _contract(stored.voxels, weights, levels)
    if levels is not None:
        cube /= levels.high - levels.low
    return cube.transpose(np.argsort(stored.axes))


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


def _head_brightness(voxels: Float[np.ndarray, "x y z"]) -> float:
    return float(0.5 * voxels[voxels > voxels.mean(dtype=np.float64)].mean(dtype=np.float64))


def _brighter(voxels: Num[np.ndarray, "..."], brightness: float) -> Bool[np.ndarray, "..."]:
    """Whole numbers are compared as such, not turned into others first."""
    return voxels > (np.floor(brightness).astype(voxels.dtype) if voxels.dtype.kind in "iu" else brightness)


def _area(voxels: Num[np.ndarray, "slow middle fast"], up: int, brightness: float) -> Int[np.ndarray, " slice"]:
    """How many voxels of each slice across axis `up` are brighter."""
    masks = (_brighter(plane, brightness) for plane in voxels)
    if up == 0:
        return np.array([np.count_nonzero(mask) for mask in masks])
    return np.sum([np.count_nonzero(mask, axis=2 - up) for mask in masks], axis=0)


def _centre_of_mass(
    voxels: Num[np.ndarray, "slow middle fast"],
    places: list[Int[np.ndarray, "..."]],
    brightness: float,
    levels: Levels | None,
) -> Float[np.ndarray, " axis"]:
    """Of what is brighter, in `places` of its three axes."""
    slow, middle, fast = places
    across = np.stack([np.ones(len(fast)), fast], axis=1).astype(np.float32)
    down = np.stack([np.ones(len(middle)), middle])
    moments = np.empty((len(slow), 2, 2))  # of each plane, by powers of its places in the middle and the fast axis
    for part, planes in _planes(voxels, levels):
        head = planes * _brighter(voxels[part], brightness)
        moments[part] = down @ (head.astype(np.float32, copy=False) @ across)
    mass = moments[:, 0, 0]
    return np.array([slow @ mass, moments[:, 1, 0].sum(), moments[:, 0, 1].sum()]) / mass.sum()


def _contract(
    voxels: Num[np.ndarray, "slow middle fast"], weights: list[Float32[np.ndarray, "grid _"]], levels: Levels | None
) -> Float32[np.ndarray, "grid grid grid"]:
    """The weights of each axis applied, of the middle one first, as its planes are read while they are in the cache."""
    support = tuple(span(each) for each in weights)
    near = voxels[support]
    slow, middle, fast = (each[:, samples] for each, samples in zip(weights, support, strict=True))
    grid, columns = len(fast), near.shape[2]
    rows = np.empty((len(near), grid, columns), np.float32)
    narrow = bands(middle, NARROW)
    for part, planes in _planes(near, levels):
        signal = planes.astype(np.float32, copy=False)
        for band in narrow:
            np.matmul(band.weights, signal[:, band.samples], out=rows[part, band.targets])
    lines = np.empty((grid, grid, columns), np.float32)
    for band in bands(slow, NARROWEST):
        np.matmul(band.weights, _flat(rows[band.samples]), out=_flat(lines[band.targets]))
    cube = np.empty((grid * grid, grid), np.float32)
    for band in bands(fast, WIDE):
        np.matmul(lines.reshape(len(cube), columns)[:, band.samples], band.weights.T, out=cube[:, band.targets])
    return cube.reshape(grid, grid, grid)


def _flat(planes: Float32[np.ndarray, "plane row column"]) -> Float32[np.ndarray, "plane voxel"]:
    return planes.reshape(len(planes), planes.shape[1] * planes.shape[2])


def _planes(
    voxels: Num[np.ndarray, "slow middle fast"], levels: Levels | None
) -> Iterator[tuple[slice, Num[np.ndarray, "_ middle fast"]]]:
    """Some planes at a time, their excess over the lower level, where there are levels."""
    several = max(1, CACHED // max(1, voxels.shape[1] * voxels.shape[2]))
    for first in range(0, len(voxels), several):
        part = slice(first, min(first + several, len(voxels)))
        yield part, voxels[part] if levels is None else levels.excess(voxels[part])
