"""Pixels as a DICOM file stores them → what the scanner measured, or the grey of a screen."""

from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Shaped, UInt8

from clinimcl.preparation.formats.dicom.frames import LOSSY, Frame, frames_of, stored_type
from clinimcl.preparation.formats.dicom.header import is_signed, numbers, reading, stored_range
from clinimcl.preparation.formats.dicom.tables import LUMA, look_up, palette_levels
from clinimcl.preparation.formats.reading import UnusableScan

GREY = ("MONOCHROME1", "MONOCHROME2", "PALETTE COLOR")
DEEP_COLOURS = ("RGB",)
KINDS = (*DEEP_COLOURS, "YBR_FULL", "YBR_FULL_422")
MOST_BITS = 16  # of a pixel that becomes grey
BAND = 512  # rows that become grey at a time, for the sake of memory
WHITE = 255
UNWINDOWED = "its header gives no window: the whole range of its bits goes from black to white"
LOOKUP = "its tables of grey levels cannot be read"


def is_inverted(header: Any) -> bool:
    """Whether the least number is white; radiographs say it twice, by the shape and by MONOCHROME1.

    Source: DICOM PS3.3, C.7.6.3.1.2 and C.8.11.3.
    """
    shape = str(header.get("PresentationLUTShape") or "")
    return header.get("PhotometricInterpretation") == "MONOCHROME1" or shape.strip().upper() == "INVERSE"


def stored_values(frame: Frame, header: Any) -> Shaped[np.ndarray, "row column"]:
    """The bits of a word that belong to a pixel; others may hold an overlay.

    Source: DICOM PS3.5, section 8.1.1.
    """
    words, stored = frame.words, int(header.BitsStored)
    size = 8 * words.dtype.itemsize
    high = int(header.get("HighBit", stored - 1)) if frame.bits > stored else stored - 1
    if size <= stored or int(header.BitsAllocated) == 1:
        return words
    if header.file_meta.TransferSyntaxUID in LOSSY and not is_signed(header):  # white may overflow
        return np.clip(words, *stored_range(header))
    if not stored <= high + 1 <= size:
        raise UnusableScan(f"damaged: its pixels have {stored} bits of {size}, the highest of which is bit {high}")
    values = words.astype(words.dtype.newbyteorder("="))
    np.left_shift(values, size - 1 - high, out=values)
    return np.right_shift(values, size - stored, out=values)


def padding_of(
    frame: Frame, values: Shaped[np.ndarray, "row column"], header: Any
) -> Bool[np.ndarray, "row column"] | None:
    """Where a frame holds no signal; None where its header speaks of no padding.

    A padding value that the stored bits cannot hold is looked for among the whole words.

    Source: DICOM PS3.3, C.7.5.1.1.2.
    """
    limits = _padding(header)
    if limits is None:
        return None
    least, most = stored_range(header)
    if not least <= limits[0] <= limits[1] <= most:
        if frame.bits <= int(header.BitsStored):
            return None
        values = frame.words
        kind = np.iinfo(values.dtype)
        limits = (_wrapped(limits[0], kind.min, kind.max), _wrapped(limits[1], kind.min, kind.max))
    if limits[0] == limits[1]:
        return values == limits[0]
    return (values >= limits[0]) & (values <= limits[1])


def measured_values(
    values: Shaped[np.ndarray, "row column"], header: Any, slope: float, intercept: float
) -> Shaped[np.ndarray, "row column"]:
    """What the scanner measured, of one slice; those stored, if nothing scales them."""
    if header.get("PhotometricInterpretation") == "PALETTE COLOR":
        return shown_levels(header)[values.astype(np.int64) - stored_range(header)[0]]
    if header.get("ModalityLUTSequence"):
        return look_up(values, header.ModalityLUTSequence[0], header)[0].astype(np.float32)
    return values if (slope, intercept) == (1, 0) else np.float32(slope) * values + np.float32(intercept)


