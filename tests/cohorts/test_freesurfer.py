from pathlib import Path

import openpyxl
import pytest

from clinimcl.cohorts.cohort import Reading
from clinimcl.cohorts.freesurfer import FreeSurfer
from clinimcl.cohorts.splits import Splitting
from clinimcl.errors import UserError

LONGS = ["tp1.long.anna", "tp2.long.anna", "x1.long.bob", "x2.long.bob"]
WHOLE = [*LONGS, "tp1", "tp2", "x1", "x2", "anna", "bob"]
QDEC = """fsid,fsid-base,years,sex,MMSE,nWBV
tp1,anna,0,F,29,0.8
tp2,anna,1.5,F,27,0.79
x1,bob,0,M,30,0.7
x2,bob,2,M,30,0.7
"""


def cohort(root: Path, folders: list[str], **changes: object) -> FreeSurfer:
    for folder in folders:
        (root / folder / "mri").mkdir(parents=True, exist_ok=True)
        for image in ("T1", "norm", "aseg"):
            (root / folder / "mri" / f"{image}.mgz").touch()
    split = Splitting(by="subject", stratify=[], validation=0.1, test=0.2, seed=0)
    fields = dict.fromkeys(["score", "higher_is", "mask", "spacing", "fold", "pattern", "clinical"])
    fields |= {"root": str(root), "split": split, "image": "T1", "longitudinal": True}
    return FreeSurfer(**(fields | changes))  # type: ignore[arg-type]


def read(root: Path, folders: list[str], table: str = "", **changes: object) -> Reading:
    root.mkdir(exist_ok=True)
    if table:
        (root.parent / "sessions.csv").write_text(table)
    return cohort(root, folders, **changes).table()


@pytest.fixture
def root(tmp_path):
    return tmp_path / "subjects"


@pytest.mark.parametrize("image", ["T1", "norm", "norm.mgz"])
def test_a_folder_is_a_scan_whose_image_can_be_chosen(root, image):
    scans = read(root, ["ann", "bob"], image=image).scans
    assert scans["subject"].tolist() == ["ann", "bob"]
    assert scans["path"].tolist() == [f"{root}/{name}/mri/{image.removesuffix('.mgz')}.mgz" for name in ("ann", "bob")]


def test_longitudinal_runs_are_read_alone_and_their_base_is_the_subject(root):
    reading = read(root, WHOLE, QDEC)
    scans = reading.scans
    assert scans[["subject", "session", "day"]].to_numpy().tolist() == [
        ["anna", "tp1", 0],
        ["anna", "tp2", 547.875],
        ["bob", "x1", 0],
        ["bob", "x2", 730.5],
    ]
    assert scans["path"].str.contains(".long.").all()
    assert reading.remarks[0].startswith("4 cross-sectional runs are left out")
    assert reading.remarks[1].startswith("2 bases")


def test_cross_sectional_runs_can_be_asked_for(root):
    reading = read(root, WHOLE, QDEC, longitudinal=False)
    assert reading.scans["path"].str.extract(r"/([^/]+)/mri", expand=False).tolist() == ["tp1", "tp2", "x1", "x2"]
    assert reading.scans["subject"].tolist() == ["anna", "anna", "bob", "bob"]
    assert reading.remarks[0].startswith("4 longitudinal runs are left out")


def test_a_base_is_known_by_its_list_of_time_points(root):
    (root / "base").mkdir(parents=True)
    (root / "base" / "base-tps").touch()
    assert read(root, ["base", "ann"]).scans["subject"].tolist() == ["ann"]


@pytest.mark.parametrize("average", ["fsaverage", "fsaverage5", "fsaverage_sym", "cvs_avg35_inMNI152"])
def test_averages_are_nobody(root, average):
    reading = read(root, ["ann", "bob", average])
    assert reading.scans["subject"].tolist() == ["ann", "bob"]
    assert reading.remarks[0].startswith("1 averages that come with FreeSurfer")


