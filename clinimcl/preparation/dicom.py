"""DICOM: the bytes of a cine loop → a clip; those of a series of single slices → a volume.

Only what places and shows pixels is read from a header; nothing that names a person is ever loaded.
"""

import io
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Float, Shaped, UInt8

from clinimcl.preparation.reading import MOST_VOXELS, Scan, UnusableScan, check_geometry, toward_ras
from clinimcl.preparation.video import Clip, check_size, decode_video

TAGS = (
    ["SeriesInstanceUID", "Rows", "Columns", "NumberOfFrames", "SamplesPerPixel", "PhotometricInterpretation"]
    + ["PlanarConfiguration", "BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation", "PixelData"]
    + ["PixelSpacing", "ImageOrientationPatient", "ImagePositionPatient", "RescaleSlope", "RescaleIntercept"]
)
NEEDED = ("Rows", "Columns", "SamplesPerPixel", "BitsStored")
USUAL = {"NumberOfFrames": 1, "RescaleSlope": 1.0, "RescaleIntercept": 0.0}  # where a header does not say
READ = {
    "1.2.840.10008.1.2": "implicit little endian",
    "1.2.840.10008.1.2.1": "explicit little endian",
    "1.2.840.10008.1.2.2": "explicit big endian",
    "1.2.840.10008.1.2.5": "RLE",
}
JPEG = "1.2.840.10008.1.2.4.50"  # baseline, 8 bits
HEAD = 256  # bytes of a file by which it is known
DIRECTORY = b"1.2.840.10008.1.3.10"  # the class of a DICOMDIR, which lists the files of a disc
DEFLATED = b"1.2.840.10008.1.2.1.99"  # pydicom would inflate such a file whole, however large it becomes
LUMA = np.array([0.299, 0.587, 0.114], np.float32)  # ITU-R BT.601
UNEVEN = 0.1  # of the usual gap between slices
TILT = 1e-3  # by which direction cosines of one series may differ


def is_dicom(content: bytes) -> bool:
    """Whatever the name, which scanners and discs choose freely; a DICOMDIR is none. `HEAD` bytes are enough."""
    return content[128:132] == b"DICM" and DIRECTORY not in content[:HEAD]


def decode_cine(content: bytes) -> Clip:
    """The frames of one file in grey, its bits above the eighth left out; a single frame is a still.

    Raises:
        UnusableScan: with the reason.
    """
    header = _header(content)
    frames = int(header.NumberOfFrames)
    rows, columns, colours = int(header.Rows), int(header.Columns), int(header.SamplesPerPixel)
    check_size(frames * colours, rows, columns)
    if header.file_meta.TransferSyntaxUID == JPEG:
        return _cine_of_stills(header, (frames, rows, columns))
    shape = (frames, rows, columns) if colours == 1 else (frames, rows, columns, colours)
    return Clip(_grey(_pixels(header).reshape(shape), header))


def decode_series(contents: Sequence[bytes]) -> Scan:
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
    return toward_ras(np.stack([_slice(header) for header in headers], axis=2), affine)


def _header(content: bytes) -> Any:
    import pydicom

    if DEFLATED in content[:4096]:
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


def _pixels(header: Any) -> Shaped[np.ndarray, "..."]:
    """As stored, YBR turned into RGB; by pydicom and numpy alone, so that every installation reads the same files."""
    from pydicom.pixels import pixel_array

    syntax = header.file_meta.TransferSyntaxUID
    if syntax not in READ:
        raise UnusableScan(f"its pixels are compressed as {syntax.name}, which is not read: save them uncompressed")
    try:
        with warnings.catch_warnings(action="ignore"):
            return pixel_array(header, decoding_plugin="pydicom")
    except Exception as error:
        raise UnusableScan(f"damaged: the pixels of the DICOM file do not decode ({type(error).__name__})") from None


def _cine_of_stills(header: Any, shape: tuple[int, int, int]) -> Clip:
    """Each frame a JPEG file, as most scanners store loops; decoded like any other still."""
    from pydicom.encaps import generate_frames

    try:
        stills = list(generate_frames(header.PixelData, number_of_frames=shape[0]))
    except Exception as error:
        raise UnusableScan(f"damaged: the frames of the DICOM file do not part ({type(error).__name__})") from None
    frames = [decode_video(still).frames[0] for still in stills]
    if len(frames) != shape[0] or any(frame.shape != shape[1:] for frame in frames):
        raise UnusableScan("damaged: the frames of the DICOM file are not those that its header announces")
    return Clip(np.stack(frames))


def _grey(pixels: Shaped[np.ndarray, "..."], header: Any) -> UInt8[np.ndarray, "frame height width"]:
    kind = str(header.get("PhotometricInterpretation"))
    if pixels.dtype.kind != "u" or kind not in ("MONOCHROME1", "MONOCHROME2", "RGB", "YBR_FULL", "YBR_FULL_422"):
        raise UnusableScan(
            f"its pixels are of another kind or of type {pixels.dtype}, expected unsigned grey, RGB or YBR"
        )
    spare = max(0, int(header.BitsStored) - 8)
    grey = (pixels >> spare).astype(np.uint8)
    if grey.ndim == 4:
        return np.stack([np.rint(frame @ LUMA).astype(np.uint8) for frame in grey])
    return 255 - grey if kind == "MONOCHROME1" else grey


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


def _slice(header: Any) -> Shaped[np.ndarray, "column row"]:
    pixels = _pixels(header).T
    slope, intercept = float(header.RescaleSlope), float(header.RescaleIntercept)
    return pixels if (slope, intercept) == (1, 0) else np.float32(slope) * pixels + np.float32(intercept)


def _numbers(header: Any, name: str, count: int) -> Float[np.ndarray, " number"]:
    try:
        values = np.array([float(value) for value in header[name].value])
    except (KeyError, TypeError, ValueError):
        values = np.array([])
    if values.shape != (count,) or not np.isfinite(values).all():
        raise UnusableScan(f"a slice has no readable {name}")
    return values
