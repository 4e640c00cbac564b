"""DICOM: the bytes of a loop → a clip; those of a series, a file a slice or all in one → a volume."""

import sys
from collections.abc import Sequence
from typing import Any

from clinimcl.preparation.formats.dicom.films import decode_film, is_film
from clinimcl.preparation.formats.dicom.frames import JPEG, check_readable, stored_type
from clinimcl.preparation.formats.dicom.header import HEAD, is_dicom, read_header, read_headers, read_start, reading
from clinimcl.preparation.formats.dicom.loops import frame_edges, pixel_aspect
from clinimcl.preparation.formats.dicom.pixels import grey_frames, window_remark
from clinimcl.preparation.formats.dicom.series import volume_of
from clinimcl.preparation.formats.dicom.slices import is_enhanced
from clinimcl.preparation.formats.reading import Scan, UnusableScan, check_bytes
from clinimcl.preparation.formats.video.frame_geometry import MOST_PIXELS, check_size, square_pixels
from clinimcl.preparation.formats.video.video import Clip

__all__ = ["HEAD", "decode_cine", "decode_file", "decode_series", "is_dicom", "is_volume"]


def decode_file(content: bytes, most_bytes: int = sys.maxsize, *, grey: bool = True) -> Scan | Clip:
    """What one file holds: the volume of an enhanced one, whose frames lie in space, else a loop.

    Raises:
        UnusableScan: with the reason.
    """
    header = read_header(content, most_bytes)
    if _is_volume(header):
        return volume_of([header], most_bytes, grey=grey)
    return _clip(header, most_bytes)


def decode_cine(content: bytes, most_bytes: int = sys.maxsize) -> Clip:
    """The frames of one file as a screen shows them, in grey; a single frame is a still.

    Args:
        most_bytes: of the frames as they are stored, and as they come out.

    Raises:
        UnusableScan: with the reason.
    """
    return _clip(read_header(content, most_bytes), most_bytes)


def decode_series(contents: Sequence[bytes], most_bytes: int = sys.maxsize, *, grey: bool = True) -> Scan:
    """The volume of a series, in files of whatever order: each slice says where it lies.

    Raises:
        UnusableScan: a slice is missing, several series are mixed, or what is there is no volume.
    """
    headers = read_headers(contents, most_bytes)
    if not headers:
        raise UnusableScan("has fewer than 2 slices, expected a DICOM series")
    return volume_of(headers, most_bytes, grey=grey)


def is_volume(content: bytes) -> bool:
    """Whether one file holds many slices of a volume; of a damaged one, the reader of loops says why."""
    try:
        return _is_volume(read_start(content))
    except UnusableScan:
        return False


def _is_volume(header: Any) -> bool:
    with reading("the functional groups of the multi-frame DICOM file cannot be read"):
        return is_enhanced(header)


def _clip(header: Any, most_bytes: int) -> Clip:
    frames, rows, columns = (int(header.NumberOfFrames), int(header.Rows), int(header.Columns))
    colours = int(header.SamplesPerPixel)
    check_size(frames, rows, columns, MOST_PIXELS // max(1, colours))
    with reading("the header of the DICOM loop cannot be read"):
        aspect, (edges, untimed) = pixel_aspect(header), frame_edges(header)
        remarks = [remark for remark in (untimed, window_remark(header)) if remark]
    most = min(MOST_PIXELS, most_bytes)
    if is_film(header):
        film = decode_film(header, most_bytes)
        as_stored = film.frames.shape == (frames, rows, columns)
        shown = square_pixels(film.frames, aspect, most) if as_stored else film.frames
        return Clip(shown, edges if as_stored and edges is not None else film.edges, film.remark)
    check_readable(header)
    alone = header.file_meta.TransferSyntaxUID == JPEG  # which are grey as they are decoded
    check_bytes(frames * rows * columns * (1 if alone else colours * stored_type(header).itemsize), most_bytes)
    return Clip(square_pixels(grey_frames(header), aspect, most), edges, "; ".join(remarks))
