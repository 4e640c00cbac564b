"""The bytes of a scan file → its voxels and geometry, every byte verified before anything is believed."""

import io
import logging
import math
import pickle
import zipfile
from typing import NamedTuple

import nibabel as nib
import numpy as np
from isal import isal_zlib
from jaxtyping import Float, Shaped
from nibabel.orientations import apply_orientation, io_orientation
from nibabel.spatialimages import HeaderDataError
from nibabel.volumeutils import apply_read_scaling
from nibabel.wrapstruct import WrapStructError

from clinimcl.errors import UserError
from clinimcl.preparation.layout import as_stored

DamagedStream: type[Exception] = isal_zlib.error  # type: ignore[assignment]  # isal's stub takes it for an instance
Header = nib.Nifti1Header | nib.Nifti2Header

logging.getLogger("nibabel.global").setLevel(logging.CRITICAL)  # it prints bytes of the headers that it dislikes

GZIP, RESERVED = b"\x1f\x8b\x08", b"\x20"  # how a member begins; flags from here on mean nothing yet
MOST_MEMBERS, PIECE = 100_000, 4096  # bytes of a member but the first that are looked at together, then twice as many
HEADER_BYTES = 540  # NIfTI-2's header, the longer one
PACKED_BYTES = 2**17  # of a gzip stream; hold the header and what may come before it
MOST_VOXELS = 1024**3
SCALED_BYTES = 8  # of a voxel that its header scales
MOST_MILLIMETRES = 1000.0
FINEST_MILLIMETRES = 0.05


class UnusableScan(Exception):
    """A scan that cannot be used; its message is the reason, without a path or a name."""


class Scan(NamedTuple):
    """Voxels along the scanner's axes that are closest to right, anterior, superior (RAS); nothing is rotated.

    They may lie in memory in any order, and be read-only.
    """

    voxels: Shaped[np.ndarray, "x y z"]
    spacing: tuple[float, float, float]  # mm between voxel centres along x, y, z
    remark: str = ""  # what a user must know of how it was read, without a path or a name; "" for nothing


def decode_nifti(content: bytes) -> Scan:
    """NIfTI-1 or -2, gzipped or not.

    nibabel reads a gzip stream up to the last voxel and never looks at the checksum behind it, so flipped bits
    pass unseen. Here the whole stream is inflated first, and its CRC-32 and length are compared.

    Raises:
        UnusableScan: with the reason.
    """
    if content[:2] == b"\x1f\x8b":
        content = _inflate(content)
    header = _header(content)
    if len(content) < _announced_bytes(header):
        raise UnusableScan(f"truncated: {len(content)} bytes, expected {_announced_bytes(header)}")
    stored = _stored(content, header)
    return toward_ras(stored.reshape(stored.shape[:3]), header.get_best_affine())


def toward_ras(stored: Shaped[np.ndarray, "i j k"], affine: Float[np.ndarray, "4 4"]) -> Scan:
    """Voxels turned and flipped toward RAS, to which `affine` leads in mm; a view of those given.

    Raises:
        UnusableScan: a voxel is not finite, or all are equal.
    """
    _check_voxels(stored)
    orientation = io_orientation(affine)
    sizes = nib.affines.voxel_sizes(affine)[np.argsort(orientation[:, 0])]
    return Scan(apply_orientation(stored, orientation), (float(sizes[0]), float(sizes[1]), float(sizes[2])))


def decode_tensor(content: bytes) -> Float[np.ndarray, "x y z"]:
    """A `.pt` file holding one plain tensor (leading axes of 1 may stand), loaded weights-only.

    Raises:
        UnusableScan: the file holds more than a plain tensor, or no volume.
    """
    try:
        import torch
    except ModuleNotFoundError:
        raise UserError("reading .pt files needs torch, not installed: pip install 'clinimcl[train]'") from None

    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:  # torch does not compare the archive's checksums
            if archive.testzip() is not None:
                raise UnusableScan("damaged: the tensor file fails its check")
        tensor = torch.load(io.BytesIO(content), weights_only=True, map_location="cpu")
    except pickle.UnpicklingError:
        raise UnusableScan(
            "holds more than plain tensors, and loading it could run code; save it again as a plain tensor"
        ) from None
    except Exception:  # what torch raises on bytes that are none of its own can be anything
        raise UnusableScan("damaged: not a tensor file") from None
    if not isinstance(tensor, torch.Tensor):
        raise UnusableScan(f"holds a {type(tensor).__name__}, expected one tensor")
    if tensor.layout != torch.strided or tensor.is_quantized or tensor.is_complex() or tensor.is_meta:
        raise UnusableScan("holds a sparse, quantised or complex tensor, expected plain numbers")
    voxels = tensor.detach().squeeze().float().numpy()
    if voxels.ndim != 3 or min(voxels.shape) < 2:
        raise UnusableScan(f"has shape {tuple(tensor.shape)}, expected a volume of 3 axes")
    _check_voxels(voxels)
    return voxels


def announced_bytes(content: bytes) -> int:
    """Of a NIfTI file, its voxels as they come out; nothing but the header is looked at.

    Raises:
        UnusableScan: with what is wrong with the header.
    """
    header = _first_header(content)
    return _announced_bytes(header, SCALED_BYTES if _scaling(header) else 0)


def check_bytes(size: int, most_bytes: int) -> None:
    """Refuse before memory is asked for.

    Raises:
        UnusableScan: more voxels than are wanted here.
    """
    if size > most_bytes:
        raise UnusableScan(f"has an absurd size: {size / 2**20:.0f} MiB of voxels")


