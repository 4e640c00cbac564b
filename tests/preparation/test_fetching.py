import os

import pytest

from clinimcl.preparation.fetching import UnreadableFile, digest, fetch, fetch_series, fingerprint
from clinimcl.preparation.reading import UnusableScan


@pytest.fixture
def folder(tmp_path):
    """Two slices and what else lies about."""
    for name, content in {"b.dcm": b"second", "a.DCM": b"first", "notes.txt": b"no slice"}.items():
        (tmp_path / name).write_bytes(content)
    return f"{tmp_path}/"


def test_a_series_is_its_dicom_files_by_name(folder):
    assert fetch_series(folder) == [b"first", b"second"]


def test_the_digest_of_a_series_knows_no_order():
    assert digest([b"first", b"second"]) == digest([b"second", b"first"]) != digest([b"first", b"third"])


def test_the_digest_of_one_file_is_that_of_its_bytes():
    assert digest([b"first"]) != digest([b"second"])


def test_a_changed_slice_changes_the_fingerprint(folder):
    before = fingerprint(folder)
    assert fingerprint(folder) == before
    os.utime(f"{folder}b.dcm", (1, 1))
    assert fingerprint(folder) != before


def test_a_folder_without_slices_is_unusable(tmp_path):
    with pytest.raises(UnusableScan, match=r"the folder holds no .dcm file"):
        fetch_series(f"{tmp_path}/")


def test_a_missing_folder_is_said_to_be_missing(tmp_path):
    with pytest.raises(UnreadableFile, match="the folder is not there"):
        fetch_series(f"{tmp_path}/nowhere/")
    assert fingerprint(f"{tmp_path}/nowhere/") == "missing"


def test_a_folder_that_is_given_as_a_file_is_answered_with_the_slash(tmp_path):
    with pytest.raises(UnreadableFile, match="the path of a DICOM series ends with /"):
        fetch(str(tmp_path))
