"""FreeSurfer's .mgz and .mgh → scans."""

import math
from typing import Any

import nibabel as nib
import numpy as np
from nibabel.freesurfer.mghformat import DATA_OFFSET, MGHHeader

from clinimcl.preparation.formats.gzip_stream import first_bytes, inflate, is_gzip, more_than_announced
from clinimcl.preparation.formats.orientation import Placement, place, place_unknown
from clinimcl.preparation.formats.placing import Placing, check_geometry, placed
from clinimcl.preparation.formats.scan import FARTHEST, Scan, UnusableScan, check_shape

MOST_BEHIND = 2**24  # bytes behind the voxels: the history of commands, tables of colours
KINDS = {0: ">u1", 1: ">i4", 3: ">f4", 4: ">i2", 10: ">u2"}
VERSION, GOOD_RAS = 1, slice(28, 30)


def is_mgh(head: bytes) -> bool:
    """Whether its first bytes are such a header's, of whatever type and shape; gzipped ones are looked into."""
    if len(head) < DATA_OFFSET or int.from_bytes(head[:4], "big") & 0xFF != VERSION:
        return False
    sides = [int.from_bytes(head[at : at + 4], "big") for at in range(4, 24, 4)]
    return all(1 <= side < 2**20 for side in sides[:4]) and sides[4] <= 20


def decode_mgh(content: bytes, orientation: str | None = None, lay: Placing = placed) -> Scan:
    """Gzipped or not, its gzip stream verified whole.

    Args:
        orientation: as of `read_nifti`, for headers whose goodRASFlag is 0; their voxels count as of 1 mm, as
            FreeSurfer has it.

    Raises:
        UnusableScan: with the reason.
    """
    head = first_bytes(content, DATA_OFFSET)
    header = _header(head)
    shape, kind = _shape(header), _kind(header)
    placement = _placement(header, head, orientation)
    check_geometry(placement.affine, shape)
    size = math.prod(shape) * kind.itemsize
    if is_gzip(content):
        content = inflate(content, DATA_OFFSET + size, MOST_BEHIND)
    if len(content) < DATA_OFFSET + size:
        raise UnusableScan(f"truncated: {len(content)} bytes, expected {DATA_OFFSET + size}")
    if len(content) > DATA_OFFSET + size + MOST_BEHIND:
        raise UnusableScan(more_than_announced(DATA_OFFSET + size))
    voxels = np.frombuffer(content, kind, math.prod(shape), DATA_OFFSET).reshape(shape, order="F")
    return lay(voxels.astype(kind.newbyteorder("="), copy=False), placement)


def announced_bytes_of_mgh(content: bytes) -> int:
    """Raises UnusableScan: with what is wrong with the header."""
    header = _header(first_bytes(content, DATA_OFFSET))
    return DATA_OFFSET + math.prod(_shape(header)) * _kind(header).itemsize


def _header(head: bytes) -> MGHHeader:
    if not is_mgh(head):
        raise UnusableScan("not a FreeSurfer volume (.mgz or .mgh)")
    return MGHHeader(head, check=False)


def _shape(header: MGHHeader) -> tuple[int, int, int]:
    return check_shape(tuple(int(side) for side in header["dims"]))


def _kind(header: MGHHeader) -> np.dtype[Any]:
    code = int(header["type"])
    if code not in KINDS:
        raise UnusableScan(f"has voxels of type {code}, expected uint8, int16, uint16, int32 or float")
    return np.dtype(KINDS[code])


def _placement(header: MGHHeader, head: bytes, orientation: str | None) -> Placement:
    if not all((np.abs(header[field]) < FARTHEST).all() for field in ("delta", "Mdc", "Pxyz_c")):
        raise UnusableScan("has a singular affine: its voxels have no place in space")
    affine = header.get_affine()
    if int.from_bytes(head[GOOD_RAS], "big", signed=True) <= 0:  # nibabel's header says 1 of it, once it has filled in
        return place_unknown(nib.affines.voxel_sizes(affine), orientation, "its goodRASFlag is 0")
    return place(affine, orientation)
