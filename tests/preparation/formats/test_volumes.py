import gzip
from functools import partial

import nibabel as nib
import pytest

from clinimcl.preparation.formats.decoding import decode
from clinimcl.preparation.formats.reading import UnusableScan
from tests.preparation.formats.test_metaimage import mha
from tests.preparation.formats.test_nrrd import nrrd
from tests.preparation.volumes_of_tests import AFFINE, HEAD, IMAGE, difference

compress = partial(gzip.compress, mtime=0)  # names of tests hold what it gives

PLAIN = IMAGE.to_bytes()
CONTENTS = {
    "NIfTI": PLAIN,
    "gzipped NIfTI": compress(PLAIN),
    "FreeSurfer": nib.MGHImage(HEAD, AFFINE).to_bytes(),
    "NRRD": nrrd(),
    "MetaImage": mha(),
}


@pytest.mark.parametrize("kind", CONTENTS)
@pytest.mark.parametrize("name", ["x.nii", "x.NII.GZ", "x.mgz", "x.mgh", "x.nrrd", "x.mha"])
def test_a_volume_is_read_by_its_content_whatever_its_name(kind, name):
    assert difference(CONTENTS[kind], name) < 1e-3


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("x.nii.gz", b"<!DOCTYPE html><html>" + bytes(600), "is a web page or a server's answer"),
        ("x.nii.gz", b'<?xml version="1.0"?><Error>' + bytes(600), "is a web page or a server's answer"),
        ("x.nii.gz", compress(compress(PLAIN)), "is gzipped twice"),
        ("x.nii.gz", b"PK\x03\x04" + bytes(600), "is a zip archive"),
        ("x.nii", bytes(128) + b"DICM" + bytes(600), "is a DICOM file by another name"),
        ("x.nii", b"\x89HDF" + bytes(600), "mnc2nii"),
        ("x.mgz", b"text " * 200, "not a FreeSurfer volume"),
        ("x.nrrd", b"text " * 200, "not an NRRD file"),
        ("x.mha", b"text " * 200, "not a MetaImage file"),
        ("x.nii.gz", compress(PLAIN)[:40], "truncated"),
        ("x.mnc", bytes(600), "mnc2nii converts it"),
        ("x.PAR", bytes(600), "dcm2niix converts it"),
        ("x+orig.BRIK.gz", bytes(600), "3dAFNItoNIFTI converts it"),
        ("x.mif.gz", bytes(600), "mrconvert converts it"),
        ("x.MKV", bytes(600), r"Matroska's: `ffmpeg -i IN -c copy OUT.mp4` converts it"),
        ("x.webm", bytes(600), "WebM's: `ffmpeg -i"),
        ("x.ts", bytes(600), "a transport stream's: `ffmpeg -i"),
        ("x.wmv", bytes(600), "Windows Media's: `ffmpeg -i"),
        ("x.flv", bytes(600), "Flash's: `ffmpeg -i"),
        ("x.bmp", bytes(600), "a picture's: ImageMagick or Pillow saves it as .png"),
        ("x.webp", bytes(600), "a picture's: ImageMagick or Pillow saves it as .png"),
        ("x.tif", bytes(600), "a picture's: ImageMagick or Pillow saves it as .png, or SimpleITK"),
        ("x.TIFF", bytes(600), "a picture's: ImageMagick or Pillow saves it as .png, or SimpleITK"),
        ("x.nii.bz2", bytes(600), "bunzip2 unpacks it"),
        ("x.unknown", bytes(600), "its name tells no format that is read"),
    ],
)
def test_what_it_is_instead_is_told(name, content, words):
    with pytest.raises(UnusableScan, match=words):
        decode(name, [content])


@pytest.mark.parametrize(
    ("name", "raw", "size"),
    [
        ("x.mgz", [CONTENTS["FreeSurfer"]], 284 + HEAD.nbytes),
        ("x.nrrd", [nrrd()], HEAD.nbytes),
        ("x.mha", [mha()], HEAD.nbytes),
    ],
)
def test_every_volume_is_bounded_by_the_bytes_that_it_takes(name, raw, size):
    decode(name, raw, size)
    with pytest.raises(UnusableScan, match="has an absurd size"):
        decode(name, raw, size - 1)
