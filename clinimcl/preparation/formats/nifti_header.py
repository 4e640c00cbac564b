"""What a NIfTI or Analyze header says of its voxels, checked before any is read."""

from typing import Any

import numpy as np
from nibabel.nifti1 import Nifti1Header, Nifti1PairHeader
from nibabel.nifti2 import Nifti2Header, Nifti2PairHeader
from nibabel.spatialimages import HeaderDataError
from nibabel.spm99analyze import Spm99AnalyzeHeader

from clinimcl.preparation.formats.scan import UnusableScan, check_shape

Header = Nifti1Header | Nifti2Header | Nifti1PairHeader | Nifti2PairHeader
AnyHeader = Header | Spm99AnalyzeHeader

HEADER_BYTES = 540  # NIfTI-2's, the longer one
MOST_OFFSET = 2**26  # bytes before the first voxel: extensions may hold whole DICOM headers
SINGLE, PAIR = (b"n+1", b"n+2"), (b"ni1", b"ni2")
PAD = b"\0\r\n\x1a"
COLOUR = {128: "RGB", 2304: "RGBA"}
LABELS, STATISTICS = 1002, range(2, 25)  # intent codes


def read_header(head: bytes) -> Header:
    """Of a single file.

    Raises:
        UnusableScan: with what is wrong with it.
    """
    magic = magic_of(head)
    if magic in PAIR:
        raise UnusableScan("is the header of a pair: its name must end with .hdr, with the .img beside it")
    if magic not in SINGLE:
        raise UnusableScan("not a NIfTI file")
    kind = Nifti1Header if magic == b"n+1" else Nifti2Header
    header = kind(head[: kind.template_dtype.itemsize], check=False)
    _check(header)
    return header


def read_pair_header(head: bytes) -> AnyHeader:
    """Of a pair; without NIfTI's magic it is Analyze's.

    Raises:
        UnusableScan: with what is wrong with it.
    """
    magic = magic_of(head)
    if magic in SINGLE:
        raise UnusableScan("is the header of a single file, which holds the voxels, too: its name must end with .nii")
    if magic in PAIR:
        kind = Nifti1PairHeader if magic == b"ni1" else Nifti2PairHeader
        header: AnyHeader = kind(head[: kind.template_dtype.itemsize], check=False)
        _check(header)
        return header
    size = Spm99AnalyzeHeader.template_dtype.itemsize
    if len(head) < size or int.from_bytes(head[:4], "little") != size != int.from_bytes(head[:4], "big"):
        raise UnusableScan("not the header of a NIfTI or Analyze pair")
    analyze = Spm99AnalyzeHeader(head[:size], check=False)
    _check(analyze)
    return analyze


def magic_of(head: bytes) -> bytes | None:
    """Of NIfTI's four kinds of header; None of other bytes."""
    for at, width, size in ((344, 4, 348), (4, 8, 540)):
        magic = head[at : at + width].rstrip(PAD)
        if len(head) >= size and magic in (*SINGLE, *PAIR):
            return magic
    return None


def shape_of(header: AnyHeader) -> tuple[int, int, int]:
    return check_shape(_axes(header))


def kind_of(header: AnyHeader) -> np.dtype[Any]:
    """The type of its voxels, in the order of bytes in which they are stored.

    Raises:
        UnusableScan: they are no real numbers.
    """
    code = int(header["datatype"])
    if code in COLOUR:
        raise UnusableScan(f"has voxels in colour ({COLOUR[code]}), expected grey levels: convert it to one channel")
    try:
        kind: np.dtype[Any] = header.get_data_dtype()
    except (HeaderDataError, KeyError):
        raise UnusableScan(f"has voxels of a type that is unknown (datatype {code})") from None
    if kind.kind not in "iuf" or kind.itemsize > 8:
        label = header._data_type_codes.label[code]
        raise UnusableScan(f"has voxels of type {label} (datatype {code}), expected real numbers of at most 64 bits")
    return kind


def scaling_of(header: AnyHeader) -> tuple[float, float] | None:
    """Slope and intercept where they change a voxel.

    Raises:
        UnusableScan: no voxel can be scaled so.
    """
    try:
        slope, intercept = header.get_slope_inter()
    except HeaderDataError as error:
        raise UnusableScan(f"damaged: its header scales no voxel ({error})") from None
    scale = None if slope is None else (float(slope), float(intercept or 0))
    return None if scale == (1, 0) else scale


def offset_of(header: AnyHeader) -> int:
    """Of the first voxel, as written.

    Raises:
        UnusableScan: it is no place in a file.
    """
    offset = float(header["vox_offset"])
    if not np.isfinite(offset) or offset < 0 or not offset.is_integer():
        raise UnusableScan(f"damaged: its header says that its voxels begin at byte {offset:g}")
    if offset > MOST_OFFSET:
        raise UnusableScan(f"has an absurd size: its voxels begin at byte {offset:.0f}")
    return int(offset)


def intent_remark(header: Header) -> str:
    """Where the header says that the values are no intensities."""
    code = int(header["intent_code"])
    if code == LABELS:
        return "its header says that its values are labels, not intensities (intent code 1002)"
    if code in STATISTICS:
        return "its header says that its values are a statistic, not intensities (intent code)"
    return ""


def _check(header: AnyHeader) -> None:
    shape_of(header)
    kind_of(header)
    offset_of(header)


def _axes(header: AnyHeader) -> tuple[int, ...]:
    """As written; more than seven are none."""
    count = int(header["dim"][0])
    if not 1 <= count <= 7:
        raise UnusableScan(f"damaged: its header says that it has {count} axes")
    return tuple(int(side) for side in header["dim"][1 : count + 1])


def announced_bytes_of(header: AnyHeader, least: int = 0) -> int:
    """Of its voxels, with at least so many bytes each."""
    voxels = int(np.prod(shape_of(header), dtype=object))
    return voxels * max(least, int(kind_of(header).itemsize))
