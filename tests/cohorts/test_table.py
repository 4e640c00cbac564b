from pathlib import Path

import pytest

from clinimcl.cohorts.splits import Splitting
from clinimcl.cohorts.table import Table
from clinimcl.errors import UserError
from clinimcl.preparation.formats.video.video import ENDINGS

SPLIT = Splitting(by="subject", stratify=[], validation=0.1, test=0.2, seed=0)


def cohort(folder: Path, text: str, **changes: object) -> Table:
    (folder / "scans.csv").write_text(text)
    fields = {
        "root": str(folder),
        "score": None,
        "higher_is": None,
        "mask": None,
        "spacing": None,
        "fold": None,
        "split": SPLIT,
    }
    return Table(**(fields | {"modality": "T1w"} | changes))  # type: ignore[arg-type]


def test_a_table_of_days_is_read(tmp_path):
    scans = cohort(tmp_path, 'subject,day,path\nA,30,a.nii\nA,10,"b (1), x=2.nii"\n').table().scans
    assert scans["day"].tolist() == [0, 20]
    assert scans["path"].tolist() == [f"{tmp_path}/b (1), x=2.nii", f"{tmp_path}/a.nii"]


def test_a_table_of_dates_is_read(tmp_path):
    scans = cohort(tmp_path, "subject,session,date,path\nA,z,2020-01-01,a.nii\nA,a,2020-01-31,b.nii\n").table().scans
    assert scans[["session", "day"]].to_numpy().tolist() == [["z", 0], ["a", 30]]


def test_the_file_itself_may_be_the_root(tmp_path):
    table = cohort(tmp_path, "subject,day,path\nA,1,../other/a.nii\n", root=str(tmp_path / "scans.csv"))
    assert table.table().scans["path"].tolist() == [str(tmp_path.parent / "other" / "a.nii")]


def test_a_table_in_a_bucket_is_read(bucket, tmp_path):
    bucket.pipe_file("bucket/lung/scans.csv", b"subject,day,path\nA,1,clips/a.mp4\n")
    scans = cohort(tmp_path, "", root="gs://bucket/lung", modality="lus").table().scans
    assert scans[["path", "modality"]].to_numpy().tolist() == [["gs://bucket/lung/clips/a.mp4", "lus"]]


def test_optional_columns_are_understood(tmp_path):
    header = "Subject,day,path,age,sex,site,scanner,mask,modality,run,MMSE,part\n"
    scans = (
        cohort(
            tmp_path,
            header + "A,1,a.nii,70,female,HH,Trio,m.nii,T2w,2,29,train\nB,1,b.nii,,,,,,,,n/a,test\n",
            score="MMSE",
            split=Splitting(by="part", stratify=[], validation=0.1, test=0.2, seed=0),
        )
        .table()
        .scans
    )
    assert scans.loc[0, ["age", "sex", "site", "scanner", "mask"]].tolist() == [
        70,
        "F",
        "HH",
        "Trio",
        f"{tmp_path}/m.nii",
    ]
    assert scans.loc[0, ["modality", "run", "score", "higher_is", "split"]].tolist() == [
        "T2w",
        "2",
        29,
        "better",
        "train",
    ]
    assert scans.loc[1, ["age", "sex", "site", "scanner", "mask", "score"]].isna().all()
    assert scans.loc[1, ["modality", "run", "split"]].tolist() == ["T1w", "", "test"]


def test_zones_are_read_and_empty_where_a_row_has_none(tmp_path):
    scans = cohort(tmp_path, "subject,day,path,zone\nA,1,a.mp4,L1\nB,1,b.mp4,n/a\n").table().scans
    assert scans["zone"].tolist() == ["L1", ""]


def test_scans_are_called_what_their_files_are_where_nothing_says_it(tmp_path):
    kinds = {"a.nii.gz": "T1w", "b.NII": "T1w", "c.pt": "T1w", "raw/d/": "T1w", "e.dcm": "video", "f.JPG": "still"}
    rows = "".join(f"A,{day},{path},\n" for day, path in enumerate(kinds)) + "A,9,g.mp4,cine MR\n"
    scans = cohort(tmp_path, f"subject,day,path,modality\n{rows}", modality=None).table().scans
    assert scans["modality"].tolist() == [*kinds.values(), "cine MR"]


