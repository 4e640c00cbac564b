"""The readers of volumes, and what they share, under one name."""

from clinimcl.preparation.formats.nifti import announced_bytes, decode_nifti, decode_pair
from clinimcl.preparation.formats.placing import check_geometry, toward_ras
from clinimcl.preparation.formats.scan import MOST_VOXELS, Scan, UnusableScan, check_bytes
from clinimcl.preparation.formats.tensors import decode_tensor

__all__ = [
    "MOST_VOXELS",
    "Scan",
    "UnusableScan",
    "announced_bytes",
    "check_bytes",
    "check_geometry",
    "decode_nifti",
    "decode_pair",
    "decode_tensor",
    "toward_ras",
]
