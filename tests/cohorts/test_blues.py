import shutil
from pathlib import Path

import numpy as np
import pytest

from clinimcl.cohorts.blues import Blues
from clinimcl.cohorts.splits import Splitting
from clinimcl.errors import UserError

SPLIT = Splitting(by="subject", stratify=[], validation=0.1, test=0.2, seed=0)
SEVERITY = """video_file,Severity Score,A-lines,B-lines,comments
patient_1_L1,2.0,yes,yes,"broken, small"
patient_1_L1_2,3.0,yes,yes,
patient_7_R3,,no,no,
patient_8_R3,1.0,no,no,no video here
"""
CLINICAL = """patient_id,cov_test,pat_sex,pat_age,oxygen_saturation_with_ox,CRP
7,0,0.0,-99,90-92,-96
1,1,1.0,71.0,-99,5.5
8,1,1.0,50.0,95,1
"""


def cohort(root: Path, severity: str = SEVERITY, clinical: str = CLINICAL, **changes: object) -> Blues:
    (root / "lus_videos").mkdir()
    for name in ("patient_1_L1", "patient_1_L1_2", "patient_7_R3", "patient_7_L2", "thumbnail"):
        (root / "lus_videos" / f"{name}.mp4").write_bytes(b"")
    (root / "severity.csv").write_text(severity)
    (root / "clinical_variables.csv").write_text(clinical)
    fields = {"root": str(root), "score": "Severity Score", "higher_is": None, "mask": None, "spacing": None}
    return Blues(**(fields | {"fold": None, "split": SPLIT} | changes))  # type: ignore[arg-type]


def test_subject_zone_and_run_come_from_the_name(tmp_path):
    scans = cohort(tmp_path).table().scans
    assert scans[["subject", "session", "day", "zone", "run"]].to_numpy().tolist() == [
        ["1", "visit", 0, "L1", ""],
        ["1", "visit", 0, "L1", "2"],
        ["7", "visit", 0, "L2", ""],
        ["7", "visit", 0, "R3", ""],
    ]


def test_severity_is_each_video_s_own_and_higher_is_worse(tmp_path):
    scans = cohort(tmp_path).table().scans
    np.testing.assert_equal(scans["score"].to_numpy(), [2, 3, np.nan, np.nan])
    assert set(scans["higher_is"]) == {"worse"}


def test_age_and_sex_are_the_patient_s(tmp_path):
    scans = cohort(tmp_path).table().scans
    np.testing.assert_equal(scans["age"].to_numpy(), [71, 71, np.nan, np.nan])
    assert scans["sex"].tolist() == ["M", "M", "F", "F"]


def test_a_clinical_variable_may_be_the_score_with_its_direction(tmp_path):
    scans = cohort(tmp_path, score="crp", higher_is="worse").table().scans
    np.testing.assert_equal(scans["score"].to_numpy(), [5.5, 5.5, np.nan, np.nan])
    assert set(scans["score_name"]) == {"CRP"}


def test_a_range_counts_as_its_middle(tmp_path):
    scans = cohort(tmp_path, score="oxygen_saturation_with_ox", higher_is="better").table().scans
    np.testing.assert_equal(scans["score"].to_numpy(), [np.nan, np.nan, 91, 91])


def test_splits_may_ask_for_clinical_variables(tmp_path):
    split = Splitting(by="subject", stratify=["cov_test"], validation=0.0, test=0.5, seed=0)
    assert cohort(tmp_path, split=split).table().scans["cov_test"].tolist() == ["1", "1", "0", "0"]


def test_a_clinical_variable_needs_a_direction(tmp_path):
    with pytest.raises(UserError, match=r"cohort.score=CRP has no known direction"):
        cohort(tmp_path, score="CRP").table()


def test_an_unknown_score_lists_those_of_both_tables(tmp_path):
    with pytest.raises(UserError, match=r"no such column in severity.csv and clinical_variables.csv; there are.*CRP"):
        cohort(tmp_path, score="MMSE").table()


def test_words_are_no_score(tmp_path):
    with pytest.raises(UserError, match=r"severity.csv row 2: A-lines must be a number, got yes"):
        cohort(tmp_path, score="A-lines", higher_is="better").table()


def test_a_table_that_names_a_video_twice_is_refused(tmp_path):
    with pytest.raises(UserError, match=r"severity.csv must have a column video_file, each value once"):
        cohort(tmp_path, severity=SEVERITY + "patient_1_L1,0,no,no,\n").table()


def test_a_missing_table_and_missing_videos_say_how_to_get_them(tmp_path):
    blues = cohort(tmp_path)
    (tmp_path / "clinical_variables.csv").unlink()
    with pytest.raises(UserError, match=r"no clinical_variables.csv below .*COVID-BLUES is public"):
        blues.table()
    with pytest.raises(UserError, match=r"no videos of COVID-BLUES below .*lus_videos/patient_1_L3.mp4"):
        Blues(**(vars(blues) | {"root": str(empty(tmp_path / "empty"))})).table()


def test_videos_that_lie_there_twice_are_read_once_and_said(tmp_path):
    blues = cohort(tmp_path)
    once = blues.table().scans
    shutil.copytree(tmp_path / "lus_videos", tmp_path / "zz_copy")
    again = blues.table()
    assert again.scans["path"].tolist() == once["path"].tolist()
    assert again.remarks[0].startswith(f"{len(once)} scans lie below cohort.root a second time")


def empty(folder: Path) -> Path:
    folder.mkdir()
    return folder


def test_videos_in_other_formats_are_counted_with_what_converts_them(tmp_path):
    read = cohort(tmp_path)
    for name in ("patient_7_R1.mkv", "patient_7_R2_2.WEBM", "notes.mkv"):
        (tmp_path / "lus_videos" / name).write_bytes(b"")
    told = [remark for remark in read.table().remarks if "is not read" in remark]
    assert [remark.split(",")[0] for remark in told] == ["1 scans end with .mkv", "1 scans end with .webm"]
    assert "ffmpeg" in told[0]


def test_who_has_videos_in_other_formats_alone_is_told_what_converts_them(tmp_path):
    read = cohort(tmp_path)
    for video in (tmp_path / "lus_videos").iterdir():
        video.rename(video.with_suffix(".mkv"))
    with pytest.raises(UserError, match=r"5 files end with \.mkv \(Matroska's: `ffmpeg -i IN"):
        read.table()
