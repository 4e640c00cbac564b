from pathlib import Path

import pytest

from clinimcl.cohorts.caps import Caps
from clinimcl.cohorts.splits import Splitting
from clinimcl.errors import UserError


def cohort(root: object, **changes: object) -> Caps:
    split = Splitting(by="subject", stratify=[], validation=0.1, test=0.2, seed=0)
    fields = {
        "score": None,
        "higher_is": None,
        "mask": None,
        "spacing": None,
        "fold": None,
        "split": split,
        "bids": None,
    }
    return Caps(root=str(root), **(fields | changes))  # type: ignore[arg-type]


def image(root: Path, session: str, crop: str = "_desc-Crop", run: str = "") -> None:
    name = f"sub-01_ses-{session}{run}_T1w_space-MNI152NLin2009cSym{crop}_res-1x1x1_T1w.nii.gz"
    folder = root / "subjects" / "sub-01" / f"ses-{session}" / "t1_linear"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).touch()


def sessions(root: Path, *lines: str) -> Path:
    (root / "sub-01").mkdir(parents=True)
    (root / "sub-01" / "sub-01_sessions.tsv").write_text("\n".join(lines).replace(" ", "\t"))
    return root


def test_labels_of_months_count_where_there_are_no_dates(tmp_path):
    for session in ("M012", "M000", "M006"):
        image(tmp_path, session)
    scans = cohort(tmp_path).table().scans
    assert scans["session"].tolist() == ["M000", "M006", "M012"]
    assert scans["day"].tolist() == [0, 182.625, 365.25]


def test_dates_of_the_bids_tree_come_before_labels(tmp_path):
    for session in ("M000", "M006"):
        image(tmp_path / "caps", session)
    bids = sessions(tmp_path / "bids", "session_id acq_time MMSE", "ses-M000 2020-01-01 29", "ses-M006 2020-07-19 27")
    scans = cohort(tmp_path / "caps", bids=str(bids), score="MMSE").table().scans
    assert scans["day"].tolist() == [0, 200]
    assert scans["score"].tolist() == [29, 27]


def test_the_cropped_image_is_taken_where_there_are_both(tmp_path):
    image(tmp_path, "M000", crop="")
    image(tmp_path, "M000")
    image(tmp_path, "M006", crop="")
    paths = cohort(tmp_path).table().scans["path"]
    assert paths.str.contains("desc-Crop").tolist() == [True, False]


def test_runs_stay_apart(tmp_path):
    image(tmp_path, "M000", run="_run-01")
    image(tmp_path, "M000", run="_run-02")
    assert cohort(tmp_path).table().scans["run"].tolist() == ["01", "02"]


def test_labels_that_are_no_months_are_no_order(tmp_path):
    image(tmp_path, "baseline")
    image(tmp_path, "followup")
    with pytest.raises(UserError, match=r"nothing that orders all of them"):
        cohort(tmp_path).table()


def test_an_empty_tree_says_what_was_looked_for(tmp_path):
    with pytest.raises(UserError, match=r"no t1_linear images below .*desc-Crop.*clinica"):
        cohort(tmp_path).table()
