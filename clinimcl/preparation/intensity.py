"""Voxel intensities → [0, 1], the same for every scanner's units."""

from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from jaxtyping import Float, Float32, Integer, Num, Shaped

from clinimcl.preparation.formats.memory_layout import as_stored
from clinimcl.preparation.formats.reading import UnusableScan

DARKEST = 0.5  # percentile of the volume that becomes 0
MOST_VALUES = 2**16  # that are counted one by one
MOST_MODES = 2**15  # beyond it pyarrow sorts instead of counting


class Levels(NamedTuple):
    """Of one scan, in its own units; `low` < `high`."""

    low: np.float32  # becomes 0
    high: np.float32  # becomes 1
    head: float  # brighter is head: half of the mean of what is brighter than the mean, all clipped to low and high

    def excess(self, voxels: Num[np.ndarray, "*shape"]) -> Num[np.ndarray, "*shape"]:
        """What each exceeds `low` by, from 0 to high - low; in whole numbers, if they and the levels are."""
        kind = self._kind(voxels.dtype).type
        excess = voxels.astype(kind)
        np.clip(excess, kind(self.low), kind(self.high), out=excess)
        return np.subtract(excess, kind(self.low), out=excess)

    def _kind(self, stored: np.dtype) -> np.dtype:
        whole = float(self.low).is_integer() and float(self.high).is_integer()
        short = stored.kind in "iu" and stored.itemsize <= 2
        return stored if short and whole and self.high - self.low <= np.iinfo(stored).max else np.dtype(np.float32)


def levels(voxels: Num[np.ndarray, "x y z"], *, percentile: float) -> Levels:
    """From the darkest half percent of the volume to a high percentile of the head.

    Here the head is what is brighter than the volume's mean, so that neither the share of air nor one hot voxel moves
    the scale. `percentile` counts within the head. Whole numbers are counted, which tells the same as sorting them.

    Raises:
        UnusableScan: no voxel is brighter than the mean, as float32 tells them apart, or than the darkest.
    """
    flat = as_stored(voxels).voxels.reshape(-1)
    if flat.dtype.kind in "iu":
        least, most = pc.min_max(pa.array(flat)).as_py().values()
        if most - least < MOST_VALUES:
            return _levels_of_counts(*_count(flat, least, most), percentile)
    return _levels_of_values(flat.astype(np.float32), percentile)


def scale(voxels: Num[np.ndarray, "x y z"], *, percentile: float) -> Float32[np.ndarray, "x y z"]:
    """Linear between the levels, clipped to [0, 1].

    Raises:
        UnusableScan: as `levels`.
    """
    found = levels(voxels, percentile=percentile)
    scaled = found.excess(voxels).astype(np.float32, copy=False)
    return np.divide(scaled, found.high - found.low, out=scaled)


def window(voxels: Shaped[np.ndarray, "x y z"], *, most: float) -> Float[np.ndarray, "x y z"]:
    """Linear from 0 (0) to `most` (1) in the file's own units, clipped: the paper's scaling."""
    scaled = voxels.astype(np.float32, order="C")  # the order in which scipy is fast
    return np.clip(scaled / np.float32(most), 0, 1)


def _count(
    flat: Integer[np.ndarray, " voxel"], least: int, most: int
) -> tuple[Float32[np.ndarray, " value"], Integer[np.ndarray, " value"]]:
    """The values that occur, ascending, and how often each does."""
    if most - least < MOST_MODES:
        modes = pc.mode(pa.array(flat), n=MOST_MODES)
        values, counts = (modes.field(name).to_numpy() for name in ("mode", "count"))
        order = np.argsort(values)
        return values[order].astype(np.float32), counts[order]
    counts = np.bincount(np.subtract(flat, least, dtype=np.int64))
    found = np.flatnonzero(counts)
    return (found + least).astype(np.float32), counts[found]


def _levels_of_counts(
    values: Float32[np.ndarray, " value"], counts: Integer[np.ndarray, " value"], percentile: float
) -> Levels:
    above = values > np.average(values.astype(np.float64), weights=counts)
    _check_range(above.any())
    low, high = _percentile(values, counts, DARKEST), _percentile(values[above], counts[above], percentile)
    high = max(high, np.nextafter(low, np.float32(np.inf)))
    clipped = np.clip(values, low, high).astype(np.float64) - low
    above = clipped > np.average(clipped, weights=counts)
    _check_range(above.any())
    return Levels(low, high, float(low + 0.5 * np.average(clipped[above], weights=counts[above])))


def _percentile(
    values: Float32[np.ndarray, " value"], counts: Integer[np.ndarray, " value"], percentile: float
) -> np.float32:
    """As numpy's: linear between the two voxels that are nearest in order."""
    place = (counts.sum() - 1) * (percentile / 100)
    ranks = [np.floor(place), np.ceil(place)]
    below, above = values[np.searchsorted(np.cumsum(counts), ranks, side="right")].astype(np.float64)
    return np.float32(below + (above - below) * (place - ranks[0]))


def _levels_of_values(flat: Float32[np.ndarray, " voxel"], percentile: float) -> Levels:
    head = flat[flat > flat.mean(dtype=np.float64)]
    _check_range(head.size > 0)
    low, high = (np.percentile(some, q, overwrite_input=True) for some, q in ((flat, DARKEST), (head, percentile)))
    high = max(high, np.nextafter(low, np.float32(np.inf)))
    clipped = np.clip(flat, low, high)
    above = clipped[clipped > clipped.mean(dtype=np.float64)]
    _check_range(above.size > 0)
    return Levels(low, high, float(low + 0.5 * (above.mean(dtype=np.float64) - low)))


def _check_range(some_are_brighter: bool | np.bool) -> None:
    if not some_are_brighter:
        raise UnusableScan("has no range of intensities to scale")
