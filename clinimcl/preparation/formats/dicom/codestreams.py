"""What a compressed frame announces of itself, read without decoding it."""

import struct
from typing import NamedTuple

PADDING = 64  # bytes that may follow runs


class Announced(NamedTuple):
    """What the header of a compressed frame says."""

    rows: int
    columns: int
    components: int
    bits: int
    identifiers: bytes = b""  # of the components
    adobe: int | None = None  # the colour transform that Adobe's marker states: 0 none, 1 YCbCr
    jfif: bool = False
    subsampled: bool = False  # some components are smaller
    transformed: bool = False  # JPEG 2000's multiple component transform


def read_jpeg(still: bytes) -> Announced:
    """JPEG's and JPEG-LS's markers up to the one that tells the size.

    Raises:
        ValueError, IndexError, struct.error: it is none.

    Source: ITU-T T.81 annex B, T.87 annex C.
    """
    place, adobe, jfif = 2, None, False
    while True:
        marker, (length,) = still[place + 1], struct.unpack_from(">H", still, place + 2)
        if still[place] != 0xFF:
            raise ValueError
        if marker == 0xFF:  # a fill byte
            place += 1
            continue
        body = still[place + 4 : place + 2 + length]
        if marker == 0xEE and body[:5] == b"Adobe" and len(body) > 11:
            adobe = body[11]
        jfif |= marker == 0xE0 and body[:4] == b"JFIF"
        if marker == 0xF7 or (0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC)):
            rows, columns, components = struct.unpack_from(">HHB", body, 1)
            identifiers, sampling = (bytes(body[first : 6 + 3 * components : 3]) for first in (6, 7))
            smaller = len(set(sampling)) > 1
            return Announced(rows, columns, components, body[0], identifiers, adobe, jfif, smaller)
        place += 2 + length


def read_jpeg_2000(still: bytes) -> Announced:
    """SIZ's and COD's markers, of a file of its own or not.

    Raises:
        ValueError, IndexError, struct.error: it is none, or its colours have different sizes.

    Source: ITU-T T.800, A.5.1 and A.6.1.
    """
    start = 0 if still[:2] == b"\xff\x4f" else _codestream(still)
    if still[start : start + 4] != b"\xff\x4f\xff\x51":
        raise ValueError
    columns, rows, left, top = struct.unpack_from(">4I", still, start + 8)
    (components,) = struct.unpack_from(">H", still, start + 40)
    parts = still[start + 42 : start + 42 + 3 * components]
    if set(parts[1::3] + parts[2::3]) != {1}:  # some colours are smaller
        raise ValueError
    place, transformed = start + 2, False
    while still[place + 1] != 0x90:  # the first tile
        if still[place + 1] == 0x52:
            transformed = still[place + 8] == 1
        place += 2 + struct.unpack_from(">H", still, place + 2)[0]
    bits = max(part & 0x7F for part in parts[::3]) + 1
    return Announced(rows - top, columns - left, components, bits, transformed=transformed)


def _codestream(still: bytes) -> int:
    """Where it begins in a JP2 file, which some writers leave around it."""
    place = 0
    while still[place + 4 : place + 8] != b"jp2c":
        (length,) = struct.unpack_from(">I", still, place)
        if length < 8:
            raise ValueError
        place += length
    return place + 8


def is_longer(runs: bytes, most: int) -> bool:
    """Whether run lengths come to more bytes than `most`."""
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
