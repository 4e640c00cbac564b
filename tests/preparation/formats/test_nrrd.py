import bz2
import gzip
from functools import partial

import nibabel as nib
import pytest
import SimpleITK as sitk

from clinimcl.cohorts.orientation_codes import CODES
from clinimcl.preparation.formats.nrrd import decode_nrrd
from clinimcl.preparation.formats.reading import UnusableScan
from tests.preparation.volumes_of_tests import HEAD, IMAGE, difference, difference_of_file, stored

compress = partial(gzip.compress, mtime=0)  # names of tests hold what it gives

DATA = HEAD.tobytes(order="F")
FIELDS = {
    "type": "short",
    "dimension": "3",
    "space": "left-posterior-superior",
    "sizes": "18 21 15",
    "space directions": "(-9,0,0) (0,-8,0) (0,0,10)",
    "kinds": "domain domain domain",
    "endian": "little",
    "encoding": "raw",
    "space origin": "(76.5,80,-70)",
}


def nrrd(data=DATA, line="\n", **changes):
    fields = FIELDS | {name.replace("_", " "): value for name, value in changes.items()}
    lines = ["NRRD0004", "# of a test", *(f"{name}: {value}" for name, value in fields.items() if value)]
    return line.join([*lines, "", ""]).encode() + data


def refusal(content):
    with pytest.raises(UnusableScan) as caught:
        decode_nrrd(content)
    return str(caught.value)


@pytest.mark.parametrize("code", sorted(CODES)[::3])
@pytest.mark.parametrize("ending", [".nrrd", ".nhdr"])
def test_what_simpleitk_writes_is_the_same_head(tmp_path, code, ending):
    nib.save(stored(code), tmp_path / "x.nii")
    image = sitk.GetImageFromArray(sitk.GetArrayFromImage(sitk.ReadImage(tmp_path / "x.nii")))
    image.CopyInformation(sitk.ReadImage(tmp_path / "x.nii"))
    for compressed in (False, True):
        sitk.WriteImage(image, tmp_path / f"y{ending}", useCompression=compressed)
        assert difference_of_file(tmp_path / f"y{ending}") < 1e-3


SAME = {
    "as written": nrrd(),
    "lines of Windows": nrrd(line="\r\n"),
    "gzip": nrrd(compress(DATA), encoding="gzip"),
    "bzip2": nrrd(bz2.compress(DATA), encoding="bz2"),
    "big-endian": nrrd(HEAD.astype(">i2").tobytes(order="F"), endian="big"),
    "data at the end": nrrd(b"junk" + DATA, byte_skip="-1"),
    "an axis of one": nrrd(
        dimension="4",
        sizes="1 18 21 15",
        kinds="list domain domain domain",
        space_directions="none (-9,0,0) (0,-8,0) (0,0,10)",
    ),
    "RAS": nrrd(space="RAS", space_directions="(9,0,0) (0,8,0) (0,0,10)", space_origin="(-76.5,-80,-70)"),
    "LAS": nrrd(space="LAS", space_directions="(-9,0,0) (0,8,0) (0,0,10)", space_origin="(76.5,-80,-70)"),
    "micrometres": nrrd(
        space_directions="(-9000,0,0) (0,-8000,0) (0,0,10000)",
        space_origin="(76500,80000,-70000)",
        space_units='"um" "um" "um"',
    ),
    "inches": nrrd(
        space_directions=f"({-9 / 25.4},0,0) (0,{-8 / 25.4},0) (0,0,{10 / 25.4})",
        space_origin=f"({76.5 / 25.4},{80 / 25.4},{-70 / 25.4})",
        space_units='"inch" "inch" "inch"',
    ),
    "centimetres": nrrd(
        space_directions="(-.9,0,0) (0,-.8,0) (0,0,1)",
        space_origin="(7.65,8,-7)",
        space_units='"centimeter" "Centimeters" "centimetre"',
    ),
    "a space with time": nrrd(
        dimension="4",
        space="left-posterior-superior-time",
        sizes="18 21 15 1",
        kinds="domain domain domain time",
        space_directions="(-9,0,0,0) (0,-8,0,0) (0,0,10,0) (0,0,0,1)",
        space_origin="(76.5,80,-70,0)",
        space_units='"mm" "mm" "mm" "s"',
    ),
    "LPST": nrrd(
        dimension="4",
        space="LPST",
        sizes="1 18 21 15",
        kinds="time domain domain domain",
        space_directions="(0,0,0,1) (-9,0,0,0) (0,-8,0,0) (0,0,10,0)",
        space_origin="",
    ),
}


