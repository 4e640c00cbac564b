"""The readers of volumes, and what they share, under one name."""

from clinimcl.preparation.nifti import announced_bytes, decode_nifti, decode_pair
from clinimcl.preparation.placing import check_geometry, toward_ras
from clinimcl.preparation.scan import MOST_VOXELS, Scan, UnusableScan, check_bytes
from clinimcl.preparation.tensors import decode_tensor

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
