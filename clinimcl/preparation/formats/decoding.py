"""The bytes of a scan, of whatever format → its voxels or frames."""

import sys
from collections.abc import Sequence

import numpy as np

from clinimcl.cohorts.files.endings import TENSOR, VOLUMES, converter_of, is_series
from clinimcl.preparation.formats.dicom import dicom
from clinimcl.preparation.formats.orientation import place_unknown
from clinimcl.preparation.formats.placing import placed, toward_ras
from clinimcl.preparation.formats.reading import Scan, UnusableScan, decode_tensor
from clinimcl.preparation.formats.video import video
from clinimcl.preparation.formats.video.video import Clip
from clinimcl.preparation.formats.volumes import decode_volume

DICOM = (".dcm", ".dicom")
ENDINGS = (*VOLUMES, TENSOR, *DICOM, *video.ENDINGS)


def decode(
    path: str,
    raw: Sequence[bytes],
    most_bytes: int = sys.maxsize,
    orientation: str | None = None,
    *,
    grey: bool = True,
) -> Scan | Clip:
    """What is in the one file, in a header and the file of its voxels, or in those of a series.

    The path's ending tells the format, but of DICOM any will do, and volumes are told apart by their content. Tensors
    (`.pt`) are taken to be RAS at 1 mm.

    Args:
        orientation: how volumes lie whose header does not say; the directions toward which their stored axes run.
        grey: as of `toward_ras`; False of a mask.
        most_bytes: of the voxels or frames as they come out, tensors excepted; a format may have a narrower bound.

    Raises:
        UnusableScan: with the reason.
    """
    if is_series(path):
        return dicom.decode_series(raw, most_bytes, grey=grey)
    ending = path.lower()
    if ending.endswith(VOLUMES):
        return decode_volume(path, raw, most_bytes, orientation, grey=grey)
    (content,) = raw
    if ending.endswith(TENSOR):
        return _of_tensor(content, orientation, grey=grey)
    if ending.endswith(video.ENDINGS):
        return video.decode_video(content, most_bytes)
    _check_dicom(path, content)
    return dicom.decode_file(content, most_bytes, grey=grey)


def is_clip(path: str, raw: Sequence[bytes]) -> bool:
    """Whether `decode` would make a clip of it: told by name and first bytes.

    Raises:
        UnusableScan: they tell no format.
    """
    if is_series(path) or path.lower().endswith((*VOLUMES, TENSOR)):
        return False
    if not path.lower().endswith(video.ENDINGS):
        _check_dicom(path, raw[0])
        return not dicom.is_volume(raw[0])
    return True


def _of_tensor(content: bytes, orientation: str | None, *, grey: bool) -> Scan:
    tensor = decode_tensor(content)
    if orientation is None:
        return toward_ras(tensor, np.eye(4), known=False, grey=grey)._replace(sized=False)
    return placed(tensor, place_unknown(np.ones(3), orientation), grey=grey)._replace(sized=False)


def _check_dicom(path: str, content: bytes) -> None:
    if path.lower().endswith(DICOM) or dicom.is_dicom(content):
        return
    if converter := converter_of(path):
        raise UnusableScan(f"its format is not read ({converter})")
    raise UnusableScan(
        f"its name tells no format that is read: it must end with one of {', '.join(ENDINGS)}, or be a DICOM file"
    )
