"""NIfTI files and NIfTI or Analyze pairs → scans, every byte verified before anything is believed."""

import logging
import math
import warnings
from typing import Literal

import numpy as np
from jaxtyping import Shaped
from nibabel.spm99analyze import Spm99AnalyzeHeader
from nibabel.volumeutils import apply_read_scaling

from clinimcl.preparation.formats.gzip_stream import MOST_BEHIND, first_bytes, inflate, is_gzip, more_than_announced
from clinimcl.preparation.formats.nifti_affine import placement_of
from clinimcl.preparation.formats.nifti_header import (
    HEADER_BYTES,
    AnyHeader,
    announced_bytes_of,
    intent_remark,
    kind_of,
    offset_of,
    read_header,
    read_pair_header,
    scaling_of,
    shape_of,
)
from clinimcl.preparation.formats.placing import Placing, placed
from clinimcl.preparation.formats.scan import Scan, UnusableScan

logging.getLogger("nibabel.global").setLevel(logging.CRITICAL)  # it prints bytes of the headers that it dislikes

SCALED_BYTES = 8  # of a voxel that its header scales
MOST_OTHER = 1024  # bytes, not all 0, that may lie behind the last voxel
MOST_HEADER = 2**16  # bytes of a pair's header, with what it may have of extensions


def decode_nifti(content: bytes, orientation: str | None = None) -> Scan:
    """`read_nifti` for callers who keep no remarks: one is also a Python warning."""
    scan = read_nifti(content, orientation)
    if scan.remark:
        warnings.warn(scan.remark, stacklevel=2)
    return scan


def read_nifti(content: bytes, orientation: str | None = None, lay: Placing = placed) -> Scan:
    """NIfTI-1 or -2, gzipped or not.

    nibabel reads a gzip stream up to the last voxel and never looks at the checksum behind it, so flipped bits
    pass unseen. Here the whole stream is inflated first, and its CRC-32 and length are compared.

    Args:
        orientation: how voxels lie where the header does not say: the directions toward which the stored axes run.
        lay: makes the scan of the stored voxels.

    Raises:
        UnusableScan: with the reason.
    """
    header = read_header(first_bytes(content, HEADER_BYTES))
    placement = placement_of(header, orientation)
    if is_gzip(content):
        content = inflate(content, _least_start(header) + announced_bytes_of(header))
    stored = stored_voxels(content, header, _start(content, header))
    remarks = "; ".join(filter(None, (placement.remark, intent_remark(header))))
    return lay(stored, placement._replace(remark=remarks))


def decode_pair(content: bytes, image: bytes, orientation: str | None = None, lay: Placing = placed) -> Scan:
    """A header and the file of its voxels, each gzipped or not; Analyze headers do not say how their voxels lie.

    Raises:
        UnusableScan: with the reason.
    """
    header = read_pair_header(first_bytes(content, HEADER_BYTES))
    placement = placement_of(header, orientation)
    if is_gzip(content):
        inflate(content, MOST_HEADER)
    if is_gzip(image):
        image = inflate(image, offset_of(header) + announced_bytes_of(header))
    stored = stored_voxels(image, header, _start_in_pair(image, header))
    if isinstance(header, Spm99AnalyzeHeader):
        return lay(stored, placement)
    remarks = "; ".join(filter(None, (placement.remark, intent_remark(header))))
    return lay(stored, placement._replace(remark=remarks))


def announced_bytes(content: bytes) -> int:
    """Of a NIfTI file, its voxels as they come out; nothing but the header is looked at.

    Raises:
        UnusableScan: with what is wrong with the header.
    """
    header = read_header(first_bytes(content, HEADER_BYTES))
    return _least_start(header) + announced_bytes_of(header, SCALED_BYTES if scaling_of(header) else 0)


def announced_bytes_of_pair(content: bytes) -> int:
    """As `announced_bytes`, of a pair's header."""
    header = read_pair_header(first_bytes(content, HEADER_BYTES))
    return offset_of(header) + announced_bytes_of(header, SCALED_BYTES if scaling_of(header) else 0)


def stored_voxels(content: bytes, header: AnyHeader, start: int) -> Shaped[np.ndarray, "i j k"]:
    """Where they lie in `content`; copied only if their units or the order of their bytes differ.

    Raises:
        UnusableScan: bytes are missing, or more lie behind them than a file has that is whole.
    """
    shape, kind = shape_of(header), kind_of(header)
    check_end(content, start, math.prod(shape) * kind.itemsize, shape[0] * shape[1] * kind.itemsize)
    voxels = np.frombuffer(content, kind, math.prod(shape), start).reshape(shape, order="F")
    scaling = scaling_of(header)
    scaled = apply_read_scaling(voxels, *scaling) if scaling else voxels
    return scaled.astype(scaled.dtype.newbyteorder("="), copy=False)


def check_end(content: bytes, start: int, size: int, slice_bytes: int) -> None:
    """What lies behind the last voxel may be zeros, or a few bytes; not another slice.

    Raises:
        UnusableScan: bytes are missing, or too many lie behind.
    """
    behind = len(content) - start - size
    if behind < 0:
        raise UnusableScan(f"truncated: {len(content)} bytes, expected {start + size}")
    if behind > MOST_BEHIND:
        raise UnusableScan(more_than_announced(start + size))
    few = min(MOST_OTHER, slice_bytes)
    if behind >= few and content[start + size :].strip(b"\0"):
        raise UnusableScan(
            f"its header announces {size} bytes of voxels, and {behind} more lie behind them: the shape or type "
            "that it gives is not that of the file"
        )


def _start_in_pair(image: bytes, header: AnyHeader) -> int:
    """As written, which counts from the file's own beginning; 0 where there is room for the voxels alone.

    MRtrix3 writes 352 there, as in a single file, and no such bytes.
    """
    return 0 if len(image) == announced_bytes_of(header) else offset_of(header)


def _start(content: bytes, header: AnyHeader) -> int:
    """The first voxel's byte; where the header puts it into itself, the one that the file's length tells."""
    written, size = offset_of(header), announced_bytes_of(header)
    bare = header.template_dtype.itemsize
    behind_extensions = _end_of_extensions(content, header)
    if written >= bare + 4:
        if behind_extensions > written and len(content) == behind_extensions + size:
            raise UnusableScan(
                f"damaged: its voxels begin at byte {written} by its header, in the middle of its extensions"
            )
        return written
    for start in (written, bare + 4, behind_extensions, bare):
        if start >= bare and len(content) == start + size:
            return start
    if len(content) < bare + size:
        raise UnusableScan(f"truncated: {len(content)} bytes, expected {bare + 4 + size}")
    raise UnusableScan(
        f"damaged: its voxels begin at byte {written} by its header, which is within it, and the file's length of "
        f"{len(content)} bytes does not tell where they do"
    )


def _least_start(header: AnyHeader) -> int:
    return max(header.template_dtype.itemsize + 4, offset_of(header))


def _end_of_extensions(content: bytes, header: AnyHeader) -> int:
    place = header.template_dtype.itemsize + 4
    if content[place - 4 : place - 3] in (b"", b"\0"):
        return place
    order: Literal["little", "big"] = "little" if header.endianness == "<" else "big"
    while 8 <= (size := int.from_bytes(content[place : place + 4], order)) <= len(content) - place:
        place += size
    return place
