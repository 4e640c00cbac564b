"""NRRD (.nrrd, or .nhdr with its data beside) → scans.

SimpleITK reads such files as well, by name alone and wherever the header sends it, and asks for memory first.
"""

import bz2
import re

import numpy as np
from jaxtyping import Float

from clinimcl.preparation.formats.gzip_stream import inflate, more_than_announced
from clinimcl.preparation.formats.orientation import Placement, place, place_unknown
from clinimcl.preparation.formats.placing import Placing, check_geometry, placed
from clinimcl.preparation.formats.scan import Scan, UnusableScan, check_shape
from clinimcl.preparation.formats.text_header import MOST_HEADER, Voxels, affine_of, named, numbers, whole_numbers

MAGIC = b"NRRD000"
KINDS = {
    "i1": "signed char, int8, int8_t",
    "u1": "uchar, unsigned char, uint8, uint8_t",
    "i2": "short, short int, signed short, signed short int, int16, int16_t",
    "u2": "ushort, unsigned short, unsigned short int, uint16, uint16_t",
    "i4": "int, signed int, int32, int32_t",
    "u4": "uint, unsigned int, uint32, uint32_t",
    "i8": "longlong, long long, long long int, signed long long, signed long long int, int64, int64_t",
    "u8": "ulonglong, unsigned long long, unsigned long long int, uint64, uint64_t",
    "f4": "float",
    "f8": "double",
}
KIND_OF = {name: kind for kind, names in KINDS.items() for name in names.split(", ")}
SIGNS = {  # of the axes of space, by which they become RAS
    "right-anterior-superior": (1, 1, 1),
    "ras": (1, 1, 1),
    "left-anterior-superior": (-1, 1, 1),
    "las": (-1, 1, 1),
    "left-posterior-superior": (-1, -1, 1),
    "lps": (-1, -1, 1),
}
TIMED = {name + ("t" if len(name) == 3 else "-time"): signs for name, signs in SIGNS.items()}
MILLIMETRES = {"mm": 1.0, "millimeter": 1.0, "millimeters": 1.0, "cm": 10.0, "m": 1000.0, "um": 1e-3, "µm": 1e-3}
MILLIMETRES |= {"micron": 1e-3, "microns": 1e-3, "micrometer": 1e-3, "micrometers": 1e-3, "nm": 1e-6, "": 1.0}
MILLIMETRES |= {"meter": 1000.0, "meters": 1000.0, "metre": 1000.0, "metres": 1000.0, "dm": 100.0}
MILLIMETRES |= {"centimeter": 10.0, "centimeters": 10.0, "centimetre": 10.0, "centimetres": 10.0}
MILLIMETRES |= {"millimetre": 1.0, "millimetres": 1.0, "decimeter": 100.0, "decimeters": 100.0}
MILLIMETRES |= {"micrometre": 1e-3, "micrometres": 1e-3, "μm": 1e-3, "nanometer": 1e-6, "nanometers": 1e-6}
MILLIMETRES |= {"in": 25.4, "inch": 25.4, "inches": 25.4, "none": 1.0, "???": 1.0}
SPATIAL = {"domain", "space", "???", "none"}
OTHER_KINDS = (  # of axes that are not of space
    *("time", "list", "point", "vector", "covariant-vector", "normal", "stub", "scalar", "complex", "2-vector"),
    *("3-color", "RGB-color", "HSV-color", "XYZ-color", "4-color", "RGBA-color", "3-vector", "3-gradient", "3-normal"),
    *("4-vector", "quaternion", "2D-symmetric-matrix", "2D-masked-symmetric-matrix", "2D-matrix", "2D-masked-matrix"),
    *("3D-symmetric-matrix", "3D-masked-symmetric-matrix", "3D-matrix", "3D-masked-matrix"),
)
LOWER_KINDS = {kind.lower() for kind in OTHER_KINDS}
ENCODINGS = {"raw": "raw", "gzip": "gzip", "gz": "gzip", "bzip2": "bzip2", "bz2": "bzip2"}
UNIT = re.compile(r'"[^"]*"|[^\s"]+')
VECTOR = re.compile(r"\([^()]*\)|none", re.IGNORECASE)


