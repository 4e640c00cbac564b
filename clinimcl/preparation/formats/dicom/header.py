"""The bytes of a DICOM file → the part of its header that places, times and shows pixels.

Nothing that names a person is ever loaded.
"""

import io
import logging
import math
import sys
import warnings
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import cache
from typing import Any

import numpy as np
from jaxtyping import Float

from clinimcl.preparation.formats.reading import UnusableScan, check_bytes

logging.getLogger("pydicom").setLevel(logging.CRITICAL)  # it prints what decoders say of pixels

COLOURS = ("Red", "Green", "Blue")
TAGS = (
    *("SOPClassUID", "SeriesInstanceUID", "Modality", "ImageType", "InstanceNumber", "ImagesInAcquisition"),
    *("EchoTime", "EchoNumbers", "InversionTime", "TriggerTime", "TemporalPositionIdentifier", "DiffusionBValue"),
    *("AcquisitionNumber", "NumberOfSlices", "Rows", "Columns", "NumberOfFrames", "SamplesPerPixel"),
    *("PhotometricInterpretation", "PlanarConfiguration", "BitsAllocated", "BitsStored", "HighBit"),
    *("PixelRepresentation", "PixelSpacing", "ImageOrientationPatient", "ImagePositionPatient"),
    *("RescaleSlope", "RescaleIntercept", "ModalityLUTSequence", "VOILUTSequence", "WindowCenter", "WindowWidth"),
    *("VOILUTFunction", "PresentationLUTShape", "PixelPaddingValue", "PixelPaddingRangeLimit", "PixelPresentation"),
    *(f"{colour}PaletteColorLookupTableDescriptor" for colour in COLOURS),
    *(f"{colour}PaletteColorLookupTableData" for colour in COLOURS),
    *(f"Segmented{colour}PaletteColorLookupTableData" for colour in COLOURS),
    *("PixelAspectRatio", "SequenceOfUltrasoundRegions", "ImagerPixelSpacing", "NominalScannedPixelSpacing"),
    *("FrameTime", "FrameTimeVector", "FrameIncrementPointer", "CineRate", "RecommendedDisplayFrameRate"),
    *("SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence"),
    *("ExtendedOffsetTable", "ExtendedOffsetTableLengths", "PixelData"),
)
NEEDED = ("Rows", "Columns", "SamplesPerPixel", "BitsAllocated", "BitsStored")
USUAL = {"NumberOfFrames": 1, "RescaleSlope": 1.0, "RescaleIntercept": 0.0}  # if a header is silent
HEAD = 256  # bytes of a file by which it is known
DIRECTORY = b"1.2.840.10008.1.3.10"  # the class of a DICOMDIR, which lists the files of a disc
DEFLATED = "1.2.840.10008.1.2.1.99"
NO_PICTURE = ("SR", "PR", "KO", "RTSTRUCT", "RTPLAN", "RTRECORD", "REG", "DOC", "AU", "ECG", "HD", "PLAN", "FID")
LONG = (b"OB", b"OW", b"OF", b"SQ", b"UN", b"UT")  # kinds whose length takes four bytes
MOST_HEADER = 2**24  # bytes of a deflated data set around its pixels
MOST_INFLATED = 2**31  # bytes of its pixels
PIXELS = 0x7FE00000  # tags from here on
UNREADABLE = "not a readable DICOM file"


class NoPicture(UnusableScan):
    """A whole file that is no picture: a report, a presentation state or the like."""


def is_dicom(content: bytes) -> bool:
    """Whatever the name, which scanners choose freely; a DICOMDIR is none. `HEAD` bytes are enough."""
    return content[128:132] == b"DICM" and DIRECTORY not in content[:HEAD]


@contextmanager
def reading(what: str) -> Iterator[None]:
    """Flaws become reasons: they are of many kinds, and their messages may quote the header."""
    try:
        with warnings.catch_warnings(action="ignore"):  # of the many liberties that scanners take
            yield
    except (UnusableScan, MemoryError):
        raise
    except Exception as error:
        raise UnusableScan(f"damaged: {what} ({type(error).__name__})") from None


def read_header(content: bytes, most_bytes: int = sys.maxsize) -> Any:
    """A data set of `TAGS` alone, whose pixels are not decoded yet.

    Args:
        most_bytes: of the pixels of a deflated data set, which are inflated here.

    Raises:
        UnusableScan: with the reason.
    """
    return _read(content, most_bytes)[0]


def read_headers(contents: Sequence[bytes], most_bytes: int = sys.maxsize) -> list[Any]:
    """As `read_header`, of the files of a series; those without a picture, such as reports, are left out.

    Args:
        most_bytes: of the pixels of its deflated data sets together, since all are held.

    Raises:
        UnusableScan: with the reason.
    """
    headers, left = [], min(most_bytes, MOST_INFLATED)
    for content in contents:
        with suppress(NoPicture):  # archives lay reports beside the slices
            header, inflated = _read(content, left)
            headers.append(header)
            left -= inflated
    return headers


def _read(content: bytes, most_bytes: int) -> tuple[Any, int]:
    """The header, and how many bytes were inflated for it."""
    import pydicom

    with reading(UNREADABLE):
        syntax, start = _syntax(content)
        inflated = 0
        if syntax == DEFLATED:
            header, inflated = _inflated(content[start:], most_bytes)
        else:
            header = pydicom.dcmread(io.BytesIO(_not_deflated(content, syntax, start)), specific_tags=_tags())
        _check(header)
        for tag in list(header.keys()):  # values are parsed when they are first asked for
            _ = header[tag]
        for name, usual in USUAL.items():
            setattr(header, name, type(usual)(header.get(name) or usual))
        _ = header.file_meta.TransferSyntaxUID
        return header, inflated


