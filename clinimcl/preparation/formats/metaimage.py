"""MetaImage (.mha, or .mhd with its data beside) → scans.

SimpleITK reads such files as well, by name alone and wherever the header sends it, and asks for memory first.
"""

import numpy as np

from clinimcl.preparation.formats.gzip_stream import inflate, inflate_zlib, is_gzip
from clinimcl.preparation.formats.orientation import Placement, place, place_unknown
from clinimcl.preparation.formats.placing import Placing, check_geometry, placed
from clinimcl.preparation.formats.scan import Scan, UnusableScan, check_shape
from clinimcl.preparation.formats.text_header import (
    MOST_HEADER,
    Voxels,
    affine_of,
    named,
    numbers,
    whole_number,
    whole_numbers,
)

KINDS = {
    "MET_CHAR": "i1",
    "MET_UCHAR": "u1",
    "MET_SHORT": "i2",
    "MET_USHORT": "u2",
    "MET_INT": "i4",
    "MET_UINT": "u4",
    "MET_LONG": "i4",
    "MET_ULONG": "u4",
    "MET_LONG_LONG": "i8",
    "MET_ULONG_LONG": "u8",
    "MET_FLOAT": "f4",
    "MET_DOUBLE": "f8",
}
OTHER_KINDS = ("MET_NONE", "MET_ASCII_CHAR", "MET_STRING", "MET_OTHER", *(f"{kind}_ARRAY" for kind in KINDS))
OTHER_KINDS += ("MET_FLOAT_MATRIX",)
OBJECTS = (  # of MetaIO, but images
    *("AnatomicalStructure", "Array", "Blob", "Command", "Contour", "DTITube", "Ellipse", "Form", "Gaussian", "Group"),
    *(
        "ImageModality",
        "Landmark",
        "Line",
        "LineScanImage",
        "Mesh",
        "Scene",
        "Surface",
        "Transform",
        "Tube",
        "VesselTube",
    ),
)
LAST = "ElementDataFile"  # field of the header
MATRIX = ("TransformMatrix", "Rotation", "Orientation")
ORIGIN = ("Offset", "Position", "Origin")
BIG_ENDIAN = ("BinaryDataByteOrderMSB", "ElementByteOrderMSB")
LEFT_BACK_UP = (-1, -1, 1)  # ITK's axes of space → RAS


def is_metaimage(head: bytes) -> bool:
    return head.lstrip()[:10].split(b"=")[0].strip() in (b"ObjectType", b"NDims", b"Comment")


def data_file_of(content: bytes) -> str:
    """The name of the file that holds the voxels; LOCAL: this one."""
    return _fields(content)[0][LAST]


def decode_metaimage(
    content: bytes, data: bytes | None = None, orientation: str | None = None, lay: Placing = placed
) -> Scan:
    """
    Args:
        data: of the file with the voxels, where they lie in one of their own.
        orientation: as of `read_nifti`, for headers without a TransformMatrix, or with one of the identity.

    Raises:
        UnusableScan: with the reason.
    """
    fields, start = _fields(content)
    voxels = _voxels(fields, orientation)
    if (fields[LAST] == "LOCAL") != (data is None):
        raise UnusableScan("its header says LOCAL or names a file, where the other was expected: see ElementDataFile")
    stored = content[start:] if data is None else data
    if _flag(fields, "CompressedData"):
        unpack = inflate if is_gzip(stored) else inflate_zlib
        stored = unpack(stored, voxels.size)
    skipped = whole_number(fields.get("HeaderSize", "0"), "HeaderSize")
    return lay(voxels.behind(stored, skipped), voxels.placement)


def announced_bytes_of_metaimage(content: bytes) -> int:
    """Raises UnusableScan: with what is wrong with the header."""
    return _voxels(_fields(content)[0], "RAS").size


def _fields(content: bytes) -> tuple[dict[str, str], int]:
    """Of the header, and where it ends: its last line names where the voxels are."""
    fields: dict[str, str] = {}
    place = 0
    while LAST not in fields:
        end = content.find(b"\n", place, MOST_HEADER)
        if end < 0 and b"=" in content[place:MOST_HEADER] and LAST.encode() in content[place:MOST_HEADER]:
            end = len(content[:MOST_HEADER])
        name, equals, value = content[place : max(end, place)].decode("latin-1").partition("=")
        if end < 0 or (name.strip() and not equals):
            raise UnusableScan("not a MetaImage: its header does not name where its voxels are (ElementDataFile)")
        fields[name.strip()] = value.strip()
        place = end + 1
    return fields, place


def _voxels(fields: dict[str, str], orientation: str | None) -> Voxels:
    if fields.get("ObjectType", "Image") != "Image":
        raise UnusableScan(f"is a MetaImage of {named('object', fields['ObjectType'], OBJECTS)}, expected an Image")
    if not _flag(fields, "BinaryData", "True"):
        raise UnusableScan("has its voxels as text, which is not read: SimpleITK writes them as .nii.gz")
    channels = whole_number(fields.get("ElementNumberOfChannels", "1"), "ElementNumberOfChannels")
    if channels != 1:
        raise UnusableScan(f"has {channels} channels, expected grey levels")
    sides = whole_numbers(fields.get("DimSize", ""), "DimSize")
    axes = whole_number(fields.get("NDims", "3"), "NDims")
    if axes < 3:
        raise UnusableScan(f"has {axes} axes, expected one volume of 3 axes")
    if len(sides) != axes:
        raise UnusableScan(f"damaged: its header has {len(sides)} sides as DimSize and {axes} as NDims")
    shape = check_shape(sides)
    name = fields.get("ElementType", "")
    if name not in KINDS:
        raise UnusableScan(f"has voxels of {named('type', name, OTHER_KINDS)}, expected one of {', '.join(KINDS)}")
    big = any(_flag(fields, field) for field in BIG_ENDIAN)
    placement = _placement(fields, axes, orientation)
    check_geometry(placement.affine, shape)
    return Voxels(shape, np.dtype(KINDS[name]).newbyteorder(">" if big else "<"), placement)


def _placement(fields: dict[str, str], axes: int, orientation: str | None) -> Placement:
    """Of the axes of space; further ones, which have one element, come behind them."""
    written = fields.get("ElementSpacing", fields.get("ElementSize", ""))
    if not written:
        raise UnusableScan("does not say how large its voxels are (ElementSpacing)")
    spacing = numbers(written, axes, "ElementSpacing")[:3]
    matrix = next((fields[name] for name in MATRIX if name in fields), None)
    if matrix is None:
        return place_unknown(spacing, orientation, "no TransformMatrix")
    directions = numbers(matrix, axes**2, "TransformMatrix").reshape(axes, axes)[:3, :3].T * spacing
    written = next((fields[name] for name in ORIGIN if name in fields), "0 " * axes)
    origin = numbers(written, axes, "Offset")[:3]
    return place(affine_of(directions, origin, LEFT_BACK_UP), orientation)


def _flag(fields: dict[str, str], name: str, usual: str = "False") -> bool:
    return fields.get(name, usual).lower() in ("true", "1", "yes")
