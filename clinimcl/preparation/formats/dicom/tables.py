"""Tables of a DICOM header: numbers → other numbers, or the greys of a palette's colours."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Shaped, UInt8

from clinimcl.preparation.formats.dicom.header import COLOURS, is_signed
from clinimcl.preparation.formats.reading import UnusableScan

BIG_ENDIAN = "1.2.840.10008.1.2.2"
LUMA = np.array([0.299, 0.587, 0.114], np.float32)  # ITU-R BT.601


def look_up(
    values: Shaped[np.ndarray, "..."], item: Any, header: Any
) -> tuple[Shaped[np.ndarray, "..."], tuple[float, float]]:
    """Through a table of the header, and the least and the greatest level of its bits.

    pydicom's tables of 8 bits wrap beyond 256 entries, so that all are given to it as of 16 bits.
    """
    from pydicom.dataset import Dataset
    from pydicom.pixels import apply_modality_lut

    count, _, bits = (int(number) for number in item.LUTDescriptor)
    count = count or 2**16
    data = item.LUTData
    if isinstance(data, bytes):
        big = header.file_meta.TransferSyntaxUID == BIG_ENDIAN
        narrow = len(data) < 2 * count
        data = np.frombuffer(data, "u1" if narrow else ">u2" if big else "<u2")[:count]
    table = Dataset()
    table.add_new("LUTDescriptor", "SS", [0, 0, 16])
    table.add_new("LUTData", "US", [int(level) for level in data])
    whole = Dataset()
    whole.ModalityLUTSequence = [table]
    places = np.clip(values.astype(np.int32) - _first(header, item.LUTDescriptor), 0, len(table.LUTData) - 1)
    depth = bits if max(table.LUTData) < 2**bits else 16
    return apply_modality_lut(places, whole), (0.0, 2.0**depth - 1)


def _first(header: Any, descriptor: Sequence[Any]) -> int:
    """The number of a table's first entry, signed as pixels are."""
    first = int(descriptor[1])
    return first - 2**16 if is_signed(header) and first >= 2**15 else first


def _descriptor(header: Any) -> Sequence[Any]:
    return header.RedPaletteColorLookupTableDescriptor


def _count(header: Any) -> int:
    return int(_descriptor(header)[0]) or 2**16


def palette_levels(values: Shaped[np.ndarray, " value"], header: Any) -> UInt8[np.ndarray, " value"]:
    """The grey of the colour that a palette gives to each number, its ends beyond them."""
    return _palette(header)[np.clip(values - _first(header, _descriptor(header)), 0, _count(header) - 1)]


def _palette(header: Any) -> UInt8[np.ndarray, " entry"]:
    """The grey of each colour; words that hold 8 bits are told by their numbers."""
    from pydicom.dataset import Dataset
    from pydicom.pixels import apply_color_lut

    bits = int(_descriptor(header)[2])
    count = _count(header)
    whole = Dataset()
    whole.file_meta = header.file_meta
    for colour in COLOURS:
        whole.add_new(f"{colour}PaletteColorLookupTableDescriptor", "US", [count % 2**16, 0, bits])
        data, segments = f"{colour}PaletteColorLookupTableData", f"Segmented{colour}PaletteColorLookupTableData"
        if data in header:
            whole.add_new(data, "OW", _entries(header[data].value, count, header))
        else:
            whole.add_new(segments, "OW", _segments(header[segments].value, count, bits))
    colours = apply_color_lut(np.arange(count, dtype=np.uint16), whole)[..., :3]
    white = 255 if colours.max() <= 255 else 65535
    return np.rint(colours @ LUMA * (255 / white)).astype(np.uint8)


def _entries(data: bytes, count: int, header: Any) -> bytes:
    """As words of 16 bits, little endian: pydicom's palettes of bytes wrap beyond 256 entries."""
    if len(data) < 2 * count:
        return np.frombuffer(data, "u1")[:count].astype("<u2").tobytes()
    big = header.file_meta.TransferSyntaxUID == BIG_ENDIAN
    return np.frombuffer(data, ">u2" if big else "<u2")[:count].astype("<u2").tobytes()


def _segments(data: bytes, count: int, bits: int) -> bytes:
    """The same, if they come to as many entries as announced: little never becomes much.

    Source: DICOM PS3.3, C.7.9.2.
    """
    words = np.frombuffer(data, f"<u{bits // 8}", len(data) // (bits // 8))
    place = entries = 0
    while place + 1 < len(words) and entries <= count:
        code, length = int(words[place]), int(words[place + 1])
        if code not in (0, 1):
            raise UnusableScan("its palette has indirect segments, which are not read: save it as RGB")
        if not length:
            raise UnusableScan("damaged: its palette has a segment without entries")
        entries += length
        place += 2 + (length if code == 0 else 1)
    if entries != count:
        found = entries if entries < count else f"more than {count}"
        raise UnusableScan(f"damaged: its palette has {found} entries, and its header announces {count}")
    return data