def read_start(content: bytes) -> Any:
    """A data set of `TAGS` up to its pixels, of which none is touched.

    Raises:
        UnusableScan: with the reason.
    """
    import pydicom

    with reading(UNREADABLE):
        syntax, start = _syntax(content)
        if syntax == DEFLATED:
            return _start(zlib.decompressobj(-zlib.MAX_WBITS).decompress(content[start:], MOST_HEADER))
        content = _not_deflated(content, syntax, start)
        return pydicom.dcmread(io.BytesIO(content), specific_tags=_tags(), stop_before_pixels=True)


def numbers(header: Any, name: str, count: int) -> Float[np.ndarray, " number"] | None:
    """So many finite numbers that a header gives under a name; None where it does not."""
    try:
        values = np.array([float(value) for value in np.atleast_1d(header[name].value)])
    except (KeyError, TypeError, ValueError):
        return None
    return values if values.shape == (count,) and np.isfinite(values).all() else None


def stored_range(header: Any) -> tuple[int, int]:
    """The least and the greatest number that a pixel may hold."""
    bits = int(header.BitsStored)
    return (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if is_signed(header) else (0, 2**bits - 1)


def is_signed(header: Any) -> bool:
    return int(header.get("PixelRepresentation") or 0) == 1


def _check(header: Any) -> None:
    if "PixelData" not in header:
        if header.get("Modality") in NO_PICTURE:
            raise NoPicture(f"holds no picture: a DICOM file of modality {header.Modality}")
        raise UnusableScan("truncated: a DICOM file without pixels, or with pixels that are no whole numbers")
    for name in NEEDED:
        int(header[name].value)
    if not 0 < int(header.BitsStored) <= int(header.BitsAllocated):
        raise UnusableScan(f"damaged: its pixels have {header.BitsStored} bits of {header.BitsAllocated}")
    if not header.get("PhotometricInterpretation"):
        raise UnusableScan("damaged: a DICOM file whose header does not say what its pixels are")


def _syntax(content: bytes) -> tuple[str, int]:
    """The transfer syntax, and where the data set begins; group 2 is never compressed.

    Source: DICOM PS3.10, section 7.1.
    """
    place, syntax = 132, ""
    while content[place : place + 2] == b"\x02\0":
        kind = content[place + 4 : place + 6]
        first, size = (place + 12, 4) if kind in LONG else (place + 8, 2)
        length = int.from_bytes(content[first - size : first], "little")
        if content[place + 2 : place + 4] == b"\x10\0":
            syntax = content[first : first + length].rstrip(b"\0 ").decode("ascii")
        place = first + length
    return syntax, place


def _not_deflated(content: bytes, syntax: str, start: int) -> bytes:
    """The file; where its bytes name the deflated syntax anywhere, under a group 2 of its own syntax alone.

    Data sets may list that syntax. But nothing is left to pydicom's reading of group 2, which would inflate without a
    bound what it takes for deflated.
    """
    if DEFLATED.encode() not in content:
        return content
    if not syntax:
        raise UnusableScan("damaged: a DICOM file whose header does not say how it is encoded")
    value = syntax.encode() + b"\0" * (len(syntax) % 2)
    element = b"\x02\0\x10\0UI" + len(value).to_bytes(2, "little") + value
    return bytes(128) + b"DICM" + element + content[start:]


def _inflated(packed: bytes, most_bytes: int) -> tuple[Any, int]:
    """The header of a deflated data set, and the bytes of what was inflated.

    pydicom would inflate it whole; here no more of it than its header announces.
    """
    from pydicom.dataset import FileMetaDataset
    from pydicom.filereader import read_dataset
    from pydicom.uid import ExplicitVRLittleEndian

    stream = zlib.decompressobj(-zlib.MAX_WBITS)
    content = stream.decompress(packed, MOST_HEADER)
    if not stream.eof:
        announced = _announced_bytes(_start(content))
        if announced <= 0:  # to zlib, 0 is no limit
            raise UnusableScan("damaged: the header of the deflated DICOM file announces no pixels")
        check_bytes(announced, min(most_bytes, MOST_INFLATED))
        content += stream.decompress(stream.unconsumed_tail, announced)
    check_bytes(len(content), min(most_bytes, MOST_INFLATED) + MOST_HEADER)
    if stream.unconsumed_tail:
        raise UnusableScan("damaged: the deflated DICOM file holds more than its header announces")
    if not stream.eof:
        raise UnusableScan("truncated: the deflated DICOM file ends early")
    header = read_dataset(io.BytesIO(content), False, True, specific_tags=_tags())
    header.file_meta = FileMetaDataset()
    header.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    return header, len(content)


def _start(content: bytes) -> Any:
    from pydicom.filereader import read_dataset

    return read_dataset(
        io.BytesIO(content), False, True, stop_when=lambda tag, *_: tag >= PIXELS, specific_tags=_tags()
    )


def _announced_bytes(start: Any) -> int:
    sizes = (int(start.get(name) or 1) for name in ("NumberOfFrames", "Rows", "Columns", "SamplesPerPixel"))
    return -(math.prod(sizes) * int(start.BitsAllocated) // -8)


@cache
def _tags() -> list[Any]:
    from pydicom.tag import Tag

    return [Tag(name) for name in TAGS]
