from pathlib import Path

import pytest

from clinimcl.cohorts.oasis3 import Oasis3, list_scans
from clinimcl.cohorts.splits import Splitting
from clinimcl.errors import UserError
from clinimcl.storage.tree import connect, explore

SPLIT = Splitting(by="subject", stratify=[], validation=0.1, test=0.2, seed=0)


def cohort(root: object, **changes: object) -> Oasis3:
    fields = {"score": None, "higher_is": None, "mask": None, "spacing": None, "fold": None, "split": SPLIT}
    fields |= {"clinical": None, "demographics": None, "window_days": 365, "sidecars": True}
    return Oasis3(root=str(root), **(fields | changes))  # type: ignore[arg-type]


def tree(root: Path, *files: str) -> Path:
    for file in files:
        (root / file).parent.mkdir(parents=True, exist_ok=True)
        (root / file).write_bytes(b"")
    return root


def test_subject_session_and_day_come_from_the_session_folder(tmp_path):
    tree(tmp_path, "OAS30001_MR_d0129/anat2/sub-OAS30001_ses-d0129_run-01_T1w.nii.gz")
    scan = list_scans(explore(str(tmp_path), ""))[0].iloc[0]
    assert scan[["subject", "session", "day", "run"]].tolist() == ["OAS30001", "d0129", 129.0, "01"]


@pytest.mark.parametrize(
    "file",
    [
        "OAS30001_MR_d0129/anat2/NIFTI/sub-OAS30001_ses-d0129_T1w.nii.gz",
        "OAS30001_MR_d0129/anat5/sub-OAS30001_sess-d0129_T1w.nii",
        "scans/OAS30001/OAS30001_MR_d0129/anat1/sub-OAS30001_T1w.nii.gz",
    ],
)
def test_every_way_in_which_downloads_look_is_read(tmp_path, file):
    found = list_scans(explore(str(tree(tmp_path, file)), ""))[0]
    assert found[["subject", "session", "run"]].to_numpy().tolist() == [["OAS30001", "d0129", ""]]


def test_only_t1w_is_taken(tmp_path):
    names = ["T2w.nii.gz", "FLAIR.nii.gz", "T1w.json", "run-01_T1w.nii.gz"]
    tree(tmp_path, *(f"OAS30001_MR_d0129/anat1/sub-OAS30001_ses-d0129_{name}" for name in names))
    assert len(list_scans(explore(str(tmp_path), ""))[0]) == 1


def test_runs_of_a_session_stay_apart(tmp_path):
    tree(tmp_path, *(f"OAS30001_MR_d0129/anat{n}/sub-OAS30001_ses-d0129_run-0{n}_T1w.nii.gz" for n in (1, 2)))
    assert list_scans(explore(str(tmp_path), ""))[0]["run"].tolist() == ["01", "02"]


def test_scans_without_run_are_told_apart_by_their_folder(tmp_path):
    tree(tmp_path, *(f"OAS30001_MR_d0129/anat{n}/NIFTI/sub-OAS30001_ses-d0129_T1w.nii.gz" for n in (2, 3)))
    assert list_scans(explore(str(tmp_path), ""))[0]["run"].tolist() == ["anat2", "anat3"]


def test_days_count_from_the_first_session(tmp_path):
    tree(tmp_path, *(f"OAS30001_MR_d{day}/anat1/sub-OAS30001_T1w.nii.gz" for day in ("0129", "0757")))
    assert cohort(tmp_path).table().scans["day"].tolist() == [0, 628]


def test_scanner_and_site_come_from_the_sidecar(tmp_path):
    tree(tmp_path, "OAS30001_MR_d0129/anat1/a_T1w.nii.gz", "OAS30001_MR_d0200/anat1/b_T1w.nii.gz")
    sidecar = tmp_path / "OAS30001_MR_d0129/anat1/a_T1w.json"
    sidecar.write_text('{"ManufacturersModelName": "TrioTim", "DeviceSerialNumber": 35177, "InstitutionName": "WU"}')
    scans = cohort(tmp_path).table().scans
    assert scans.loc[0, ["scanner", "site"]].tolist() == ["TrioTim 35177", "WU"]
    assert scans.loc[1, ["scanner", "site"]].isna().all()
    assert cohort(tmp_path, sidecars=False).table().scans["scanner"].isna().all()


