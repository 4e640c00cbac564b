"""Where the voxels of a NIfTI or Analyze file lie, by its header or by the user's word."""

import nibabel as nib
import numpy as np
from jaxtyping import Float
from nibabel.orientations import io_orientation
from nibabel.quaternions import quat2mat
from nibabel.spm99analyze import Spm99AnalyzeHeader

from clinimcl.preparation.formats.nifti_header import AnyHeader, Header, shape_of
from clinimcl.preparation.formats.orientation import Placement, is_unturned, place, place_unknown
from clinimcl.preparation.formats.placing import check_geometry, has_place

MILLIMETRES = {1: 1000.0, 3: 0.001}  # by the code of a header's units; others are mm
UNITS = {1: "metres", 3: "micrometres"}
LONG_QUATERNION = 0.01  # beyond 1, of its squared length
OTHER_SIZE = 0.02  # of a voxel

UNUSABLE_SFORM = "its sform has no place in space: its qform is followed"
UNTURNED_SFORM = "its sform turns no axis and begins at 0, 0, 0: its qform is followed"
TWO_WAYS = "its sform and its qform turn it differently: the sform is followed"
TWO_SIZES = "its sform gives its voxels another size than its pixdim: the sform is followed"


def placement_of(header: AnyHeader, orientation: str | None = None) -> Placement:
    """By the sform, where it has a code and a place in space, else by the qform; lengths become mm.

    Raises:
        UnusableScan: it has no place in space, or neither header nor user say how it lies.
    """
    if isinstance(header, Spm99AnalyzeHeader):
        placement = place_unknown(_sizes(header), orientation, "Analyze headers cannot")
        check_geometry(placement.affine, shape_of(header))
        return placement
    affine, remark = _coded(header)
    if affine is None:
        sizes = _sizes(header) * _scale(header)
        placement = place_unknown(sizes, orientation, "its qform_code and sform_code are 0")
    else:
        placement = place(_in_millimetres(affine, header), orientation, remark)
    check_geometry(placement.affine, shape_of(header), _why(header))
    return placement


def _coded(header: Header) -> tuple[Float[np.ndarray, "4 4"] | None, str]:
    """The affine that is followed, None where none has a code, and a remark."""
    sform, qform = _sform(header), _qform(header)
    if sform is None:
        return qform, ""
    if qform is None or not has_place(qform):
        return sform, _size_remark(sform, header) if has_place(sform) else ""
    if not has_place(sform):
        return qform, UNUSABLE_SFORM
    if is_unturned(sform) and not is_unturned(qform):
        return qform, UNTURNED_SFORM
    if not np.array_equal(io_orientation(sform), io_orientation(qform)):
        return sform, TWO_WAYS
    return sform, _size_remark(sform, header)


def _size_remark(sform: Float[np.ndarray, "4 4"], header: Header) -> str:
    """Where the pixdim gives other sizes; those of nothing are none."""
    sizes = _sizes(header)
    same = np.allclose(nib.affines.voxel_sizes(sform), sizes, rtol=OTHER_SIZE)
    return "" if same or not np.isfinite(sizes).all() or not sizes.all() else TWO_SIZES


def _sform(header: Header) -> Float[np.ndarray, "4 4"] | None:
    if int(header["sform_code"]) <= 0:
        return None
    affine = np.eye(4)
    affine[:3] = [header[f"srow_{axis}"] for axis in "xyz"]
    return affine


def _qform(header: Header) -> Float[np.ndarray, "4 4"] | None:
    """As NIfTI's own library has it: any negative qfac is -1, any other 1."""
    if int(header["qform_code"]) <= 0:
        return None
    vector = np.array([float(header[f"quatern_{letter}"]) for letter in "bcd"])
    squared = float(vector @ vector)
    affine = np.eye(4)
    if np.isfinite(squared) and squared <= 1 + LONG_QUATERNION:
        turn = quat2mat([np.sqrt(max(0.0, 1 - squared)), *vector])  # which it normalises
        sides = np.array([1, 1, -1 if float(header["pixdim"][0]) < 0 else 1])
        affine[:3, :3] = turn * sides * _sizes(header)
    else:
        affine[:3, :3] = 0
    affine[:3, 3] = [float(header[f"qoffset_{axis}"]) for axis in "xyz"]
    return affine


def _sizes(header: AnyHeader) -> Float[np.ndarray, " 3"]:
    """In the header's units; SPM's Analyze files write them negative to say that they are flipped."""
    return np.abs(np.asarray(header["pixdim"][1:4], np.float64))


def _scale(header: Header) -> float:
    return MILLIMETRES.get(int(header["xyzt_units"]) & 7, 1.0)


def _in_millimetres(affine: Float[np.ndarray, "4 4"], header: Header) -> Float[np.ndarray, "4 4"]:
    return affine * np.array([[_scale(header)]] * 3 + [[1.0]])


def _why(header: Header) -> str:
    unit = UNITS.get(int(header["xyzt_units"]) & 7)
    return "" if unit is None else f", as its header gives its lengths in {unit} (xyzt_units): mend the header"
