import os
from pathlib import Path

import pytest

from clinimcl.cohorts.bids import Bids
from clinimcl.cohorts.splits import Splitting
from clinimcl.errors import UserError

REAL = os.environ.get("CLINIMCL_REAL_DATA")
real = pytest.mark.skipif(REAL is None, reason="CLINIMCL_REAL_DATA is not set")


def cohort(root: object, **changes: object) -> Bids:
    split = Splitting(by="subject", stratify=[], validation=0.1, test=0.2, seed=0)
    fields = {"score": None, "higher_is": None, "mask": None, "spacing": None, "fold": None, "split": split}
    fields |= {"suffix": "T1w", "sidecars": True}
    return Bids(root=str(root), **(fields | changes))  # type: ignore[arg-type]


def tree(root: Path, files: dict[str, str]) -> Path:
    for file, text in files.items():
        (root / file).parent.mkdir(parents=True, exist_ok=True)
        (root / file).write_text(text.replace(" ", "\t"))
    return root


def test_a_tree_without_sessions_is_read(tmp_path):
    tree(tmp_path, {"sub-01/anat/sub-01_T1w.nii.gz": "", "sub-02/anat/sub-02_T1w.nii": ""})
    scans = cohort(tmp_path).table().scans
    assert scans[["subject", "session", "day", "run"]].to_numpy().tolist() == [["01", "", 0, ""], ["02", "", 0, ""]]


def test_scans_of_a_session_are_told_apart_by_their_entities(tmp_path):
    tree(tmp_path, {f"sub-01/ses-a/anat/sub-01_ses-a_{e}_T1w.nii.gz": "" for e in ("run-1", "acq-hi_run-2")})
    assert cohort(tmp_path).table().scans["run"].tolist() == ["1", "acq-hi_run-2"]


def test_derivatives_and_other_images_are_left_out(tmp_path):
    names = [
        "sub-01/anat/sub-01_T1w.nii.gz",
        "sub-01/anat/sub-01_T2w.nii.gz",
        "derivatives/x/sub-01/anat/sub-01_T1w.nii.gz",
    ]
    tree(tmp_path, dict.fromkeys(names, ""))
    assert len(cohort(tmp_path).table().scans) == 1
    assert cohort(tmp_path, suffix="T2w").table().scans["modality"].tolist() == ["T2w"]


def test_site_comes_from_the_tables_and_otherwise_from_the_sidecar(tmp_path):
    files = {f"sub-0{n}/anat/sub-0{n}_T1w.nii.gz": "" for n in (1, 2)}
    files |= {f"sub-0{n}/anat/sub-0{n}_T1w.json": '{"InstitutionName":"UCL","StationName":"X"}' for n in (1, 2)}
    tree(tmp_path, files | {"participants.tsv": "participant_id site\nsub-01 HH\nsub-02 n/a\n"})
    scans = cohort(tmp_path).table().scans
    assert scans["site"].tolist() == ["HH", "UCL"]
    assert scans["scanner"].tolist() == ["X", "X"]
    assert cohort(tmp_path, sidecars=False).table().scans["scanner"].isna().all()


def test_columns_of_the_tables_can_split(tmp_path):
    files = {f"sub-0{n}/anat/sub-0{n}_T1w.nii.gz": "" for n in (1, 2)}
    tree(tmp_path, files | {"participants.tsv": "participant_id part\nsub-01 train\nsub-02 test\n"})
    split = Splitting(by="part", stratify=[], validation=0.1, test=0.2, seed=0)
    assert cohort(tmp_path, split=split).table().scans["split"].tolist() == ["train", "test"]


def test_images_in_other_formats_are_counted_with_what_converts_them(tmp_path):
    names = ["sub-01/anat/sub-01_T1w.nii.gz", "sub-02/anat/sub-02_T1w.mnc", "sub-02/anat/sub-02_T2w.mif"]
    remarks = cohort(tree(tmp_path, dict.fromkeys(names, ""))).table().remarks
    assert "1 scans end with .mnc, which is not read (MINC: mnc2nii converts it)" in remarks
    assert not any(".mif" in remark for remark in remarks)


def test_an_empty_tree_says_what_was_looked_for(tmp_path):
    with pytest.raises(UserError, match=r"no T1w images below .*sub-01_ses-1_T1w.nii.gz.*clinimcl.phantom layout=bids"):
        cohort(tmp_path).table()


@real
def test_the_real_cohort_without_sessions_is_read():
    scans = cohort(Path(str(REAL)) / "ixi_bids", score="age", higher_is="worse").table().scans
    assert (len(scans), scans["subject"].nunique()) == (23, 23)
    assert scans["score"].between(20, 75).all()
    assert scans["sex"].isin(["F", "M"]).all()
    assert scans["site"].notna().all()


@real
def test_the_real_cohort_with_sessions_is_in_the_order_of_its_dates():
    scans = cohort(Path(str(REAL)) / "btp_bids", score="tumor_voxels", higher_is="worse").table().scans
    assert scans["day"].tolist() == [0, 157, 0, 55, 0, 27]
    assert scans["score"].tolist() == [8246, 10009, 2982, 7398, 15364, 19066]


def test_labels_that_are_all_days_as_in_oasis_3_are_days_and_said(tmp_path):
    for session in ("d0129", "d0757"):
        name = f"sub-OAS30001/ses-{session}/anat/sub-OAS30001_ses-{session}_T1w.nii.gz"
        tree(tmp_path, {name: ""})
    reading = cohort(tmp_path).table()
    assert reading.scans["day"].tolist() == [0, 628]
    assert "1 subjects are timed by their labels" in reading.remarks[-1]


@pytest.mark.parametrize("other", ["02", "d2", "baseline", "d0129b"])
def test_one_label_that_is_a_day_is_no_convention(tmp_path, other):
    for session in ("d0129", other):
        tree(tmp_path, {f"sub-01/ses-{session}/anat/sub-01_ses-{session}_T1w.nii.gz": ""})
    with pytest.raises(UserError, match="labels such as ses-01 are not an order"):
        cohort(tmp_path).table()
