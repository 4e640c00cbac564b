"""DICOM: the bytes of a cine loop → a clip; those of a series of single slices → a volume.

Only what places and shows pixels is read from a header; nothing that names a person is ever loaded.
"""

import io
import math
import sys
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Float, Shaped

from clinimcl.preparation.dicom_pixels import JPEG, frames_of_stills, grey_frames, pixels_of, stored_type
from clinimcl.preparation.reading import MOST_VOXELS, Scan, UnusableScan, check_bytes, check_geometry, toward_ras
from clinimcl.preparation.video import MOST_PIXELS, Clip, check_size

TAGS = (
    ["SeriesInstanceUID", "Rows", "Columns", "NumberOfFrames", "SamplesPerPixel", "PhotometricInterpretation"]
    + ["PlanarConfiguration", "BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation", "PixelData"]
    + ["PixelSpacing", "ImageOrientationPatient", "ImagePositionPatient", "RescaleSlope", "RescaleIntercept"]
)
NEEDED = ("Rows", "Columns", "SamplesPerPixel", "BitsStored")
USUAL = {"NumberOfFrames": 1, "RescaleSlope": 1.0, "RescaleIntercept": 0.0}  # where a header does not say
HEAD = 256  # bytes of a file by which it is known
DIRECTORY = b"1.2.840.10008.1.3.10"  # the class of a DICOMDIR, which lists the files of a disc
DEFLATED = b"1.2.840.10008.1.2.1.99"  # pydicom would inflate such a file whole, however large it becomes
UNEVEN = 0.1  # of the usual gap between slices
TILT = 1e-3  # by which direction cosines of one series may differ


def is_dicom(content: bytes) -> bool:
    """Whatever the name, which scanners and discs choose freely; a DICOMDIR is none. `HEAD` bytes are enough."""
    return content[128:132] == b"DICM" and DIRECTORY not in content[:HEAD]


def decode_cine(content: bytes, most_bytes: int = sys.maxsize) -> Clip:
    """The frames of one file in grey, its bits above the eighth left out; a single frame is a still.

    Args:
        most_bytes: of the frames as they are stored.

    Raises:
        UnusableScan: with the reason.
    """
    header = _header(content)
    frames, rows, columns = shape = (int(header.NumberOfFrames), int(header.Rows), int(header.Columns))
    colours = int(header.SamplesPerPixel)
    check_size(frames * colours, rows, columns, MOST_PIXELS)
    if header.file_meta.TransferSyntaxUID == JPEG:
        check_bytes(frames * rows * columns, most_bytes)
        return Clip(frames_of_stills(header, shape))
    check_bytes(frames * rows * columns * colours * stored_type(header).itemsize, most_bytes)
    pixels = pixels_of(header)
    return Clip(grey_frames(pixels.reshape(shape if colours == 1 else (*shape, colours)), header))


def decode_series(contents: Sequence[bytes], most_bytes: int = sys.maxsize) -> Scan:
    """The volume of a series, a file a slice, in whatever order: each slice says where it lies.

    Raises:
        UnusableScan: a slice is missing, several series are mixed, or what is there is no volume.
    """
    headers = [_header(content) for content in contents]
    if len(headers) < 2:
        raise UnusableScan("has fewer than 2 slices, expected a DICOM series")
    _check_alike(headers)
    headers, step = _in_order(headers)
    affine = _affine(headers[0], step)
    shape = (int(headers[0].Columns), int(headers[0].Rows), len(headers))
    if np.prod(shape, dtype=object) > MOST_VOXELS:
        raise UnusableScan(f"has an absurd size: {shape} voxels")
    check_geometry(affine, shape)
    kind = np.result_type(*map(_scaled, headers))
    check_bytes(math.prod(shape) * kind.itemsize, most_bytes)
    volume = np.empty((shape[1], shape[0], shape[2]), kind).swapaxes(0, 1)
    for index, header in enumerate(headers):
        volume[:, :, index] = _slice(header)
    return toward_ras(volume, affine)


