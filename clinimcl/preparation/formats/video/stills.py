"""What the bytes of a JPEG, PNG or GIF say of its first picture: where it ends and how it is shown."""

import re
import struct
import warnings
from collections.abc import Iterator
from typing import NamedTuple

from PIL import Image

from clinimcl.preparation.formats.reading import UnusableScan

JPEG, PNG, GIF = b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF8"
EXIF = b"Exif\0\0"
ORIENTATION = 0x0112
NO_UNIT = "its PNG states an aspect of pixels without a unit, which is taken as width to height"
_AFTER_SCAN = re.compile(rb"\xff(?=[^\x00\xff\xd0-\xd7])")  # the marker behind the coded pixels
_ALONE = (0x01, *range(0xD0, 0xD8))  # markers without a segment
_START, _END, _SCAN = 0xD8, 0xD9, 0xDA


class Still(NamedTuple):
    end: int  # of the first picture, in bytes
    orientation: int = 1  # as Exif counts them
    aspect: float | None = None  # width over height of a pixel; None: nothing of its own
    remark: str = ""  # as that of `Scan`


def read_still(content: bytes) -> Still | None:
    """None where the content is of another format. No pixel is decoded.

    A JPEG's thumbnail lies inside of one of its segments, and is passed over with it; further pictures, films and
    padding behind the first picture are left out. An animation is one picture.

    Raises:
        UnusableScan: the picture does not end.
    """
    for first, read in ((JPEG, _read_jpeg), (PNG, _read_png), (GIF, _read_gif)):
        if content.startswith(first):
            try:
                return read(content)
            except (IndexError, struct.error):
                raise UnusableScan("truncated: the end of the picture is missing") from None
    return None


def _read_jpeg(content: bytes) -> Still:
    exif, aspect = b"", None
    for marker, start, end in _segments(content):
        if marker == _END:
            return Still(end, _exif_orientation(exif), aspect)
        if marker == 0xE0 and content[start : start + 5] == b"JFIF\0":
            aspect = _jfif_aspect(*struct.unpack_from(">BHH", content, start + 7))
        elif marker == 0xE1 and content[start : start + len(EXIF)] == EXIF:
            exif = content[start:end]
    raise IndexError


def _segments(content: bytes) -> Iterator[tuple[int, int, int]]:
    """Marker, start and end of each segment behind the first marker; those of pixels are passed over."""
    place = 2
    while (place := content.find(b"\xff", place)) >= 0:
        marker = content[place + 1]
        if marker in (0x00, 0xFF):
            place += 1
            continue
        if marker == _END:
            yield marker, place, place + 2
        if marker == _START:  # of another picture
            return
        if marker in _ALONE or marker == _END:
            place += 2
            continue
        start, end = place + 4, place + 2 + struct.unpack_from(">H", content, place + 2)[0]
        if end > len(content):
            return
        yield marker, start, end
        place = end
        if marker == _SCAN:
            following = _AFTER_SCAN.search(content, end)
            if following is None:
                return
            place = following.start()


def _jfif_aspect(unit: int, x: int, y: int) -> float | None:
    """Without a unit, the numbers are width and height of a pixel; with one, pixels per inch or cm.

    Source: JFIF 1.02, page 5.
    """
    if not x or not y:
        return None
    return x / y if unit == 0 else y / x


def _read_png(content: bytes) -> Still:
    orientation, aspect, remark, place = 1, None, "", len(PNG)
    while True:
        size, kind = struct.unpack_from(">I4s", content, place)
        start, place = place + 8, place + 12 + size
        if place > len(content):
            raise IndexError
        if kind == b"IEND":
            return Still(place, orientation, aspect, remark)
        if kind == b"eXIf":
            orientation = _exif_orientation(content[start : start + size])
        elif kind == b"pHYs" and size == 9:
            aspect, remark = _png_aspect(*struct.unpack_from(">IIB", content, start))


def _png_aspect(x: int, y: int, unit: int) -> tuple[float | None, str]:
    """Numbers of pixels per metre. Without a unit, FFmpeg, which writes such files, means width and height of a pixel.

    Source: PNG third edition, section 11.3.4.3; FFmpeg 8.1, libavcodec/pngenc.c.
    """
    if not x or not y or x == y:
        return None, ""
    return (y / x, "") if unit == 1 else (x / y, NO_UNIT)


def _read_gif(content: bytes) -> Still:
    place = 13 + _palette_bytes(content[10])
    while content[place] != 0x3B:
        if content[place] == 0x21:  # an extension
            place = _after_blocks(content, place + 2)
        elif content[place] == 0x2C:  # a picture
            place = _after_blocks(content, place + 11 + _palette_bytes(content[place + 9]))
        else:
            place += 1
    aspect = content[12]
    return Still(place + 1, aspect=(aspect + 15) / 64 if aspect else None)


def _palette_bytes(flags: int) -> int:
    return 3 * 2 ** (flags % 8 + 1) if flags & 0x80 else 0


def _after_blocks(content: bytes, place: int) -> int:
    while size := content[place]:
        place += size + 1
    return place + 1


def _exif_orientation(data: bytes) -> int:
    """1 where it cannot be told, as viewers have it."""
    if not data:
        return 1
    tags = Image.Exif()
    try:
        with warnings.catch_warnings(action="ignore"):
            tags.load(data)
            return int(tags.get(ORIENTATION, 1))
    except (SyntaxError, ValueError, TypeError, KeyError, struct.error, OSError):
        return 1
