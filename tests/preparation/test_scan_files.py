import gzip
import os

import nibabel as nib
import pytest

from clinimcl.preparation.fetching import digest
from clinimcl.preparation.formats.reading import UnusableScan
from clinimcl.preparation.scan_files import fetch_scan, scan_fingerprint
from tests.preparation.volumes_of_tests import AFFINE, HEAD, difference_of_file


@pytest.fixture
def pair(tmp_path):
    nib.save(nib.Nifti1Pair(HEAD, AFFINE), tmp_path / "mpr-1.nifti.img")
    return tmp_path / "mpr-1.nifti.hdr", tmp_path / "mpr-1.nifti.img"


def test_either_half_names_the_pair(pair):
    header, image = pair
    assert fetch_scan(str(header)) == fetch_scan(str(image)) == [header.read_bytes(), image.read_bytes()]


def test_halves_may_be_gzipped_or_in_capitals(pair, tmp_path):
    header, image = (path.read_bytes() for path in pair)
    for names in (("A.HDR", "A.IMG"), ("b.hdr", "b.img.gz"), ("c.hdr.gz", "c.img.gz")):
        for name, content in zip(names, (header, image), strict=True):
            (tmp_path / name).write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
        assert [difference_of_file(tmp_path / name) < 1e-3 for name in names] == [True, True]


@pytest.mark.parametrize(("lost", "words"), [(0, "its .hdr is not there"), (1, "its .img, which holds the voxels,")])
def test_a_missing_half_is_told(pair, lost, words):
    pair[lost].unlink()
    with pytest.raises(UnusableScan, match=words):
        fetch_scan(str(pair[1 - lost]))


@pytest.mark.parametrize("half", [0, 1])
def test_a_change_of_either_half_changes_fingerprint_and_digest(pair, half):
    before = scan_fingerprint(str(pair[0])), digest(fetch_scan(str(pair[0])))
    pair[half].write_bytes(pair[half].read_bytes() + b"x")
    os.utime(pair[half], (1, 1))
    after = scan_fingerprint(str(pair[0])), digest(fetch_scan(str(pair[0])))
    assert before[0] != after[0] and before[1] != after[1]


def test_a_change_of_the_file_behind_a_header_changes_the_fingerprint(tmp_path):
    (tmp_path / "x.mhd").write_bytes(b"")
    before = scan_fingerprint(str(tmp_path / "x.mhd"))
    (tmp_path / "x.raw").write_bytes(b"1")
    assert scan_fingerprint(str(tmp_path / "x.mhd")) != before


@pytest.mark.parametrize("name", ["x.raw", "./x.raw"])
def test_a_header_may_name_its_file_with_its_folder(tmp_path, name):
    (tmp_path / "x.mhd").write_text(f"ObjectType = Image\nElementDataFile = {name}\n")
    (tmp_path / "x.raw").write_bytes(b"voxels")
    assert fetch_scan(str(tmp_path / "x.mhd"))[1] == b"voxels"


@pytest.mark.parametrize("name", ["../x.raw", "././x.raw", "./../x.raw", "/etc/x.raw", "LIST"])
def test_a_header_leads_to_no_other_file(tmp_path, name):
    (tmp_path / "x.mhd").write_text(f"ObjectType = Image\nElementDataFile = {name}\n")
    with pytest.raises(UnusableScan, match="not named as itself"):
        fetch_scan(str(tmp_path / "x.mhd"))


@pytest.mark.parametrize("slash", ["", "/"])
def test_a_folder_named_like_a_scan_is_told(tmp_path, slash):
    (tmp_path / "x.nii.gz").mkdir()
    (tmp_path / "x.nii.gz" / "x.nii").write_bytes(b"")
    with pytest.raises(UnusableScan, match="is a folder that is named like a scan"):
        fetch_scan(f"{tmp_path}/x.nii.gz{slash}")