def test_names_after_bids_tell_subject_and_session(root):
    table = "participant_id\tsession_id\tday\tCDR\nsub-01\tses-a\t30\t0.5\nsub-01\tses-b\t0\t0\n"
    (root / "participants.tsv").parent.mkdir(parents=True)
    (root / "participants.tsv").write_text(table)
    scans = read(root, ["sub-01_ses-a", "sub-01_ses-b"], score="CDR").scans
    assert scans[["subject", "session", "day", "score"]].to_numpy().tolist() == [
        ["01", "b", 0, 0],
        ["01", "a", 30, 0.5],
    ]


def test_a_pattern_tells_subject_and_session(root):
    folders = ["OAS30001_MR_d0129", "OAS30001_MR_d0757", "OAS30002_MR_d0010"]
    scans = read(root, folders, pattern=r"(?P<subject>OAS3\d+)_MR_(?P<session>d\d+)").scans
    assert scans["subject"].tolist() == ["OAS30001", "OAS30001", "OAS30002"]
    assert scans["day"].tolist() == [0, 628, 0]


def test_names_that_look_like_sessions_are_not_taken_for_people(root):
    folders = ["ann_1", "ann_2", "bob_1"]
    with pytest.raises(UserError, match=r"2 of 3 runs share all but the last part .*cohort.pattern"):
        read(root, folders)
    assert read(root, folders, pattern="(?P<subject>.+)").scans["subject"].nunique() == 3


@pytest.mark.parametrize("folders", [["sub_001", "sub_002"], ["ann", "bob"], ["a_1", "b_1", "c_1"]])
def test_other_names_are_people(root, folders):
    assert read(root, folders).scans["subject"].tolist() == folders


def test_a_table_can_say_who_runs_are_of(root):
    table = "fsid,subject,date\nr1,ann,2020-01-01\nr2,ann,2020-12-31\nr9,bob,2020-12-31\n"
    reading = read(root, ["r1", "r2", "r3"], table)
    scans = reading.scans
    assert scans[["subject", "day"]].to_numpy().tolist() == [["ann", 0], ["ann", 365]]
    assert reading.remarks == (
        "1 runs have no row in the cohort's table, which tells whose they are: they are left out.",
        "1 rows of the cohort's table are of no run below cohort.root.",
    )


def test_scores_people_and_volumes_come_from_the_table(root):
    scans = read(root, WHOLE, QDEC, score="MMSE").scans
    assert scans["score"].tolist() == [29, 27, 30, 30]
    assert scans["sex"].tolist() == ["F", "F", "M", "M"]
    assert scans["nWBV"].tolist() == ["0.8", "0.79", "0.7", "0.7"]


def test_time_points_without_times_have_no_order(root):
    with pytest.raises(UserError, match="2 of 2 subjects have several sessions and nothing orders them"):
        read(root, WHOLE)


def test_a_run_that_lacks_the_image_or_is_unfinished_is_counted(root):
    (root / "carl" / "mri").mkdir(parents=True)
    (root / "carl" / "mri" / "orig.mgz").touch()
    (root / "bob" / "scripts").mkdir(parents=True)
    (root / "bob" / "scripts" / "recon-all.error").touch()
    lacking, unfinished, _ = read(root, ["ann", "bob"]).remarks
    assert lacking.startswith("1 runs hold no mri/T1.mgz")
    assert unfinished.startswith("1 runs are unfinished or ended with an error")


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"image": "brainmask"}, r"this image \(cohort.image; there are T1, aseg, norm\) below"),
        ({"image": "../T1"}, "cohort.image must be the name of a volume such as T1"),
        ({"pattern": "("}, "is not a regular expression"),
        ({"pattern": "(?P<person>.+)"}, r"must have a group \(\?P<subject>"),
        ({"pattern": "(?P<subject>a.+)"}, "must match every run's name as a whole: 1 of 2 do not"),
        ({"score": "MMSE"}, "cohort.score=MMSE needs a table: a CSV, TSV or Excel file with a column fsid"),
    ],
)
def test_what_cannot_be_is_a_sentence(root, changes, sentence):
    with pytest.raises(UserError, match=sentence):
        read(root, ["ann", "bob"], **changes)


