"""The bytes of a scan, of whatever format → its voxels or frames."""

from collections.abc import Sequence

from clinimcl.preparation import dicom, video
from clinimcl.preparation.fetching import is_series
from clinimcl.preparation.reading import Scan, UnusableScan, decode_nifti, decode_tensor
from clinimcl.preparation.video import Clip

TENSOR, NIFTI, DICOM = ".pt", (".nii", ".nii.gz"), (".dcm", ".dicom")
ENDINGS = (*NIFTI, TENSOR, *DICOM, *video.ENDINGS)


def decode(path: str, raw: Sequence[bytes]) -> Scan | Clip:
    """What is in the one file, or in those of a series; the path's ending tells the format, but of DICOM any will do.

    Tensors (`.pt`) are taken to be RAS at 1 mm.

    Raises:
        UnusableScan: with the reason.
    """
    if is_series(path):
        return dicom.decode_series(raw)
    (content,), ending = raw, path.lower()
    if ending.endswith(TENSOR):
        return Scan(decode_tensor(content), (1.0, 1.0, 1.0))
    if ending.endswith(video.ENDINGS):
        return video.decode_video(content)
    if ending.endswith(NIFTI):
        return decode_nifti(content)
    if ending.endswith(DICOM) or dicom.is_dicom(content):
        return dicom.decode_cine(content)
    raise UnusableScan(
        f"its name tells no format that is read: it must end with one of {', '.join(ENDINGS)}, or be a DICOM file"
    )
