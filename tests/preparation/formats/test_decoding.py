import gzip
import subprocess
import sys

import numpy as np
import pydicom
import pytest

from clinimcl.preparation.formats.decoding import decode, is_clip
from clinimcl.preparation.formats.reading import UnusableScan
from tests.preparation.formats.dicom.test_dicom import LOOP, VOXELS, jpegs, nifti, series, written
from tests.preparation.formats.video.test_video import encoded, gradient

FILM = encoded(gradient(), "avi", "mjpeg", "yuvj420p")
SCANS = {  # name, files, and the bytes that they take in memory
    "NIfTI": ("x.nii", [nifti()], 2 * VOXELS.size + 352),
    "scaled NIfTI": ("x.nii.gz", [gzip.compress(nifti(slope=2.5))], 8 * VOXELS.size + 352),
    "series": ("x/", series(), 2 * VOXELS.size),
    "scaled series": ("x/", series(RescaleSlope=2.5), 4 * VOXELS.size),
    "loop": ("x.dcm", [written(LOOP.astype(np.uint16))], 2 * LOOP.size),
    "JPEG loop": ("x.dcm", [jpegs(pydicom.uid.JPEGBaseline8Bit)], 2 * 24 * 32),
    "video": ("x.avi", [FILM], 6 * 32 * 32),
}


@pytest.mark.parametrize("kind", SCANS)
def test_every_format_is_bounded_by_the_bytes_that_it_takes(kind):
    name, raw, size = SCANS[kind]
    decode(name, raw, size)
    with pytest.raises(UnusableScan, match="has an absurd size: "):
        decode(name, raw, size - 1)


def test_what_a_decoder_keeps_is_bounded_with_the_clip():
    content = encoded(gradient(), "mp4", "mpeg4")
    decode("x.mp4", [content], 17 * 32 * 32 * 12 // 8)
    with pytest.raises(UnusableScan, match="absurd size: frames of 32 × 32 pixels of 12 bits"):
        decode("x.mp4", [content], 17 * 32 * 32 * 12 // 8 - 1)


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [("x.mp4", b"", True), ("x.dcm", b"", True), ("x", written(LOOP)[:200], True), ("x/", b"", False)]
    + [("x.NII.gz", b"", False), ("x.pt", b"", False)],
)
def test_a_clip_is_told_from_a_volume_by_name_and_first_bytes(name, content, expected):
    assert is_clip(name, [content]) == expected


PEAK = """
import sys
import av
from clinimcl.preparation.formats.video.video import decode_video
content = sys.stdin.buffer.read()
def most():
    with open("/proc/self/status") as file:
        return next(1024 * int(line.split()[1]) for line in file if line.startswith("VmHWM"))
before = most()
size = decode_video(content).frames.nbytes
print((most() - before) / size)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="Linux alone tells a process's peak of memory")
def test_a_clip_takes_its_own_size_of_memory_and_little_more():
    content = encoded(np.zeros((40, 1024, 1024), np.uint8), "mpeg", "mpeg1video")  # its header does not count frames
    said = subprocess.run([sys.executable, "-c", PEAK], input=content, capture_output=True, check=True).stdout
    assert float(said) < 1.6  # with the frames that the decoder keeps