def test_runs_deeper_below_are_named(root):
    with pytest.raises(UserError, match=r"2 lie deeper: name their SUBJECTS_DIR, such as derivatives/freesurfer"):
        cohort(root, [f"derivatives/freesurfer/{name}" for name in ("ann", "bob")], image="brain").table()


@pytest.mark.parametrize(
    ("table", "sentence"),
    [
        ("name,day\nann,1\n", "must name its rows by a column fsid .* there are name, day"),
        ("fsid,day\nann,1\nann,2\n", "lists 1 runs twice"),
        ("fsid,day\ncarl,1\n", "no row is of one of the 2 runs"),
    ],
)
def test_a_table_that_does_not_fit_is_a_sentence(root, table, sentence):
    with pytest.raises(UserError, match=sentence):
        read(root, ["ann", "bob"], table)


def test_a_missing_root_says_how_to_get_scans(tmp_path):
    with pytest.raises(UserError, match=r"no such folder: .*SUBJECTS_DIR.*oasisbrains.*clinimcl.phantom"):
        cohort(tmp_path / "nowhere", []).table()


@pytest.mark.parametrize("table", ["fsid,day\nann_1,1\n", "subject,session,day\nann,1,1\n"])
def test_a_table_that_tells_no_runs_person_does_not_make_sessions_people(root, table):
    with pytest.raises(UserError, match="2 of 3 runs share all but the last part"):
        read(root, ["ann_1", "ann_2", "bob_1"], table)


def test_runs_that_nothing_groups_are_counted_as_people(root):
    (remark,) = read(root, ["sub_01", "sub_02"]).remarks
    assert remark.startswith("2 runs are taken for one person each, under the run's name")


def test_names_of_which_some_look_like_sessions_ask_for_a_pattern(root):
    with pytest.raises(UserError, match=r"2 of 3 runs share all but the last part of their name"):
        read(root, ["anna_1", "anna_2", "bob"])


def test_times_of_day_on_a_stand_in_date_are_no_order(root):
    rows = "t1,ann,1925-01-01T10:00\nt2,ann,1925-01-01T09:00\nt3,bob,2019-03-01\n"
    with pytest.raises(UserError, match=r"1 of 2 subjects .* on one stand-in date"):
        read(root, ["t1", "t2", "t3"], f"fsid,subject,date\n{rows}")


@pytest.mark.parametrize("key", ["subject", "fsid"])
def test_rows_whose_numbers_lost_their_zeros_are_found(root, key):
    scans = read(root, ["001", "002", "010"], f"{key},age\n1,70\n2,71\n10,72\n").scans
    assert scans["age"].tolist() == [70, 71, 72]


def test_a_person_s_folder_is_not_named_where_runs_lie_deeper(tmp_path):
    with pytest.raises(UserError, match=r"\(2 lie deeper: name their SUBJECTS_DIR\)"):
        read(tmp_path / "root", ["peterson/fs", "smith/fs"])


def test_a_row_that_stands_there_again_counts_once(root):
    reading = read(root, WHOLE, QDEC + "tp1,anna,0,F,29,0.8\n", score="MMSE")
    assert reading.scans["score"].tolist() == [29, 27, 30, 30]
    assert "1 rows of the cohort's table stand there again, every cell equal: they count once" in reading.remarks


@pytest.mark.parametrize(
    ("labels", "words"), [(("d0129", "d0345"), "d0129 is day"), (("M000", "M006"), "M006 is month")]
)
def test_labels_that_alone_tell_the_time_are_said(root, labels, words):
    reading = read(root, [f"sub-1_ses-{label}" for label in labels])
    assert f"1 subjects are timed by their labels: {words}" in reading.remarks[-1]


def test_a_workbook_beside_the_folders_is_found(root):
    book = openpyxl.Workbook()
    for line in QDEC.splitlines():
        book.active.append(line.split(","))
    root.mkdir()
    book.save(root.parent / "sessions.xlsx")
    assert read(root, WHOLE, score="MMSE").scans["score"].tolist() == [29, 27, 30, 30]
