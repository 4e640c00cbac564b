import pytest

from clinimcl.cohorts.files.bids_names import entities, once


@pytest.mark.parametrize(
    ("name", "told_apart_by"),
    [
        ("sub-OAS30001_ses-d0129_T1w.nii.gz", ""),
        ("sub-OAS30001_ses-d0129_run-02_T1w.nii.gz", "02"),
        ("sub-OAS30001_sess-d0129_run-01_T1w.nii.gz", "01"),
        ("sub-01_acq-mprage_run-01_T1w.nii", "acq-mprage_run-01"),
    ],
)
def test_entities_tell_a_sessions_scans_apart(name, told_apart_by):
    assert entities(name) == told_apart_by


def test_a_volume_that_is_there_twice_counts_once():
    assert once(["a.nii", "a.nii.gz", "b.nii"]) == ["a.nii.gz", "b.nii"]


@pytest.mark.parametrize("ending", [".nii", ".nii.gz", ".NII"])
@pytest.mark.parametrize("pair", [".hdr", ".HDR", ".hdr.gz"])
def test_a_pair_beside_the_same_volume_in_one_file_counts_once(ending, pair):
    assert once([f"I1/a{pair}", f"I1/a{ending}", "I2/a.hdr"]) == [f"I1/a{ending}", "I2/a.hdr"]


def test_files_of_other_endings_are_left_alone():
    files = ["a.json", "a.nii", "a", "a.img", "a.dcm"]
    assert once(files) == files
