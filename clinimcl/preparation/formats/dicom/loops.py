"""The header of a DICOM loop → when each frame was shown, and how wide its pixels are."""

from typing import Any

import numpy as np
from jaxtyping import Float

from clinimcl.preparation.formats.dicom.header import numbers

PLANE, CENTIMETRES = 1, 3  # RegionSpatialFormat of a picture; PhysicalUnits of its directions
VECTOR = 0x00181065  # the tag of FrameTimeVector
UNTIMED = "its frames are taken as evenly spaced, since its header's times of frames cannot be read"


def frame_edges(header: Any) -> tuple[Float[np.ndarray, " edge"] | None, str]:
    """Seconds at which frames begin, and a remark where the header's are none; None without any.

    Source: DICOM PS3.3, C.7.6.5.
    """
    count = int(header.NumberOfFrames)
    if count < 2:
        return None, ""
    pointer = header.get("FrameIncrementPointer")
    if header.get("FrameTimeVector") is not None and pointer in (None, VECTOR):
        return _of_vector(numbers(header, "FrameTimeVector", count))
    milliseconds = _positive(header, "FrameTime")
    rate = _positive(header, "CineRate") or _positive(header, "RecommendedDisplayFrameRate")
    duration = milliseconds / 1000 if milliseconds else 1 / rate if rate else None
    return (None if duration is None else np.arange(count + 1) * duration), ""


def _of_vector(increments: Float[np.ndarray, " frame"] | None) -> tuple[Float[np.ndarray, " edge"] | None, str]:
    """The first frame's increment is 0, and the last frame is shown as long as most are."""
    if increments is None or increments.min() < 0 or not increments[1:].any():
        return None, UNTIMED
    starts = np.cumsum(np.concatenate([[0.0], increments[1:]]))
    return np.append(starts, starts[-1] + np.median(increments[1:])) / 1000, ""


def pixel_aspect(header: Any) -> float:
    """Width over height of a pixel: as measured, else as it is to be shown, else 1.

    Source: DICOM PS3.3, C.7.6.3.1.7, C.8.5.5 and 10.7.
    """
    region = _largest_region(header)
    for pair in (
        numbers(header, "PixelSpacing", 2),
        None if region is None else np.abs([region.PhysicalDeltaY, region.PhysicalDeltaX]),
        numbers(header, "ImagerPixelSpacing", 2),
        numbers(header, "NominalScannedPixelSpacing", 2),
        numbers(header, "PixelAspectRatio", 2),
    ):
        if pair is not None and pair.min() > 0:  # of the height first
            return float(pair[1] / pair[0])
    return 1.0


def _largest_region(header: Any) -> Any:
    """The two-dimensional picture of tissue, rather than a trace of velocities or of a heart beat."""
    regions = [
        region
        for region in header.get("SequenceOfUltrasoundRegions") or []
        if region.get("RegionSpatialFormat") == PLANE
        and (region.get("PhysicalUnitsXDirection"), region.get("PhysicalUnitsYDirection")) == (CENTIMETRES,) * 2
        and all(numbers(region, name, 1) is not None for name in ("PhysicalDeltaX", "PhysicalDeltaY"))
    ]
    return max(regions, key=_area, default=None)


def _area(region: Any) -> float:
    ends = ("RegionLocationMaxX1", "RegionLocationMinX0", "RegionLocationMaxY1", "RegionLocationMinY0")
    right, left, bottom, top = (float(region.get(name) or 0) for name in ends)
    return (right - left) * (bottom - top)


def _positive(header: Any, name: str) -> float | None:
    value = numbers(header, name, 1)
    return float(value[0]) if value is not None and value[0] > 0 else None