def is_nrrd(head: bytes) -> bool:
    return head.startswith(MAGIC)


def data_file_of(content: bytes) -> str:
    """The name of the file that holds the voxels; "" where they lie in this one."""
    return _fields(content)[0].get("data file", "")


def decode_nrrd(
    content: bytes, data: bytes | None = None, orientation: str | None = None, lay: Placing = placed
) -> Scan:
    """
    Args:
        data: of the file with the voxels, where they lie in one of their own.
        orientation: as of `read_nifti`, for headers without a space, or with directions of the identity.

    Raises:
        UnusableScan: with the reason.
    """
    fields, start = _fields(content)
    voxels = _voxels(fields, orientation)
    if ("data file" in fields) != (data is not None):
        raise UnusableScan("its header names a data file, which is read beside a .nhdr alone")
    stored = memoryview(content)[start:].tobytes() if data is None else data
    encoding, skipped = ENCODINGS[fields["encoding"].lower()], int(fields.get("byte skip", "0"))
    if encoding == "gzip":
        stored = inflate(stored, voxels.size)
    elif encoding == "bzip2":
        stored = _inflate_bzip2(stored, voxels.size)
    return lay(voxels.behind(stored, skipped), voxels.placement)


def announced_bytes_of_nrrd(content: bytes) -> int:
    """Raises UnusableScan: with what is wrong with the header."""
    return _voxels(_fields(content)[0], "RAS").size


def _fields(content: bytes) -> tuple[dict[str, str], int]:
    """Of the header, in small letters, and where it ends: at an empty line, or with the file."""
    if not is_nrrd(content[:16]):
        raise UnusableScan("not an NRRD file")
    ends = [(at, len(mark)) for mark in (b"\n\n", b"\r\n\r\n") if (at := content.find(mark, 0, MOST_HEADER)) >= 0]
    end, width = min(ends) if ends else (len(content), 0)
    if end > MOST_HEADER:
        raise UnusableScan("damaged: its header has no end")
    fields = {}
    for line in content[:end].decode("utf-8", "replace").splitlines()[1:]:
        name, colon, value = line.partition(":")
        if colon and not line.startswith("#") and not value.startswith("="):
            fields[name.strip().lower()] = value.strip()
    for short, name in (("datafile", "data file"), ("byteskip", "byte skip"), ("lineskip", "line skip")):
        if short in fields:
            fields[name] = fields.pop(short)
    return fields, end + width


def _voxels(fields: dict[str, str], orientation: str | None) -> Voxels:
    sizes = whole_numbers(fields.get("sizes", ""), "sizes")
    axes = _spatial_axes(fields, sizes)
    shape = check_shape(tuple(sizes[axis] for axis in axes))
    name = fields.get("type", "")
    if name.lower() not in KIND_OF:
        raise UnusableScan(f"has voxels of {named('type', name.lower(), ('block',))}, expected numbers")
    encoding = fields.get("encoding", "").lower()
    if encoding not in ENCODINGS:
        what = named("encoding", encoding, ("ascii", "txt", "text", "hex"))
        raise UnusableScan(f"has voxels of {what}, which is not read: SimpleITK writes them as .nii.gz")
    if fields.get("line skip", "0") != "0" or not re.fullmatch(r"-1|\d{1,9}", fields.get("byte skip", "0")):
        raise UnusableScan("has lines before its voxels (line skip), which is not read: SimpleITK writes .nii.gz")
    kind = np.dtype(KIND_OF[name.lower()])
    endian = fields.get("endian", "").lower()
    if kind.itemsize > 1 and endian not in ("little", "big"):
        raise UnusableScan("does not say in which order its bytes are (endian)")
    placement = _placement(fields, axes, orientation)
    check_geometry(placement.affine, shape)
    return Voxels(shape, kind.newbyteorder(">" if endian == "big" else "<"), placement)