def test_a_broken_sidecar_tells_nothing(tmp_path):
    tree(tmp_path, "OAS30001_MR_d0129/anat1/a_T1w.nii.gz", "OAS30001_MR_d0129/anat1/a_T1w.json")
    assert cohort(tmp_path).table().scans["scanner"].isna().all()


def test_a_missing_root_offers_the_phantom(tmp_path):
    with pytest.raises(UserError, match=r"no such folder: .*oasis-brains.org.*clinimcl.phantom layout=oasis3"):
        cohort(tmp_path / "nowhere").table()


def test_an_empty_root_says_what_was_looked_for(tmp_path):
    with pytest.raises(UserError, match=r"no T1w scans of OASIS-3 below .*OAS30001_MR_d0129.*clinimcl.phantom"):
        cohort(tmp_path).table()


def test_a_bucket_gives_the_same_table_as_a_folder(tmp_path, bucket):
    root = tmp_path / "OASIS3"
    tree(root, *(f"OAS3000{n}_MR_d0{n}00/anat1/sub-OAS3000{n}_T1w.nii.gz" for n in (1, 2, 3)))
    (root / "OASIS3_UDSb4_cdr.csv").write_text("OASISID,days_to_visit,MMSE\nOAS30001,0110,29\n")
    for file in explore(str(root), "").files:
        bucket.pipe_file(f"bucket/OASIS3/{file}", (root / file).read_bytes() or b" ")
    local, remote = (cohort(place, score="MMSE").table().scans for place in (root, "gs://bucket/OASIS3"))
    assert (
        remote["path"].str.removeprefix("gs://bucket").tolist()
        == local["path"].str.removeprefix(str(tmp_path)).tolist()
    )
    assert remote.drop(columns="path").equals(local.drop(columns="path"))
    assert connect(remote.loc[0, "path"])[0].exists(remote.loc[0, "path"])


BIDS = "sub-OAS30001/ses-{day}/anat/sub-OAS30001_ses-{day}{run}_T1w.nii.gz"


@pytest.mark.parametrize("below", ["", "bids/", "data/OASIS3_BIDS/"])
def test_the_tree_of_the_study_s_own_bids_script_is_read(tmp_path, below):
    tree(tmp_path, *(below + BIDS.format(day=day, run="_run-01") for day in ("d0129", "d0757")))
    reading = cohort(tmp_path).table()
    assert reading.scans["day"].tolist() == [0, 628]
    assert reading.scans["run"].tolist() == ["01", "01"]
    assert reading.remarks == ()


def test_a_session_that_lies_in_both_layouts_is_read_once_and_said(tmp_path):
    folder = "OAS30001_MR_d0129/anat2/sub-OAS30001_ses-d0129_T1w.nii.gz"
    bids = [BIDS.format(day=day, run="") for day in ("d0129", "d0757")]
    tree(tmp_path, folder, *bids)
    reading = cohort(tmp_path).table()
    assert reading.scans["path"].str.removeprefix(f"{tmp_path}/").tolist() == [folder, bids[1]]
    assert reading.remarks[0].startswith("1 sessions lie below cohort.root twice")


@pytest.mark.parametrize(
    "derived",
    [
        "derivatives/fmriprep/sub-OAS30001/ses-d0129/anat/sub-OAS30001_ses-d0129_T1w.nii.gz",
        "sub-OAS30001/ses-d0129/anat/sub-OAS30001_ses-d0129_desc-preproc_T1w.nii.gz",
        "sub-OAS30001/ses-d0129/anat/sub-OAS30001_ses-d0129_space-MNI152NLin6Asym_T1w.nii.gz",
        "OAS30001_MR_d0129/anat2/sub-OAS30001_ses-d0129_desc-brain_T1w.nii.gz",
    ],
)
def test_derivatives_beside_a_scan_are_no_runs_of_it(tmp_path, derived):
    tree(tmp_path, BIDS.format(day="d0129", run=""), derived)
    assert len(cohort(tmp_path).table().scans) == 1


def test_a_download_that_lies_there_twice_is_read_once_and_said(tmp_path):
    below = "OAS30001_MR_d0129/{}sub-OAS30001_ses-d0129_T1w.nii.gz"
    files = [f"part1/{below.format('anat2/')}", f"stripped/{below.format('anat2/NIFTI/')}"]
    scans, remarks = list_scans(explore(str(tree(tmp_path, *files)), ""))
    assert scans["file"].tolist() == files[:1]
    assert remarks[0].startswith("1 scans lie below cohort.root a second time")
