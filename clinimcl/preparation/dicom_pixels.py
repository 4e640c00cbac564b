"""The header of a DICOM file → the pixels behind it, none of which is decoded that the header does not announce."""

import struct
import warnings
from collections.abc import Iterator
from itertools import islice, pairwise, product
from typing import Any

import numpy as np
from jaxtyping import Shaped, UInt8

from clinimcl.preparation.reading import UnusableScan
from clinimcl.preparation.video import decode_still

RLE = "1.2.840.10008.1.2.5"
READ = {
    "1.2.840.10008.1.2": "implicit little endian",
    "1.2.840.10008.1.2.1": "explicit little endian",
    "1.2.840.10008.1.2.2": "explicit big endian",
    RLE: "RLE",
}
JPEG = "1.2.840.10008.1.2.4.50"  # baseline, 8 bits
DEEP_KINDS = ("MONOCHROME1", "MONOCHROME2", "RGB")
KINDS = (*DEEP_KINDS, "YBR_FULL", "YBR_FULL_422")
PADDING = 64  # bytes that may follow runs
BAND = 512  # rows that become grey at a time, for the sake of memory
LUMA = np.array([0.299, 0.587, 0.114], np.float32)  # ITU-R BT.601
UNANNOUNCED = "damaged: the frames of the DICOM file are not those that its header announces"


def stored_type(header: Any) -> np.dtype[Any]:
    """Of the numbers in the file."""
    from pydicom.pixels.utils import pixel_dtype

    try:
        return pixel_dtype(header).newbyteorder("=")
    except Exception as error:
        raise UnusableScan(f"damaged: the pixels of the DICOM file do not decode ({type(error).__name__})") from None


def pixels_of(header: Any) -> Shaped[np.ndarray, "..."]:
    """As stored, nothing copied that need not be; by pydicom and numpy alone, so that all installations read alike."""
    from pydicom.pixels import pixel_array

    syntax = header.file_meta.TransferSyntaxUID
    if syntax not in READ:
        raise UnusableScan(f"its pixels are compressed as {syntax.name}, which is not read: save them uncompressed")
    if syntax == RLE:
        _check_runs(header)
    try:
        with warnings.catch_warnings(action="ignore"):
            return pixel_array(header, decoding_plugin="pydicom", raw=True, view_only=True)
    except Exception as error:
        raise UnusableScan(f"damaged: the pixels of the DICOM file do not decode ({type(error).__name__})") from None


def _check_runs(header: Any) -> None:
    """pydicom writes runs out at full length, and only then compares them with the size of a frame."""
    most = 2 * int(header.Rows) * int(header.Columns)
    for still in _stills(header):
        starts = [start for start in struct.unpack("<15L", still[4:64].ljust(60, b"\0")) if start]
        for start, end in pairwise([*starts, len(still)]):
            if _is_longer(still[start:end], most):
                raise UnusableScan(UNANNOUNCED)


def _is_longer(runs: bytes, most: int) -> bool:
    if len(runs) > 2 * most + PADDING:  # what no encoder needs, even for single pixels
        return True
    place = length = 0
    while place < len(runs) and length <= most:
        code = runs[place]
        if code < 128:  # so many bytes and one follow
            length += code + 1
            place += code + 2
        elif code > 128:  # one byte follows, that often
            length += 257 - code
            place += 2
        else:
            place += 1
    return length > most


def frames_of_stills(header: Any, shape: tuple[int, int, int]) -> UInt8[np.ndarray, "frame height width"]:
    """Each frame a JPEG file, as most scanners store loops; decoded like any other still."""
    frames = np.empty(shape, np.uint8)
    for index, content in enumerate(_stills(header)):
        still = decode_still(content, *shape[1:])
        if still is None:
            raise UnusableScan(UNANNOUNCED)
        frames[index] = still
    return frames


def _stills(header: Any) -> Iterator[bytes]:
    """As many as the header announces.

    Raises:
        UnusableScan: there are fewer or more.
    """
    from pydicom.encaps import generate_frames

    announced, count = int(header.NumberOfFrames), 0
    try:
        for still in islice(generate_frames(header.PixelData, number_of_frames=announced), announced + 1):
            count += 1
            if count <= announced:
                yield still
    except Exception as error:
        raise UnusableScan(f"damaged: the frames of the DICOM file do not part ({type(error).__name__})") from None
    if count != announced:
        raise UnusableScan(UNANNOUNCED)


def grey_frames(
    pixels: Shaped[np.ndarray, "frame height width *colour"], header: Any
) -> UInt8[np.ndarray, "frame height width"]:
    kind = str(header.get("PhotometricInterpretation"))
    known = KINDS if pixels.dtype == np.uint8 else DEEP_KINDS
    if pixels.dtype.kind != "u" or kind not in known:
        raise UnusableScan(
            f"its pixels are of another kind or of type {pixels.dtype}, expected unsigned grey, RGB or YBR"
        )
    frames, rows, columns = pixels.shape[:3]
    grey = np.empty((frames, rows, columns), np.uint8)
    spare = max(0, int(header.BitsStored) - 8)
    for index, start in product(range(frames), range(0, rows, BAND)):
        band = np.s_[index, start : start + BAND]
        grey[band] = _grey_band(pixels[band], kind, spare)
    return grey


def _grey_band(
    band: Shaped[np.ndarray, "height width *colour"], kind: str, spare: int
) -> UInt8[np.ndarray, "height width"]:
    from pydicom.pixels import convert_color_space

    if band.ndim == 3:
        colours = convert_color_space(band, kind, "RGB") if kind.startswith("YBR") else band
        return np.rint((colours >> spare).astype(np.uint8) @ LUMA).astype(np.uint8)
    grey = (band >> spare).astype(np.uint8)
    return 255 - grey if kind == "MONOCHROME1" else grey
