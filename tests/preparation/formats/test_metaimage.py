import zlib

import nibabel as nib
import pytest
import SimpleITK as sitk

from clinimcl.cohorts.orientation_codes import CODES
from clinimcl.preparation.formats.metaimage import decode_metaimage
from clinimcl.preparation.formats.reading import UnusableScan
from tests.preparation.volumes_of_tests import HEAD, difference, difference_of_file, stored

DATA = HEAD.tobytes(order="F")
FIELDS = {
    "ObjectType": "Image",
    "NDims": "3",
    "BinaryData": "True",
    "BinaryDataByteOrderMSB": "False",
    "CompressedData": "False",
    "TransformMatrix": "-1 0 0 0 -1 0 0 0 1",
    "Offset": "76.5 80 -70",
    "ElementSpacing": "9 8 10",
    "DimSize": "18 21 15",
    "ElementType": "MET_SHORT",
    "ElementDataFile": "LOCAL",
}


def mha(data=DATA, line="\n", **changes):
    fields = FIELDS | changes
    last = fields.pop("ElementDataFile")
    lines = [f"{name} = {value}" for name, value in fields.items() if value]
    return line.join([*lines, f"ElementDataFile = {last}", ""]).encode() + data


def refusal(content):
    with pytest.raises(UnusableScan) as caught:
        decode_metaimage(content)
    return str(caught.value)


@pytest.mark.parametrize("code", sorted(CODES)[::3])
@pytest.mark.parametrize("ending", [".mha", ".mhd"])
def test_what_simpleitk_writes_is_the_same_head(tmp_path, code, ending):
    nib.save(stored(code), tmp_path / "x.nii")
    image = sitk.GetImageFromArray(sitk.GetArrayFromImage(sitk.ReadImage(tmp_path / "x.nii")))
    image.CopyInformation(sitk.ReadImage(tmp_path / "x.nii"))
    for compressed in (False, True):
        sitk.WriteImage(image, tmp_path / f"y{ending}", useCompression=compressed)
        assert difference_of_file(tmp_path / f"y{ending}") < 1e-3


TIMED = {
    "NDims": "4",
    "TransformMatrix": "-1 0 0 0 0 -1 0 0 0 0 1 0 0 0 0 1",
    "Offset": "76.5 80 -70 0",
    "ElementSpacing": "9 8 10 2",
    "DimSize": "18 21 15 1",
}
SAME = {
    "one point of time": mha(**TIMED),
    "as written": mha(),
    "lines of Windows": mha(line="\r\n"),
    "zlib": mha(zlib.compress(DATA), CompressedData="True"),
    "big-endian": mha(HEAD.astype(">i2").tobytes(order="F"), BinaryDataByteOrderMSB="True"),
    "data at the end": mha(b"junk" + DATA, HeaderSize="-1"),
}


@pytest.mark.parametrize("how", SAME)
def test_what_the_header_says_is_followed(how):
    assert difference(SAME[how], "x.mha") < 1e-3


def test_without_a_matrix_it_needs_the_user_s_word():
    content = mha(TransformMatrix="")
    assert "no TransformMatrix): set cohort.orientation" in refusal(content)
    assert difference(content, "x.mha", "RAS") < 1e-3


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (mha(DATA[:-10]), "truncated"),
        (mha(zlib.compress(DATA)[:-9], CompressedData="True"), "truncated: its zlib stream ends early"),
        (mha(zlib.compress(bytes(20_000_000)), CompressedData="True"), "more than the 11340 bytes"),
        (mha(zlib.compress(DATA)[:-1] + b"x", CompressedData="True"), "its zlib stream fails its check"),
        (mha(BinaryData="False"), "has its voxels as text"),
        (mha(ElementNumberOfChannels="3"), "has 3 channels"),
        (mha(ElementDataFile="x.raw"), "see ElementDataFile"),
        (mha(ElementSpacing=""), "how large its voxels are"),
        (mha(DimSize="18 21 99999999999"), "no whole numbers as DimSize"),
        (mha(DimSize="18000 21000 15000"), "absurd size"),
        (mha(NDims="x"), "no whole number as NDims"),
        (mha(NDims="4"), "has 3 sides as DimSize and 4 as NDims"),
        (mha(NDims="2", DimSize="18 21"), "has 2 axes, expected one volume"),
        (mha(HeaderSize="1" * 5000), "no whole number as HeaderSize"),
        (mha(HeaderSize="²"), "no whole number as HeaderSize"),
        (mha(ElementNumberOfChannels="Doe^Jane"), "no whole number as ElementNumberOfChannels"),
        (mha(ObjectType="Mesh"), "MetaImage of object Mesh, expected"),
        (mha(ObjectType="Doe^Jane"), "MetaImage of an unknown object, expected"),
        (mha(ElementType="MET_OTHER"), "has voxels of type MET_OTHER, expected"),
        (mha(ElementType="MET_FLOAT_ARRAY"), "has voxels of type MET_FLOAT_ARRAY, expected"),
        (mha(ElementType="Doe^Jane\x1b[31m"), "has voxels of an unknown type, expected"),
        (mha(**(TIMED | {"DimSize": "18 21 15 2"})), "has 4 axes (18, 21, 15, 2)"),
        (b"NDims = 3\n" + bytes(400), "does not name where its voxels are"),
    ],
)
def test_what_cannot_be_read_is_told(content, words):
    assert words in refusal(content)


@pytest.mark.parametrize("name", ["../x.raw", "/etc/passwd", "LIST", "other.raw"])
def test_a_header_sends_to_no_file_but_its_own(tmp_path, name):
    (tmp_path / "x.mhd").write_bytes(mha(b"", ElementDataFile=name))
    with pytest.raises(UnusableScan, match="its header sends to a file that is not named as itself"):
        difference_of_file(tmp_path / "x.mhd")