def measured_type(header: Any, slope: float, intercept: float) -> np.dtype[Any]:
    """Of the numbers that `measured_values` gives."""
    if header.get("PhotometricInterpretation") == "PALETTE COLOR":
        return np.dtype(np.uint8)
    if header.get("ModalityLUTSequence"):
        return np.dtype(np.float32)
    stored = stored_type(header)
    return stored if (slope, intercept) == (1, 0) else np.result_type(np.float32, stored)


def grey_frames(header: Any) -> UInt8[np.ndarray, "frame height width"]:
    """Grey as on a screen; padding is black.

    Raises:
        UnusableScan: with the reason.
    """
    shape = (int(header.NumberOfFrames), int(header.Rows), int(header.Columns))
    if str(header.get("PixelPresentation") or "MONOCHROME") in ("COLOR", "MIXED"):
        raise UnusableScan("its colours lie in a supplemental palette, which is not read: save them as RGB")
    levels: UInt8[np.ndarray, " value"] | None = None
    grey = np.empty(shape, np.uint8)
    for index, frame in enumerate(frames_of(header)):
        if frame.words.ndim == 3:
            _write_luma(grey[index], frame, header)
        elif frame.colours in GREY:
            levels = shown_levels(header) if levels is None else levels
            grey[index] = _shown(frame, header, levels)
        else:
            raise UnusableScan(f"its pixels are of the kind {_kind(frame)}, expected grey, RGB or YBR")
    return grey


def _kind(frame: Frame) -> str:
    return frame.colours if frame.colours.replace("_", "").isalnum() and len(frame.colours) <= 16 else "unknown"


def _shown(frame: Frame, header: Any, levels: UInt8[np.ndarray, " value"]) -> UInt8[np.ndarray, "height width"]:
    values = stored_values(frame, header)
    least = stored_range(header)[0]
    if least == 0 and values.dtype == np.uint8 and len(levels) == WHITE + 1 and _is_identity(levels):
        grey = values
    else:
        grey = levels[values.astype(np.int64) - least if least else values]
    padding = padding_of(frame, values, header)
    return grey if padding is None else np.where(padding, np.uint8(0), grey)


def _is_identity(levels: UInt8[np.ndarray, " value"]) -> bool:
    return bool((levels == np.arange(WHITE + 1)).all())


def _write_luma(grey: UInt8[np.ndarray, "height width"], frame: Frame, header: Any) -> None:
    from pydicom.pixels import convert_color_space

    known = KINDS if frame.words.dtype == np.uint8 else DEEP_COLOURS
    if frame.words.dtype.kind != "u" or frame.colours not in known or frame.words.shape[2] != 3:
        raise UnusableScan(
            f"its pixels are {_kind(frame)} of type {frame.words.dtype}, expected unsigned grey, RGB or YBR"
        )
    stored = min(int(header.BitsStored), frame.bits)
    for start in range(0, len(grey), BAND):
        band = frame.words[start : start + BAND]
        if frame.colours.startswith("YBR"):
            band = convert_color_space(band, frame.colours, "RGB")
        if stored > 8:
            band = (band >> (stored - 8)).astype(np.uint8)
        luma = band @ LUMA if stored >= 8 else band @ LUMA * (WHITE / (2**stored - 1))
        grey[start : start + BAND] = np.rint(luma).clip(0, WHITE)


def shown_levels(header: Any) -> UInt8[np.ndarray, " value"]:
    """What a screen shows of each number that a grey pixel may hold, from the least on.

    Pixels that are not of 8 bits are seen through their window, the first of several; without
    one, the bits stored go from black to white.

    Source: DICOM PS3.3, C.11.1 and C.11.2, PS3.4, N.2.
    """
    if int(header.BitsStored) > MOST_BITS:
        raise UnusableScan(f"has pixels of {header.BitsStored} bits, expected at most {MOST_BITS}")
    least, most = stored_range(header)
    stored = np.arange(least, most + 1, dtype=np.int32)
    with reading(LOOKUP):
        if header.get("PhotometricInterpretation") == "PALETTE COLOR":
            return palette_levels(stored, header)
        if header.get("ModalityLUTSequence"):
            measured, ends = look_up(stored, header.ModalityLUTSequence[0], header)
        else:
            measured = stored * float(header.RescaleSlope) + float(header.RescaleIntercept)
            ends = (measured.min(), measured.max())
        levels = np.rint(_windowed(measured.astype(float), ends, header)).clip(0, WHITE).astype(np.uint8)
    return WHITE - levels if is_inverted(header) else levels