def test_no_video_is_called_a_volume(tmp_path):
    rows = "".join(f"A,{day},{day}{ending}\n" for day, ending in enumerate(ENDINGS))
    scans = cohort(tmp_path, f"subject,day,path\n{rows}", modality=None).table().scans
    assert set(scans["modality"]) == {"video", "still"}


def test_a_folder_of_slices_keeps_its_slash(tmp_path):
    scans = cohort(tmp_path, "subject,day,path\nA,1,raw/S13408/\n").table().scans
    assert scans["path"].tolist() == [f"{tmp_path}/raw/S13408/"]


def test_one_session_a_subject_needs_no_time(tmp_path):
    assert cohort(tmp_path, "subject,session,path\nA,x,a.nii\nB,x,b.nii\n").table().scans["day"].tolist() == [0, 0]


def test_sessions_without_time_are_refused_with_the_fix(tmp_path):
    with pytest.raises(
        UserError, match=r"scans.csv: 1 subjects have several sessions .*column day \(a number\) or date"
    ):
        cohort(tmp_path, "subject,session,path\nA,x,a.nii\nA,y,b.nii\n").table()


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            "subject,date,path\nA,2031-02-28,a\nA,2031-02-30,b\n",
            "scans.csv row 3: session date 2031-02-30 is not a date",
        ),
        ("subject,day,path\nA,soon,a\n", "scans.csv row 2: day must be a number, got soon"),
        ("subject,day,path\nA,1,a\n\nA,,b\n", "scans.csv row 4: day must not be empty"),
        ("subject,day,path\n,1,a\n", "scans.csv row 2: subject must not be empty"),
        ("subject,day,path\nA,1,a\nB,1,a\n", "scans.csv row 3: the path stands in an earlier row"),
        ("subject,day,path,mask\nA,1,a,D:/m.nii\n", r"scans.csv row 2: the path is that of a Windows drive"),
        ("subject,day,path\nA,1,a\nA,2,D:\\x\\a.nii\n", r"scans.csv row 3: the path is that of a Windows drive"),
        ("subject,day,path\nA,1,\\\\server\\a.nii\n", r"scans.csv row 2: the path is that of a Windows drive or"),
        ("subject,day,path\nA,1,a/b.nii\nB,1,a\\b.nii\n", "scans.csv row 3: the path stands in an earlier row"),
        ("subject,day\nA,1\n", "scans.csv has no column path; there are subject, day"),
        ("subject,path\nA,a\n", "scans.csv has no column day, date or session"),
        ("subject,day,path\n", "scans.csv has no rows"),
    ],
)
def test_a_bad_row_is_named(tmp_path, text, sentence):
    with pytest.raises(UserError, match=sentence):
        cohort(tmp_path, text).table()


def test_a_missing_file_says_what_was_looked_for(tmp_path):
    with pytest.raises(UserError, match=r"no such file: .*nowhere/scans.csv. cohort.root is a CSV file"):
        cohort(tmp_path, "", root=str(tmp_path / "nowhere")).table()


def test_an_unknown_score_lists_the_columns(tmp_path):
    with pytest.raises(
        UserError, match=r"cohort.score=MMSE: no such column in scans.csv; there are subject, day, path"
    ):
        cohort(tmp_path, "subject,day,path\nA,1,a\n", score="MMSE").table()


@pytest.mark.parametrize("written", ["videos\\a.mp4", ".\\videos\\a.mp4", "videos/a.mp4"])
def test_separators_of_windows_are_read_as_slashes(tmp_path, written):
    scans = cohort(tmp_path, f"subject,day,path\nA,1,{written}\n").table().scans
    assert scans["path"].tolist() == [f"{tmp_path}/videos/a.mp4"]


def test_a_backslash_that_a_file_has_is_kept(tmp_path):
    (tmp_path / "videos\\a.mp4").write_bytes(b"")
    scans = cohort(tmp_path, "subject,day,path\nA,1,videos\\a.mp4\n").table().scans
    assert scans["path"].tolist() == [f"{tmp_path}/videos\\a.mp4"]


def test_a_name_is_found_in_either_form_of_its_accents(tmp_path):
    (tmp_path / "e\u0301.mp4").write_bytes(b"")
    scans = cohort(tmp_path, "subject,day,path\nA,1,\u00e9.mp4\n").table().scans
    assert scans["path"].tolist() == [f"{tmp_path}/e\u0301.mp4"]


