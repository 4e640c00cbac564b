"""Backgrounds that are no grey level: NaN, a value far below all others, or one between the greys of the head."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Num, Shaped
from scipy import ndimage

from clinimcl.preparation.formats.memory_layout import as_stored

NAN = "its background is NaN: it is taken as no signal"
MARKED = "its background is a value far below the others: it is taken as no signal"
BETWEEN = "its background is a value between the others: it is taken as no signal"
FINEST, COARSEST = 24, 8  # least samples along an axis, and widest step between two
FEWEST, LEAST_SHARE = 3, 1e-4  # samples that mark a background, and their share
WIDE, NARROW = 1.0, 0.1  # gap to the other values, of their range; narrow where these begin at 0 or above
BORDER, ALL_BORDER = 0.7, 0.85  # of the outermost voxels have one value, if it is a background's
BELOW, DARKER = 0.05, 0.1  # share of the others that lie below it, by so much of their range
AIR, TISSUE = (-1100, -900), (-150, 150)  # of computed tomography
BONE = 300  # likewise: without any the skull was taken away, and the air around it stands for nothing
PADDING = (-2000, -2048, -3024, -3072, -4096, -8192, -9999, -10000, -32767, -32768)  # that scanners and tools write


class Sample(NamedTuple):
    """Of a volume: a lattice of its voxels, and one of those on its faces."""

    inner: Num[np.ndarray, " voxel"]
    border: Num[np.ndarray, " voxel"]


def without_marked_background(
    voxels: Num[np.ndarray, "i j k"],
) -> tuple[Num[np.ndarray, "i j k"], str]:
    """The volume with its background at its least grey level, and a remark; itself where that holds already.

    Decided by a sample of some ten thousand voxels. A far lower value is told by the gap above it, and by being a whole
    number, which it hardly is where a scan was scaled as a whole. Air of computed tomography is a grey level. A value
    between the others is that of nearly all voxels on the faces, while many lie below it by far more than interpolation
    rings.
    """
    sample = _sample(voxels)
    least = min(sample.inner.min(), sample.border.min())
    if least < 0:
        floor = _floor(least, sample)
        if floor is not None:
            return np.maximum(voxels, voxels.dtype.type(floor)), MARKED
    value = np.partition(sample.border, sample.border.size // 2)[sample.border.size // 2]
    if value > least and np.mean(sample.border == value) >= BORDER and _is_amid(value, sample.inner):
        return np.where(_is_background(voxels, value, sample), voxels.min(), voxels), BETWEEN
    return voxels, ""


def without_nan(voxels: Shaped[np.ndarray, "i j k"]) -> tuple[Shaped[np.ndarray, "i j k"], str]:
    """NaN that reaches in from the faces is no signal; the volume as it is where there is other."""
    missing = np.isnan(voxels)
    if missing.all() or not np.array_equal(_from_border(missing), missing):
        return voxels, ""
    return np.where(missing, min(0, voxels[~missing].min()), voxels), NAN


def _sample(voxels: Num[np.ndarray, "i j k"]) -> Sample:
    stored = as_stored(voxels).voxels
    steps = [max(1, min(COARSEST, side // FINEST)) for side in stored.shape]
    slow, middle, fast = (slice(side % step // 2, None, step) for side, step in zip(stored.shape, steps, strict=True))
    faces = (stored[[0, -1]][:, middle, fast], stored[slow, [0, -1]][..., fast], stored[slow, middle][..., [0, -1]])
    return Sample(stored[slow, middle, fast].ravel(), np.concatenate([face.ravel() for face in faces]))


def _floor(least: np.number, sample: Sample) -> float | None:
    """The level below which nothing is a grey level, if `least` marks a background."""
    values = np.concatenate(sample).astype(np.float64)
    rest = values[values > least]
    marked = values.size - rest.size
    if marked < max(FEWEST, LEAST_SHARE * values.size) or not rest.size:
        return None
    low, high = np.percentile(rest, (2, 99.5))
    gap = (low - least) / max(high - low, 1e-30)
    if (
        gap < (NARROW if low >= 0 or least in PADDING else WIDE)
        or _is_scaled(values)
        or _is_air(least, rest, sample, high)
    ):
        return None
    grey = rest[rest > (least + low) / 2]
    return min(0.0, float(np.percentile(grey, 0.5, method="lower")))


def _is_scaled(values: Num[np.ndarray, " voxel"]) -> bool:
    """Whether the volume was scaled as a whole, background and all: then that is no number that anybody chose.

    From -1 to 1, that is; where nothing lies between -1 and 0, -1 marks what is beside a volume from 0 to 1.
    """
    least = values.min()
    from_minus_one = least == -1 and 0.9 <= values.max() <= 1 and values[values > least].min() < 0
    return bool(not float(least).is_integer() or from_minus_one)


def _is_air(least: np.number, rest: Num[np.ndarray, " voxel"], sample: Sample, high: float) -> bool:
    around = np.mean(sample.border == least) >= ALL_BORDER
    is_head = TISSUE[0] <= np.median(rest) <= TISSUE[1] and high >= BONE
    return bool(AIR[0] <= least <= AIR[1] and is_head and around)


def _is_amid(value: np.number, inner: Num[np.ndarray, " voxel"]) -> bool:
    rest = inner[inner != value].astype(np.float64)
    if not rest.size:
        return False
    low, high = np.percentile(rest, (0.5, 99.5))
    return bool(np.mean(rest < float(value) - DARKER * (high - low)) >= BELOW)


def _is_background(voxels: Num[np.ndarray, "i j k"], value: np.number, sample: Sample) -> Bool[np.ndarray, "i j k"]:
    """Every voxel of that value; where values are whole, those that reach in from the faces: the head has it, too."""
    equal = voxels == value
    return _from_border(equal) if np.array_equal(sample.inner, np.rint(sample.inner)) else equal


def _from_border(mask: Bool[np.ndarray, "i j k"]) -> Bool[np.ndarray, "i j k"]:
    """The parts of it that touch a face."""
    parts, count = ndimage.label(mask)
    touching = np.zeros(count + 1, bool)
    for axis in range(3):
        touching[np.take(parts, [0, -1], axis=axis).ravel()] = True
    touching[0] = False
    return touching[parts]