def _windowed(measured: Float[np.ndarray, " value"], ends: tuple[float, float], header: Any) -> Float[np.ndarray, "n"]:
    """From 0 to 255."""
    from pydicom.dataset import Dataset
    from pydicom.pixels import apply_windowing

    window = None if int(header.BitsStored) == 8 else _window(header)
    if isinstance(window, Dataset):
        levels, (low, high) = look_up(np.rint(measured).astype(np.int32), window, header)
        return (levels - low) * (WHITE / max(high - low, 1))
    if window is None:
        share = (measured - ends[0]) / max(ends[1] - ends[0], 1e-9)
        numbers_held = 2 ** int(header.BitsStored)
        if numbers_held <= WHITE:
            return share * WHITE
        return np.rint(share * (numbers_held - 1)) * (WHITE + 1) // numbers_held
    shown = Dataset()  # of 8 bits, whose range is the screen's
    shown.PhotometricInterpretation, shown.PixelRepresentation, shown.BitsStored = "MONOCHROME2", 0, 8
    shown.WindowCenter, shown.WindowWidth = window
    shown.VOILUTFunction = str(_voi(header).get("VOILUTFunction") or "LINEAR").strip()
    return apply_windowing(measured, shown)


def window_remark(header: Any) -> str:
    """What a user must know of a loop of more than 8 bits that may come out dark."""
    is_deep = int(header.BitsStored) > 8 and header.PhotometricInterpretation in ("MONOCHROME1", "MONOCHROME2")
    return UNWINDOWED if is_deep and not header.get("ModalityLUTSequence") and _window(header) is None else ""


def _window(header: Any) -> Any:
    """A table, or centre and width; None where none can be looked through."""
    source = _voi(header)
    if source.get("VOILUTSequence"):
        return source.VOILUTSequence[0]
    center, width = (_first_number(source.get(name)) for name in ("WindowCenter", "WindowWidth"))
    function = str(source.get("VOILUTFunction") or "LINEAR").strip().upper()
    narrowest = 1.0 if function == "LINEAR" else 1e-9
    if center is None or width is None or width < narrowest:
        return None
    return [center, max(width, 1 + 1e-6) if function == "LINEAR" else width]


def _voi(header: Any) -> Any:
    """Where the window stands: in the header, or in what it says of all frames or of the first."""
    if header.get("VOILUTSequence") or header.get("WindowCenter") is not None:
        return header
    groups = [header.get(name) for name in ("SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence")]
    for group in groups:
        if group and group[0].get("FrameVOILUTSequence"):
            return group[0].FrameVOILUTSequence[0]
    return header


def _first_number(value: Any) -> float | None:
    try:
        first = float(np.atleast_1d(value)[0])
    except (TypeError, ValueError, IndexError):
        return None
    return first if np.isfinite(first) else None


def _padding(header: Any) -> tuple[int, int] | None:
    """The least and the greatest number that is no signal."""
    value, limit = (numbers(header, name, 1) for name in ("PixelPaddingValue", "PixelPaddingRangeLimit"))
    if value is None or int(header.SamplesPerPixel) != 1 or header.PhotometricInterpretation == "PALETTE COLOR":
        return None
    least, most = stored_range(header)
    ends = sorted(_wrapped(int(end[0]), least, most) for end in (value, limit if limit is not None else value))
    return ends[0], ends[1]


def _wrapped(value: int, least: int, most: int) -> int:
    """Some files write a signed number as the unsigned one of 16 bits, and the other way round."""
    for other in (value, value - 2**16, value + 2**16):
        if least <= other <= most:
            return other
    return value


def inverted(volume: Shaped[np.ndarray, "x y z"]) -> Shaped[np.ndarray, "x y z"]:
    """Turned round about the greatest number, so that slices of one series stay alike."""
    turned = volume.max() - volume
    return turned.view(turned.dtype.str.replace("i", "u"))  # to which signed differences wrap
