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
    scans, _, remarks = cohort(tmp_path).table()
    assert scans["path"].str.contains("desc-Crop").tolist() == [True, False]
    assert remarks == ("1 scans have no cropped image: their whole one is read beside others' cropped ones",)


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


NEWER = "sub-01_ses-{}{}_space-MNI152NLin2009cSym{}_res-1x1x1_T1w.nii.gz"


def newer(root: Path, session: str, crop: str = "_desc-Crop", source: str = "") -> None:
    folder = root / "subjects" / "sub-01" / f"ses-{session}" / "t1_linear"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / NEWER.format(session, source, crop)).touch()


@pytest.mark.parametrize("crop", ["_desc-Crop", ""])
@pytest.mark.parametrize("source", ["", "_run-01", "_acq-mprage_run-01"])
def test_names_of_clinica_since_0_8_are_read(tmp_path, crop, source):
    for session in ("M000", "M006"):
        newer(tmp_path, session, crop, source)
    scans = cohort(tmp_path).table().scans
    assert scans["day"].tolist() == [0, 182.625]
    assert set(scans["run"]) == {{"_run-01": "01"}.get(source, source.strip("_"))}


def test_one_image_under_the_names_of_two_clinicas_is_one_scan(tmp_path):
    image(tmp_path, "M000")
    newer(tmp_path, "M000", crop="")
    newer(tmp_path, "M006")
    image(tmp_path, "M006")
    paths = cohort(tmp_path).table().scans["path"]
    assert [path.count("_T1w") for path in paths] == [2, 1]
    assert paths.str.contains("desc-Crop").all()


def test_scans_tsv_of_the_bids_tree_finds_the_newer_names(tmp_path):
    newer(tmp_path / "caps", "M000")
    folder = tmp_path / "bids" / "sub-01" / "ses-M000"
    folder.mkdir(parents=True)
    rows = "filename\tMMSE\nanat/sub-01_ses-M000_T1w.nii.gz\t27\n"
    (folder / "sub-01_ses-M000_scans.tsv").write_text(rows)
    scans = cohort(tmp_path / "caps", bids=str(tmp_path / "bids"), score="MMSE").table().scans
    assert scans["score"].tolist() == [27]


def test_labels_of_oasis_3_count_as_days(tmp_path):
    newer(tmp_path, "d0129")
    newer(tmp_path, "d0757")
    assert cohort(tmp_path).table().scans["day"].tolist() == [0, 628]


def test_a_folder_named_like_an_image_is_counted(tmp_path):
    image(tmp_path, "M000")
    folder = tmp_path / "subjects/sub-02/ses-M000/t1_linear"
    name = "sub-02_ses-M000_space-MNI152NLin2009cSym_res-1x1x1_T1w.nii"
    (folder / name).mkdir(parents=True)
    (folder / name / name).touch()
    assert cohort(tmp_path).table().remarks == ("1 folders are named like t1_linear images: nothing is read of them",)


def test_labels_of_days_that_alone_tell_the_time_are_said(tmp_path):
    for session in ("d0129", "d0345"):
        image(tmp_path, session)
    assert "1 subjects are timed by their labels: d0129 is day 129" in cohort(tmp_path).table().remarks[-1]
