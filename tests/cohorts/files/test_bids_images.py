from pathlib import Path

import pytest

from clinimcl.cohorts.files.bids_images import Wanted, elsewhere, list_scans
from clinimcl.cohorts.tables.remarks import Remarks
from clinimcl.errors import UserError
from clinimcl.storage.tree import explore


def listed(root: Path, names: list[str], suffix: str = "T1w") -> tuple[list[str], tuple[str, ...]]:
    """The files that are read, below sub-01/anat where they name no folder, and the remarks."""
    for name in names:
        path = root / (name if "/" in name else f"sub-01/anat/sub-01_{name}.nii.gz")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    remarks = Remarks()
    scans = list_scans(explore(str(root), ""), Wanted.of(suffix), remarks)
    short = [file.removeprefix("sub-01/anat/sub-01_").removesuffix(".nii.gz") for file in scans["file"]]
    return short, remarks.sentences()


@pytest.mark.parametrize(
    "other",
    [
        *("desc-preproc_T1w", "space-MNI152NLin2009cAsym_res-2_T1w", "ce-gad_T1w", "echo-1_T1w", "inv-2_T1w"),
        *("part-phase_T1w", "chunk-1_T1w", "rec-norm_T1w", "desc-defaced_T1w", "acq-defaced_T1w", "acq-brain_T1w"),
    ],
)
def test_the_plain_image_is_taken_and_the_others_are_counted(tmp_path, other):
    found, remarks = listed(tmp_path, ["T1w", other])
    assert found == ["T1w"]
    assert remarks[0].startswith("1 T1w images")


def test_the_magnitude_is_taken_where_there_is_a_phase(tmp_path):
    assert listed(tmp_path, ["part-mag_T1w", "part-phase_T1w"])[0] == ["part-mag_T1w"]


def test_what_a_program_made_of_an_acquisition_is_no_scan_beside_it(tmp_path):
    names = ["acq-mprageDefaced_T1w", "acq-mprage_T1w", "acq-brainstem_T1w"]
    assert listed(tmp_path, names)[0] == ["acq-brainstem_T1w", "acq-mprage_T1w"]
    assert listed(tmp_path, names, "acq-mprageDefaced_T1w")[0] == ["acq-mprageDefaced_T1w"]


def test_a_defaced_scan_alone_is_read(tmp_path):
    assert listed(tmp_path, ["acq-defaced_T1w"]) == (["acq-defaced_T1w"], ())


def test_the_only_form_is_taken(tmp_path):
    assert listed(tmp_path, ["desc-preproc_T1w"]) == (["desc-preproc_T1w"], ())


@pytest.mark.parametrize(
    ("names", "example"),
    [
        (["desc-preproc_T1w", "space-MNI_desc-preproc_T1w"], "2 forms .*cohort.suffix=desc-preproc_T1w"),
        (["echo-1_T1w", "echo-2_T1w"], "2 forms .*cohort.suffix=echo-1_T1w"),
        (["acq-defaced_T1w", "acq-brain_T1w"], r"\(acq-brain, acq-defaced\).*cohort.suffix=acq-brain_T1w"),
        (["rec-a_T1w", "rec-b_T1w"], r"several reconstructions .*\(rec-a, rec-b\).*cohort.suffix=rec-a_T1w"),
        (["chunk-1_T1w", "chunk-2_T1w"], "pieces of a scan .*cohort.suffix=chunk-1_T1w"),
        (["part-phase_T1w"], "no magnitudes .*cohort.suffix=part-phase_T1w"),
    ],
)
def test_forms_of_which_none_is_plain_are_asked_about(tmp_path, names, example):
    with pytest.raises(UserError, match=example):
        listed(tmp_path, names)


@pytest.mark.parametrize(
    ("suffix", "found"),
    [
        ("desc-preproc_T1w", ["desc-preproc_T1w"]),
        ("space-MNI_T1w", ["space-MNI_desc-preproc_T1w"]),
        ("desc-preproc_space-MNI_T1w", ["space-MNI_desc-preproc_T1w"]),
        ("ce-gad_T1w", ["ce-gad_T1w"]),
        ("rec-b_T1w", ["rec-b_T1w"]),
        ("chunk-2_T1w", ["chunk-2_T1w"]),
        ("part-phase_T1w", ["part-phase_T1w"]),
        ("T1w", ["T1w"]),
        ("desc-none_T1w", []),
    ],
)
def test_a_form_is_asked_for_by_its_entities(tmp_path, suffix, found):
    forms = ["desc-preproc", "space-MNI_desc-preproc", "ce-gad", "rec-a", "rec-b", "chunk-2", "part-phase"]
    assert listed(tmp_path, ["T1w", *(f"{form}_T1w" for form in forms)], suffix)[0] == found