def _header(content: bytes) -> Any:
    import pydicom

    if DEFLATED in content:
        raise UnusableScan("its DICOM data set is deflated, which is not read: save it uncompressed")
    try:
        with warnings.catch_warnings(action="ignore"):  # of the many liberties that scanners take
            header = pydicom.dcmread(io.BytesIO(content), specific_tags=list(TAGS))
            if "PixelData" not in header:
                raise UnusableScan("truncated: a DICOM file without pixels")
            for name in TAGS:  # values are parsed when they are first asked for
                header.get(name)
            for name in NEEDED:
                int(header[name].value)
            for name, usual in USUAL.items():
                setattr(header, name, type(usual)(header.get(name) or usual))
            _ = header.file_meta.TransferSyntaxUID
            return header
    except UnusableScan:
        raise
    except Exception as error:  # as many kinds as there are flaws; messages may quote the header
        raise UnusableScan(f"damaged: not a readable DICOM file ({type(error).__name__})") from None


def _check_alike(headers: Sequence[Any]) -> None:
    for name in ("SeriesInstanceUID", "Rows", "Columns", "PixelSpacing"):
        if len({str(header.get(name)) for header in headers}) > 1:
            raise UnusableScan(f"its slices differ in {name}: several series are mixed")
    if any(int(header.NumberOfFrames) > 1 or int(header.SamplesPerPixel) > 1 for header in headers):
        raise UnusableScan("its files have several frames or colours, expected one grey slice a file")
    axes = np.array([_numbers(header, "ImageOrientationPatient", 6) for header in headers])
    if np.abs(axes - axes[0]).max() > TILT:
        raise UnusableScan("its slices differ in ImageOrientationPatient: several series are mixed")


def _in_order(headers: Sequence[Any]) -> tuple[list[Any], Float[np.ndarray, " 3"]]:
    """The headers along the slices' normal, and the step in mm from one slice to the next."""
    axes = _numbers(headers[0], "ImageOrientationPatient", 6)
    places = np.array([_numbers(header, "ImagePositionPatient", 3) for header in headers])
    height = places @ np.cross(axes[:3], axes[3:])
    order = np.argsort(height)
    gaps = np.diff(height[order])
    if gaps.min() < UNEVEN * np.median(gaps) or gaps.min() <= 0:
        raise UnusableScan("has two slices at one place: several series are mixed")
    if np.abs(gaps - np.median(gaps)).max() > UNEVEN * np.median(gaps):
        raise UnusableScan(f"a slice is missing: gaps between slices go from {gaps.min():.3g} to {gaps.max():.3g} mm")
    step = (places[order[-1]] - places[order[0]]) / (len(headers) - 1)
    return [headers[index] for index in order], step


def _affine(first: Any, step: Float[np.ndarray, " 3"]) -> Float[np.ndarray, "4 4"]:
    """From column, row and slice to mm in RAS; DICOM counts to the left and to the back."""
    axes, spacing = _numbers(first, "ImageOrientationPatient", 6), _numbers(first, "PixelSpacing", 2)
    affine = np.eye(4)
    affine[:3, 0], affine[:3, 1], affine[:3, 2] = axes[:3] * spacing[1], axes[3:] * spacing[0], step
    affine[:3, 3] = _numbers(first, "ImagePositionPatient", 3)
    return np.diag([-1.0, -1.0, 1.0, 1.0]) @ affine


def _scaled(header: Any) -> np.dtype[Any]:
    """Of the numbers that `_slice` gives."""
    stored = stored_type(header)
    return stored if _scale(header) == (1, 0) else np.result_type(np.float32, stored)


def _slice(header: Any) -> Shaped[np.ndarray, "column row"]:
    pixels, (slope, intercept) = pixels_of(header).T, _scale(header)
    return pixels if (slope, intercept) == (1, 0) else np.float32(slope) * pixels + np.float32(intercept)


def _scale(header: Any) -> tuple[float, float]:
    return float(header.RescaleSlope), float(header.RescaleIntercept)


def _numbers(header: Any, name: str, count: int) -> Float[np.ndarray, " number"]:
    try:
        values = np.array([float(value) for value in header[name].value])
    except (KeyError, TypeError, ValueError):
        values = np.array([])
    if values.shape != (count,) or not np.isfinite(values).all():
        raise UnusableScan(f"a slice has no readable {name}")
    return values
