"""The bytes of a volume's file, or of the two that it has → its voxels; content tells the format, not the name."""

from collections.abc import Sequence
from functools import partial

from clinimcl.cohorts.files.endings import FREESURFER, METAIMAGE, NRRD, PAIRS
from clinimcl.preparation.formats.gzip_stream import first_bytes, inflate, is_gzip
from clinimcl.preparation.formats.metaimage import announced_bytes_of_metaimage, decode_metaimage, is_metaimage
from clinimcl.preparation.formats.mgh import announced_bytes_of_mgh, decode_mgh, is_mgh
from clinimcl.preparation.formats.nifti import announced_bytes, announced_bytes_of_pair, decode_pair, read_nifti
from clinimcl.preparation.formats.nifti_header import HEADER_BYTES, PAIR, SINGLE, magic_of
from clinimcl.preparation.formats.nrrd import announced_bytes_of_nrrd, decode_nrrd, is_nrrd
from clinimcl.preparation.formats.placing import Placing, placed
from clinimcl.preparation.formats.scan import Scan, UnusableScan, check_bytes

OTHERS = {  # by their first bytes
    b"\x1f\x8b": "is gzipped twice: gunzip it once",
    b"PK\x03\x04": "is a zip archive: unpack it",
    b"\x89HDF": "is an HDF5 file, as MINC's and MATLAB's are: mnc2nii or niftiwrite makes a .nii of it",
    b"CDF\x01": "is a MINC file: mnc2nii converts it",
    b"\x93NUMPY": "is a numpy array without a header: nibabel saves it as .nii.gz with the affine that you know",
    b"MATLAB": "is a MATLAB file: niftiwrite saves its array as .nii",
    b"mrtrix image": "is an MRtrix image: mrconvert converts it to .nii.gz",
    b"BZh": "is compressed by bzip2: bunzip2 unpacks it",
    b"\xfd7zXZ": "is compressed by xz: unxz unpacks it",
    b"\x28\xb5\x2f\xfd": "is compressed by Zstandard: zstd -d unpacks it",
}
PAGE = (b"<!doctype html", b"<html", b"<?xml", b"<head", b'{"')  # what a server answers in place of a file


def decode_volume(
    path: str, raw: Sequence[bytes], most_bytes: int, orientation: str | None, *, grey: bool = True
) -> Scan:
    """
    Args:
        grey: as of `toward_ras`.

    Raises:
        UnusableScan: with the reason.
    """
    lay = partial(placed, grey=grey, most_bytes=most_bytes)
    if len(raw) == 2:
        return _of_two_files(path, raw, most_bytes, orientation, lay)
    (content,) = raw
    head = first_bytes(content, HEADER_BYTES)
    if is_nrrd(content):
        check_bytes(announced_bytes_of_nrrd(content), most_bytes)
        return decode_nrrd(content, None, orientation, lay)
    if is_metaimage(content[:HEADER_BYTES]):
        check_bytes(announced_bytes_of_metaimage(content), most_bytes)
        return decode_metaimage(content, None, orientation, lay)
    if is_mgh(head):
        check_bytes(announced_bytes_of_mgh(content), most_bytes)
        return decode_mgh(content, orientation, lay)
    if magic_of(head) not in (*SINGLE, *PAIR):
        _refuse(path, content, head)
    check_bytes(announced_bytes(content), most_bytes)
    return read_nifti(content, orientation, lay)


def _of_two_files(path: str, raw: Sequence[bytes], most_bytes: int, orientation: str | None, lay: Placing) -> Scan:
    header, data = raw
    if path.lower().endswith(NRRD):
        check_bytes(announced_bytes_of_nrrd(header), most_bytes)
        return decode_nrrd(header, data, orientation, lay)
    if path.lower().endswith(METAIMAGE):
        check_bytes(announced_bytes_of_metaimage(header), most_bytes)
        return decode_metaimage(header, data, orientation, lay)
    check_bytes(announced_bytes_of_pair(header), most_bytes)
    return decode_pair(header, data, orientation, lay)


def _refuse(path: str, content: bytes, head: bytes) -> None:
    """What it is instead, where that is certain."""
    if is_gzip(content) and len(head) < HEADER_BYTES:
        inflate(content, HEADER_BYTES)  # which says where its stream is damaged or cut
    if head.lstrip()[:20].lower().startswith(PAGE):
        raise UnusableScan("is a web page or a server's answer, not a scan: its download failed, fetch it again")
    if content[128:132] == b"DICM":
        raise UnusableScan("is a DICOM file by another name: a series is given as the folder of its slices")
    for first, what in OTHERS.items():
        if head.startswith(first):
            raise UnusableScan(what)
    name = path.lower()
    if name.endswith(FREESURFER):
        raise UnusableScan("not a FreeSurfer volume (.mgz or .mgh)")
    if name.endswith(NRRD):
        raise UnusableScan("not an NRRD file")
    if name.endswith(METAIMAGE):
        raise UnusableScan("not a MetaImage file")
    raise UnusableScan("not the header of a NIfTI or Analyze pair" if name.endswith(PAIRS) else "not a NIfTI file")