def _inflate(content: bytes) -> bytes:
    """At most what the header announces: a decompression bomb is refused before it is allocated."""
    parts: list[bytes] = []
    most = room = _announced_bytes(_first_header(content))
    place, end = 0, len(content)
    while place < end:
        if len(parts) == MOST_MEMBERS:
            raise UnusableScan(f"damaged: its gzip stream has more than {MOST_MEMBERS} members")
        part, place = _member(content, place, room, PIECE if parts else end)
        room -= len(part)
        if room < 0:
            raise UnusableScan(f"damaged: more than the {most} bytes that its header announces")
        if not parts and place < end:  # a gzip file may have several members, and zeros behind the last
            end = len(content.rstrip(b"\0"))
        parts.append(part)
    return b"".join(parts)  # of one, itself


def _member(content: bytes, place: int, room: int, piece: int) -> tuple[bytes, int]:
    """The gzip member that begins at `place`, to a byte more than there is room for; and where it ends."""
    parts: list[bytes] = []
    try:
        if not GZIP.startswith(content[place : place + 3]) or content[place + 3 : place + 4] >= RESERVED:
            raise DamagedStream("incorrect header")  # isal does not look
        member = isal_zlib.decompressobj(wbits=31)
        while not member.eof and room >= 0:
            given = memoryview(content)[place : place + piece]
            if not given:
                raise UnusableScan("truncated: the gzip stream ends early")
            parts.append(member.decompress(given, room + 1))
            room -= len(parts[-1])
            place += len(given) - len(member.unused_data)  # which is a copy, and must not be of all that follows
            piece *= 2
    except DamagedStream as error:
        raise UnusableScan(f"damaged: the gzip stream fails its check ({error})") from None
    return b"".join(parts), place


def _stored(content: bytes, header: Header) -> Shaped[np.ndarray, "..."]:
    """The voxels where they lie in `content`; copied only if their units or the order of their bytes differ."""
    shape, kind = header.get_data_shape(), header.get_data_dtype()
    voxels = np.frombuffer(content, kind, math.prod(shape), int(header.get_data_offset())).reshape(shape, order="F")
    scaling = _scaling(header)
    scaled = apply_read_scaling(voxels, *scaling) if scaling else voxels
    return scaled.astype(scaled.dtype.newbyteorder("="), copy=False)


def _scaling(header: Header) -> tuple[float, float] | None:
    """Slope and intercept where they change a voxel."""
    try:
        slope, intercept = header.get_slope_inter()
    except HeaderDataError as error:
        raise UnusableScan(f"damaged: its header scales no voxel ({error})") from None
    return None if slope is None or (slope, intercept) == (1, 0) else (slope, intercept)


def _first_header(content: bytes) -> Header:
    """Of a file that may be gzipped, of which no more is inflated."""
    if content[:2] != GZIP[:2]:
        return _header(content)
    try:
        return _header(isal_zlib.decompressobj(wbits=31).decompress(content[:PACKED_BYTES], HEADER_BYTES))
    except DamagedStream as error:
        raise UnusableScan(f"damaged: the gzip stream fails its check ({error})") from None


def _header(content: bytes) -> Header:
    """The header, its shape and geometry checked before any voxel is read."""
    for kind in (nib.Nifti1Header, nib.Nifti2Header):
        size = kind.template_dtype.itemsize
        try:
            header = kind(content[:size])
            if header["magic"].item().rstrip(b"\0\r\n\x1a") in (b"n+1", b"n+2"):
                _check_shape(header)
                check_geometry(header.get_best_affine(), header.get_data_shape()[:3])
                return header
        except (HeaderDataError, WrapStructError, ValueError):
            continue
    raise UnusableScan("not a NIfTI file")


def _announced_bytes(header: Header, least: int = 0) -> int:
    """With at least so many bytes a voxel."""
    voxels = int(np.prod(header.get_data_shape(), dtype=object))
    return int(header.get_data_offset()) + voxels * max(least, int(header.get_data_dtype().itemsize))


def _check_shape(header: Header) -> None:
    shape = tuple(int(size) for size in header.get_data_shape())
    if max(shape[3:], default=1) > 1:
        raise UnusableScan(f"has {len(shape)} axes {shape}, expected one volume of 3 axes")
    if len(shape) < 3 or min(shape) < 1 or min(shape[:3]) < 2:
        raise UnusableScan(f"has shape {shape}, expected a volume of 3 axes")
    if np.prod(shape, dtype=object) > MOST_VOXELS:
        raise UnusableScan(f"has an absurd size: {shape} voxels")
    if header.get_data_dtype().kind not in "iuf":
        raise UnusableScan(f"has voxels of type {header.get_data_dtype()}, expected numbers")


def check_geometry(affine: Float[np.ndarray, "4 4"], shape: tuple[int, ...]) -> None:
    """Refuse before a voxel is read.

    Raises:
        UnusableScan: no head could have this place and extent.
    """
    sizes = nib.affines.voxel_sizes(affine)
    if not np.isfinite(affine).all() or abs(np.linalg.det(affine[:3, :3])) < 1e-3 * np.prod(sizes) or min(sizes) == 0:
        raise UnusableScan("has a singular affine: its voxels have no place in space")
    extent = sizes * shape
    if min(sizes) < FINEST_MILLIMETRES or max(extent) > MOST_MILLIMETRES:
        raise UnusableScan("has an absurd size: " + " × ".join(f"{side:g}" for side in extent) + " mm")


def _check_voxels(voxels: Shaped[np.ndarray, "x y z"]) -> None:
    if voxels.dtype.kind == "f" and not np.isfinite([voxels.min(), voxels.max()]).all():  # NaN is passed on by both
        raise UnusableScan("has voxels that are not finite numbers (NaN or infinite)")
    if all((plane == voxels[0, 0, 0]).all() for plane in as_stored(voxels).voxels):
        raise UnusableScan("is constant: every voxel has the same value")
