"""A film in a DICOM file (MPEG-2, H.264, H.265) → a clip."""

from typing import Any

from clinimcl.preparation.formats.dicom.header import reading
from clinimcl.preparation.formats.reading import UnusableScan
from clinimcl.preparation.formats.video.video import Clip, decode_video

FILMS = "1.2.840.10008.1.2.4.10"  # how their transfer syntaxes begin
STRAY = 0.1  # by which the number of frames may differ from the announced


def is_film(header: Any) -> bool:
    return str(header.file_meta.TransferSyntaxUID).startswith(FILMS)


def decode_film(header: Any, most_bytes: int) -> Clip:
    """As any other video; its container lies in one piece, or in several.

    Raises:
        UnusableScan: with the reason.
    """
    from pydicom.encaps import generate_frames

    with reading("the film of the DICOM file does not part"):
        content = next(generate_frames(header.PixelData, number_of_frames=1))
    clip = decode_video(content, most_bytes)
    announced = int(header.NumberOfFrames)
    if abs(len(clip.frames) - announced) > max(1, STRAY * announced):
        raise UnusableScan(
            f"truncated: {len(clip.frames)} frames of the film decode, and its DICOM header announces {announced}"
        )
    return clip