def _spatial_axes(fields: dict[str, str], sizes: tuple[int, ...]) -> list[int]:
    """The three, where others have one element."""
    kinds = [kind.lower() for kind in fields.get("kinds", " ".join(["???"] * len(sizes))).split()]
    if len(kinds) != len(sizes) or fields.get("dimension", "") != str(len(sizes)):
        raise UnusableScan("damaged: its header counts axes differently in dimension, sizes and kinds")
    axes = list(range(len(sizes)))
    if len(sizes) > 3:
        axes = [axis for axis in axes if sizes[axis] > 1 or kinds[axis] in ("domain", "space")]
    others = {kinds[axis] for axis in axes} - SPATIAL
    if others or len(axes) != 3:
        told = sorted(kind if kind in LOWER_KINDS else "one that is unknown" for kind in others)
        what = f", of the kinds {', '.join(told)}" if others else ""
        raise UnusableScan(f"has axes of {sizes}{what}, expected one volume of 3 axes")
    return axes


def _placement(fields: dict[str, str], axes: list[int], orientation: str | None) -> Placement:
    space = fields.get("space", "").lower()
    signs, timed = SIGNS.get(space, TIMED.get(space)), space in TIMED
    count = 3 + timed  # numbers of a vector
    vectors = VECTOR.findall(fields.get("space directions", ""))
    scale = _scale(fields, axes)
    if vectors:
        chosen = [vector for vector in vectors if vector.lower() != "none"]
        if timed and len(vectors) > max(axes):
            chosen = [vectors[axis] for axis in axes]
        if len(chosen) != 3:
            raise UnusableScan("damaged: its header has no 3 vectors as space directions")
        directions = np.stack([numbers(vector, count, "space directions")[:3] for vector in chosen], axis=1)
    else:
        directions = np.diag(_spacings(fields, axes))
    if signs is None or not vectors:
        return place_unknown(np.linalg.norm(directions, axis=0) * scale, orientation, "no space that it knows")
    origin = numbers(fields.get("space origin", "0 " * count), count, "space origin")[:3]
    return place(affine_of(directions * scale[:, None], origin * scale, signs), orientation)


def _spacings(fields: dict[str, str], axes: list[int]) -> Float[np.ndarray, " 3"]:
    words = fields.get("spacings", "").split()
    if not words:
        raise UnusableScan("does not say how large its voxels are (space directions or spacings)")
    return numbers(" ".join(words[axis] for axis in axes if axis < len(words)), 3, "spacings")


def _scale(fields: dict[str, str], axes: list[int]) -> Float[np.ndarray, " 3"]:
    """Millimetres of the units of each axis of space; without a space, those of the stored axes."""
    units = UNIT.findall(fields.get("space units", ""))[:3]
    stored = UNIT.findall(fields.get("units", ""))
    if not units and len(stored) > max(axes):
        units = [stored[axis] for axis in axes]
    found = [MILLIMETRES.get(unit.strip(' "').lower()) for unit in units or [""] * 3]
    if None in found or len(found) != 3:
        raise UnusableScan("has voxels whose sizes are in an unknown unit (space units), expected mm")
    return np.array(found)


def _inflate_bzip2(content: bytes, announced: int) -> bytes:
    """Its checksums compared; at most what the header announces."""
    stream = bz2.BZ2Decompressor()
    try:
        found = stream.decompress(content, announced + 1)
        while not stream.eof and len(found) <= announced:
            more = stream.decompress(b"", announced + 1 - len(found))
            if not more and stream.needs_input:
                raise UnusableScan("truncated: its bzip2 stream ends early")
            found += more
    except OSError:
        raise UnusableScan("damaged: its bzip2 stream fails its check") from None
    if len(found) > announced:
        raise UnusableScan(more_than_announced(announced))
    return found