@pytest.mark.parametrize("how", SAME)
def test_what_the_header_says_is_followed(how):
    assert difference(SAME[how], "x.nrrd") < 1e-3


@pytest.mark.parametrize("units", ['"cm" "cm" "cm"', "cm cm cm"])
def test_spacings_have_the_units_of_their_axes(units):
    content = nrrd(space="", space_directions="", spacings=".9 .8 1", units=units, space_origin="")
    assert difference(content, "x.nrrd", "RAS") < 1e-3


SILENT = [
    nrrd(space="", space_directions="", spacings="9 8 10", space_origin=""),
    nrrd(space="scanner-xyz"),
    nrrd(space="", space_dimension="3"),
]


@pytest.mark.parametrize("content", SILENT)
def test_without_a_space_it_needs_the_user_s_word(content):
    assert "set cohort.orientation" in refusal(content)
    assert difference(content, "x.nrrd", "RAS") < 1e-3


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (nrrd(DATA[:-10]), "truncated"),
        (nrrd(compress(DATA)[:-3], encoding="gzip"), "truncated: the gzip stream ends early"),
        (nrrd(bz2.compress(DATA)[:-20], encoding="bzip2"), "truncated: its bzip2 stream ends early"),
        (nrrd(compress(bytes(20_000_000)), encoding="gzip"), "more than the 11340 bytes"),
        (nrrd(bz2.compress(bytes(20_000_000)), encoding="bzip2"), "more than the 11340 bytes"),
        (nrrd(encoding="ascii"), "SimpleITK writes them as .nii.gz"),
        (nrrd(data_file="/etc/passwd"), "names a data file"),
        (nrrd(kinds="vector domain domain"), "of the kinds vector"),
        (nrrd(endian=""), "in which order its bytes are"),
        (nrrd(sizes="18 21 1500000000"), "no whole numbers as sizes"),
        (nrrd(sizes="18000 21000 15000"), "absurd size"),
        (nrrd(type="block"), "has voxels of type block, expected numbers"),
        (nrrd(type="Doe^Jane"), "has voxels of an unknown type, expected numbers"),
        (nrrd(encoding="Doe^Jane"), "has voxels of an unknown encoding, which"),
        (nrrd(kinds="Doe^Jane domain domain"), "of the kinds one that is unknown,"),
        (nrrd(space_units='"furlong" "mm" "mm"'), "in an unknown unit (space units)"),
        (nrrd(space_units='"mm" "mm"'), "in an unknown unit (space units)"),
        (nrrd(space_directions="(-9,0,0) (0,-8,0) (0,0,nan)"), "no 3 numbers as space directions"),
        (IMAGE.to_bytes(), "not an NRRD file"),
    ],
)
def test_what_cannot_be_read_is_told(content, words):
    assert words in refusal(content)


def test_a_flipped_bit_is_damage():
    content = bytearray(nrrd(compress(DATA), encoding="gzip"))
    content[-6] ^= 1
    assert "damaged" in refusal(bytes(content))


@pytest.mark.parametrize("name", ["../x.raw", "/etc/passwd", "LIST", "other.raw", "x%03d.raw 1 9 1"])
def test_a_header_sends_to_no_file_but_its_own(tmp_path, name):
    (tmp_path / "x.nhdr").write_bytes(nrrd(b"", data_file=name))
    with pytest.raises(UnusableScan, match="its header sends to a file that is not named as itself"):
        difference_of_file(tmp_path / "x.nhdr")