@pytest.mark.parametrize(
    "rows",
    [
        "A,a,1925-01-01T16:00:00,1.nii\nA,b,1925-01-01T09:00:00,2.nii\nB,a,2019-03-01,3.nii\n",
        "A,a,2019-03-01,1.nii\nA,b,2019-03-01,2.nii\nB,a,2019-03-01,3.nii\n",
    ],
)
def test_a_stand_in_date_is_no_order(tmp_path, rows):
    with pytest.raises(UserError, match=r"scans.csv: 1 subjects have several sessions .* on one stand-in date"):
        cohort(tmp_path, f"subject,session,date,path\n{rows}").table()


def test_one_day_for_everybody_is_no_order(tmp_path):
    with pytest.raises(UserError, match=r"scans.csv: 1 subjects have several sessions .* the same for everybody"):
        cohort(tmp_path, "subject,session,day,path\nA,a,0,1.nii\nA,b,0,2.nii\nB,a,0,3.nii\n").table()


def test_two_sessions_on_one_date_among_others_stay(tmp_path):
    text = "subject,session,date,path\nA,a,2019-03-02,1.nii\nA,b,2019-03-02,2.nii\nB,a,2019-03-01,3.nii\n"
    assert cohort(tmp_path, text).table().scans["day"].tolist() == [0, 0, 0]


def test_days_and_dates_in_different_orders_are_refused(tmp_path):
    text = "subject,day,date,path\nA,0,2019-03-02,1.nii\nA,9,2019-02-02,2.nii\n"
    with pytest.raises(UserError, match=r"columns day and date put the scans of 1 subjects in different orders"):
        cohort(tmp_path, text).table()


def test_equal_rows_are_one(tmp_path):
    found = cohort(tmp_path, "subject,day,path\nA,1,a.nii\nA,1,a.nii\nA,2,b.nii\n").table()
    assert len(found.scans) == 2
    assert found.remarks == ("1 rows of scans.csv stand there again, every cell equal: they count once",)


def test_ages_and_sexes_that_cannot_be_read_are_missing_with_a_word(tmp_path):
    found = cohort(tmp_path, "subject,day,path,age,sex\nA,1,a.nii,18-38,1\nB,1,b.nii,045Y,F\n").table()
    assert found.scans["age"].isna().tolist() == [True, False]
    assert found.scans["sex"].isna().tolist() == [True, False]
    assert [remark.partition(" in scans.csv")[0] for remark in found.remarks] == ["1 ages", "1 cells of sex"]


def test_a_word_in_the_column_of_the_score_is_refused_and_an_infinite_value_is_missing(tmp_path):
    with pytest.raises(UserError, match=r"scans.csv row 2: ratio must be a number, got high"):
        cohort(tmp_path, "subject,day,path,ratio\nA,1,a,high\n", score="ratio", higher_is="better").table()
    found = cohort(tmp_path, "subject,day,path,ratio\nA,1,a,inf\nB,1,b,2\n", score="ratio", higher_is="better").table()
    assert found.scans["score"].isna().tolist() == [True, False]
    assert found.remarks[0].startswith("1 values of ratio in scans.csv are infinite")


@pytest.mark.parametrize(
    ("one", "other"), [("001", "1"), ("P01", "p01"), ("1.0", "1"), ("sub-01", "01"), ("\uff21", "A")]
)
def test_a_person_of_two_names_is_refused(tmp_path, one, other):
    with pytest.raises(UserError, match=r"1 person goes by two names: .* write each person's label in one way"):
        cohort(tmp_path, f"subject,day,path\n{one},1,a.nii\n{other},2,b.nii\n").table()


@pytest.mark.parametrize(
    ("one", "other"),
    [("a.hdr", "a.img"), ("a.img", "a.hdr"), ("a.HDR", "a.IMG"), ("a.hdr.gz", "a.img.gz"), ("slices/", "slices")],
)
def test_one_scan_by_two_paths_is_refused(tmp_path, one, other):
    table = cohort(tmp_path, f"subject,day,path\nA,1,{one}\nA,2,{other}\n")
    with pytest.raises(UserError, match=r"scans.csv row 3: the path stands .* or the other half of its pair"):
        table.table()