def test_a_reconstruction_is_read_where_there_is_no_plain_image(tmp_path):
    found, _ = listed(tmp_path, ["run-1_T1w", "run-1_rec-norm_T1w", "run-2_rec-norm_T1w"])
    assert found == ["run-1_T1w", "run-2_rec-norm_T1w"]


def test_people_who_have_another_form_alone_are_counted(tmp_path):
    _, remarks = listed(tmp_path, ["T1w", "sub-02/anat/sub-02_ce-gad_T1w.nii.gz"])
    assert "and with them 1 people who have no other" in remarks[0]


def test_acquisitions_are_scans_of_their_own_and_said(tmp_path):
    found, remarks = listed(tmp_path, ["acq-a_T1w", "acq-b_T1w"])
    assert found == ["acq-a_T1w", "acq-b_T1w"]
    assert remarks[0].startswith("1 sessions have T1w images of several acquisitions (a, b)")


def test_runs_are_scans_of_their_own(tmp_path):
    assert listed(tmp_path, ["run-1_T1w", "run-2_T1w"]) == (["run-1_T1w", "run-2_T1w"], ())


@pytest.mark.parametrize("file", ["sub-01/ses-a/sub-01_ses-a_T1w.nii", "sub-01/anat/sub-01_ses-a_T1w.nii"])
def test_a_session_that_the_path_or_the_name_tells_is_one(tmp_path, file):
    (tmp_path / file).parent.mkdir(parents=True)
    (tmp_path / file).touch()
    scans = list_scans(explore(str(tmp_path), ""), Wanted.of("T1w"), Remarks())
    assert scans["session"].tolist() == ["a"]


@pytest.mark.parametrize("name", ["sub-02_ses-a", "sub-01_ses-b"])
def test_an_image_in_another_folder_than_its_name_says_is_refused(tmp_path, name):
    with pytest.raises(UserError, match=r"1 of 1 T1w images lie in the folder of another subject or session"):
        listed(tmp_path, [f"sub-01/ses-a/anat/{name}_T1w.nii.gz"])


def test_folders_that_bids_does_not_know_give_way(tmp_path):
    found, remarks = listed(tmp_path, ["T1w", "sub-01/anat_brain/sub-01_T1w.nii.gz"])
    assert found == ["T1w"]
    assert remarks[0].startswith("1 T1w images lie in a folder that BIDS does not know")


def test_one_name_in_two_folders_is_refused(tmp_path):
    with pytest.raises(UserError, match=r"1 T1w images have the same name as another of their session"):
        listed(tmp_path, ["T1w", "sub-01/pet/sub-01_T1w.nii.gz"])


def test_a_folder_named_like_an_image_is_said(tmp_path):
    _, remarks = listed(tmp_path, ["T1w", "sub-02/anat/sub-02_T1w.nii.gz/notes.txt"])
    assert remarks == ("1 folders are named like T1w images: nothing is read of them",)


def test_parts_of_a_datalad_set_that_are_not_installed_are_hinted_at(tmp_path):
    (tmp_path / ".datalad").mkdir()
    assert "datalad get -n -r ." in elsewhere(explore(str(tmp_path), ""), "T1w")


def test_hidden_files_are_no_images(tmp_path):
    assert listed(tmp_path, ["T1w", "sub-01/anat/._sub-01_T1w.nii.gz"])[0] == ["T1w"]


@pytest.mark.parametrize(
    ("file", "hint"),
    [
        ("derivatives/x/sub-01/anat/sub-01_T1w.nii.gz", "There are some below derivatives/x: name one of them"),
        ("tpl-MNI/anat/tpl-MNI_T1w.nii.gz", "tpl- folders are templates"),
        ("sub-01/anat/sub-01_T2w.nii.gz", ""),
    ],
)
def test_a_tree_without_images_hints_where_they_lie(tmp_path, file, hint):
    (tmp_path / file).parent.mkdir(parents=True)
    (tmp_path / file).touch()
    assert hint in elsewhere(explore(str(tmp_path), ""), "T1w")


def test_a_folder_of_one_subject_is_not_named(tmp_path):
    for name in ("ann/sub-01", "study/sub-01", "study/sub-02"):
        (tmp_path / name / "anat").mkdir(parents=True)
        (tmp_path / name / "anat" / f"{name[-6:]}_T1w.nii.gz").touch()
    hint = elsewhere(explore(str(tmp_path), ""), "T1w")
    assert hint == "There are some below study: name one of them as cohort.root. "
