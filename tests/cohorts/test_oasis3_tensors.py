from pathlib import Path

import pytest

from clinimcl.cohorts.oasis3_tensors import Oasis3Tensors
from clinimcl.cohorts.splits import Splitting
from clinimcl.errors import UserError


def cohort(root: Path, *files: str) -> Oasis3Tensors:
    for file in files:
        (root / file).parent.mkdir(parents=True, exist_ok=True)
        (root / file).touch()
    split = Splitting(by="subject", stratify=[], validation=0.1, test=0.2, seed=0)
    unset = dict.fromkeys(["score", "higher_is", "mask", "spacing", "fold", "clinical", "demographics"])
    return Oasis3Tensors(root=str(root), split=split, window_days=365, **unset)  # type: ignore[arg-type]


def test_subject_and_day_come_from_the_file_name(tmp_path):
    names = ["a/OAS30001_d0129.pt", "a/OAS30001_d0345.pt", "OAS30002_MR_d0140.pt", "notes.txt"]
    scans = cohort(tmp_path, *names).table().scans
    assert scans["subject"].tolist() == ["OAS30001", "OAS30001", "OAS30002"]
    assert scans["day"].tolist() == [0, 216, 0]
    assert scans["path"].str.endswith(".pt").all()


def test_a_folder_without_tensors_is_a_sentence(tmp_path):
    with pytest.raises(UserError, match=r"no tensors of OASIS-3 below .*OAS30001_d0129.pt"):
        cohort(tmp_path).table()


def test_tensors_named_after_the_bids_tree_are_read(tmp_path):
    names = ["sub-OAS30001_ses-d0129_run-01_T1w.pt", "sub-OAS30001_ses-d0757_T1w.pt"]
    scans = cohort(tmp_path, *names).table().scans
    assert scans[["subject", "day", "run"]].to_numpy().tolist() == [
        ["OAS30001", 0, "01"],
        ["OAS30001", 628, ""],
    ]


def test_tensors_that_lie_there_twice_are_read_once_and_said(tmp_path):
    found = cohort(tmp_path, "a/OAS30001_d0129.pt", "b/OAS30001_d0129.pt", "b/OAS30001_d0345.pt").table()
    assert found.scans["path"].str.startswith(f"{tmp_path}/b/").tolist() == [True, True]
    assert found.remarks[0].startswith("1 scans lie below cohort.root a second time")
