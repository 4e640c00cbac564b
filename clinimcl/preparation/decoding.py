"""The bytes of a scan, of whatever format → its voxels or frames."""

import sys
from collections.abc import Sequence

from clinimcl.preparation import dicom, video
from clinimcl.preparation.fetching import is_series
from clinimcl.preparation.reading import Scan, UnusableScan, announced_bytes, check_bytes, decode_nifti, decode_tensor
from clinimcl.preparation.video import Clip

TENSOR, NIFTI, DICOM = ".pt", (".nii", ".nii.gz"), (".dcm", ".dicom")
ENDINGS = (*NIFTI, TENSOR, *DICOM, *video.ENDINGS)


def decode(path: str, raw: Sequence[bytes], most_bytes: int = sys.maxsize) -> Scan | Clip:
    """What is in the one file, or in those of a series; the path's ending tells the format, but of DICOM any will do.

    Tensors (`.pt`) are taken to be RAS at 1 mm.

    Args:
        most_bytes: of the voxels or frames as they come out, tensors excepted; a format may have a narrower bound.

    Raises:
        UnusableScan: with the reason.
    """
    if is_series(path):
        return dicom.decode_series(raw, most_bytes)
    (content,), ending = raw, path.lower()
    if ending.endswith(TENSOR):
        return Scan(decode_tensor(content), (1.0, 1.0, 1.0))
    if ending.endswith(NIFTI):
        check_bytes(announced_bytes(content), most_bytes)
        return decode_nifti(content)
    if ending.endswith(video.ENDINGS):
        return video.decode_video(content, most_bytes)
    _check_dicom(path, content)
    return dicom.decode_file(content, most_bytes)


def is_clip(path: str, raw: Sequence[bytes]) -> bool:
    """Whether `decode` would make a clip of it: told by name and first bytes.

    Raises:
        UnusableScan: they tell no format.
    """
    if is_series(path) or path.lower().endswith((*NIFTI, TENSOR)):
        return False
    if not path.lower().endswith(video.ENDINGS):
        _check_dicom(path, raw[0])
        return not dicom.is_volume(raw[0])
    return True


def _check_dicom(path: str, content: bytes) -> None:
    if not path.lower().endswith(DICOM) and not dicom.is_dicom(content):
        raise UnusableScan(
            f"its name tells no format that is read: it must end with one of {', '.join(ENDINGS)}, or be a DICOM file"
        )
