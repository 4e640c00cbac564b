import io
from pathlib import Path

import openpyxl
import pytest

from clinimcl.cohorts.cohort import Reading
from clinimcl.cohorts.oasis2 import Oasis2
from clinimcl.cohorts.splits import Splitting
from clinimcl.errors import UserError

TABLE = """Subject ID,MRI ID,Group,Visit,MR Delay,M/F,Hand,Age,EDUC,SES,MMSE,CDR,eTIV,nWBV,ASF
OAS2_0001,OAS2_0001_MR1,Nondemented,1,0,M,R,87,14,2,27,0,1987,0.696,0.883
OAS2_0001,OAS2_0001_MR2,Nondemented,2,457,M,R,88,14,2,30,0,2004,0.681,0.876
OAS2_0007,OAS2_0007_MR1,Demented,1,0,F,R,71,16,,28,0.5,1357,0.748,1.293
OAS2_0007,OAS2_0007_MR3,Demented,2,518,F,R,73,16,,27,1,1365,0.727,1.286
OAS2_0007,OAS2_0007_MR4,Demented,3,1281,F,R,75,16,,27,1,1372,0.71,1.279
"""
SESSIONS = {"OAS2_0001": [1, 2], "OAS2_0007": [1, 3, 4]}


def pair(session: str, run: int = 1, part: int = 1) -> list[str]:
    folder = f"OAS2_RAW_PART{part}/{session}/RAW"
    return [f"{folder}/mpr-{run}.nifti.{kind}" for kind in ("hdr", "img")]


def everything() -> list[str]:
    """The first session of each subject in part 1, its others in part 2."""
    own = [(f"{name}_MR{number}", number) for name in SESSIONS for number in SESSIONS[name]]
    return [file for session, number in own for file in pair(session, part=1 if number == 1 else 2)]


def cohort(root: Path, files: list[str], table: str | None = TABLE, **changes: object) -> Oasis2:
    for file in files:
        (root / file).parent.mkdir(parents=True, exist_ok=True)
        (root / file).touch()
    if table is not None:
        (root / "oasis_longitudinal.csv").write_text(table)
    split = Splitting(by="subject", stratify=[], validation=0.1, test=0.2, seed=0)
    unset = dict.fromkeys(["score", "higher_is", "mask", "spacing", "fold", "clinical"])
    return Oasis2(**({"root": str(root), "split": split} | unset | changes))  # type: ignore[arg-type]


def read(root: Path, files: list[str], **changes: object) -> Reading:
    return cohort(root, files, **changes).table()


def test_days_come_from_the_table_and_not_from_the_number_behind_mr(tmp_path):
    reading = read(tmp_path, everything())
    assert reading.scans["day"].tolist() == [0, 457, 0, 518, 1281]
    assert reading.scans["subject"].nunique() == 2
    assert reading.remarks == ()


def test_a_scan_is_the_header_of_its_pair_and_repeats_are_runs(tmp_path):
    files = [*pair("OAS2_0001_MR1", 1), *pair("OAS2_0001_MR1", 2), *pair("OAS2_0001_MR1", 10)]
    scans = read(tmp_path, files).scans
    assert scans["run"].tolist() == ["1", "10", "2"]
    assert scans["path"].str.endswith(".nifti.hdr").all()
    assert scans["session"].nunique() == 1


def test_age_and_sex_are_those_of_the_session(tmp_path):
    scans = read(tmp_path, everything()).scans
    assert scans["age"].tolist() == [87, 88, 71, 73, 75]
    assert scans["sex"].tolist() == ["M", "M", "F", "F", "F"]


@pytest.mark.parametrize(
    ("score", "values", "higher_is"),
    [
        ("CDR", [0, 0, 0.5, 1, 1], "worse"),
        ("mmse", [27, 30, 28, 27, 27], "better"),
        ("nWBV", [0.696, 0.681, 0.748, 0.727, 0.71], "better"),
    ],
)
def test_scores_are_those_of_the_sessions_own_row(tmp_path, score, values, higher_is):
    scans = read(tmp_path, everything(), score=score).scans
    assert scans["score"].tolist() == values
    assert set(scans["higher_is"]) == {higher_is}


def test_columns_that_stratify_are_carried(tmp_path):
    split = Splitting(by="subject", stratify=["Group"], validation=0.1, test=0.2, seed=0)
    scans = read(tmp_path, everything(), split=split).scans
    assert scans["Group"].tolist() == ["Nondemented"] * 2 + ["Demented"] * 3


def test_a_workbook_is_read_like_its_csv(tmp_path):
    book, buffer = openpyxl.Workbook(), io.BytesIO()
    for line in TABLE.splitlines():
        book.active.append([_cell(text) for text in line.split(",")])
    book.save(buffer)
    files = everything()
    (tmp_path / "oasis_longitudinal_demographics-8d83e569fa2e2d30.xlsx").write_bytes(buffer.getvalue())
    excel = read(tmp_path / "scans", files, table=None, score="CDR").scans
    text = read(tmp_path / "scans", files, score="CDR").scans
    assert excel.equals(text)


def _cell(text: str) -> object:
    try:
        return float(text)
    except ValueError:
        return text or None


@pytest.mark.parametrize("stray", ["3906-3.nifti.hdr", "mpr-1_copy.nii.gz"])
def test_a_volume_of_another_name_is_no_repeat_and_is_counted(tmp_path, stray):
    files = [*everything(), f"OAS2_RAW_PART1/OAS2_0001_MR1/RAW/{stray}"]
    reading = read(tmp_path, files)
    assert len(reading.scans) == 5
    assert reading.remarks[0].startswith("1 volumes in OASIS-2's session folders are not named mpr-1")


@pytest.mark.parametrize(
    "copy",
    ["OAS2_RAW_PART1/OAS2_0001_MR1/RAW/mpr-1.nii.gz", "again/OAS2_0001_MR1/RAW/mpr-1.nifti.hdr"],
)
def test_a_copy_of_a_repeat_is_no_run(tmp_path, copy):
    reading = read(tmp_path, [*everything(), copy])
    assert len(reading.scans) == 5
    assert reading.remarks[0].startswith("1 further copies of a repeat")


def test_converted_scans_alone_are_read(tmp_path):
    files = [f"OAS2_0001_MR{number}/mpr-1.nii.gz" for number in (1, 2)]
    assert read(tmp_path, files).scans["day"].tolist() == [0, 457]


def test_processed_volumes_are_no_scans(tmp_path):
    files = [*everything(), "OAS2_RAW_PART1/OAS2_0001_MR1/PROCESSED/mpr-2.nifti.hdr"]
    assert len(read(tmp_path, files).scans) == 5


def test_an_image_without_its_header_is_counted(tmp_path):
    files = [*everything(), pair("OAS2_0001_MR1", 2)[1]]
    assert read(tmp_path, files).remarks[0].startswith("1 images (.img) have no header")


def test_sessions_without_a_row_and_rows_without_a_session_are_counted(tmp_path):
    files = [*everything()[2:], *pair("OAS2_0186_MR1"), *pair("OAS2_0186_MR1", 2)]
    reading = read(tmp_path, files)
    assert set(reading.scans["subject"]) == {"OAS2_0001", "OAS2_0007"}
    lost, without = reading.remarks
    assert lost.startswith("1 sessions have no row with an MR Delay")
    assert without.startswith("1 rows of OASIS-2's table")


def test_a_row_without_a_day_leaves_its_session_out(tmp_path):
    reading = read(tmp_path, everything(), table=TABLE.replace("2,457", "2,"))
    assert reading.scans["day"].tolist() == [0, 0, 518, 1281]
    assert reading.remarks[0].startswith("1 sessions have no row with an MR Delay")


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (("OAS2_0001_MR2,Non", "OAS2_0001_MR1,Non"), r"lists 1 sessions twice \(MRI ID\)"),
        (("OAS2_0001,OAS2_0001_MR2", "OAS2_0002,OAS2_0001_MR2"), "in 1 rows the MRI ID is one of another"),
        (("MR Delay", "Delay"), "is not OASIS-2's longitudinal table: no column MR Delay; there are Subj"),
        ((",457,", ",soon,"), "row 3: MR Delay must be a number, got soon"),
        (("OAS2_", "OAS1_"), "no row with an MR Delay is of one of the 5 sessions below cohort.root"),
    ],
)
def test_a_table_that_does_not_fit_is_a_sentence(tmp_path, change, sentence):
    with pytest.raises(UserError, match=sentence):
        read(tmp_path, everything(), table=TABLE.replace(*change))


def test_two_sessions_of_one_day_are_no_order(tmp_path):
    with pytest.raises(UserError, match=r"1 subjects have several sessions of one MR Delay"):
        read(tmp_path, everything(), table=TABLE.replace(",457,", ",0,"))


def test_an_equal_row_twice_is_one(tmp_path):
    again = TABLE + TABLE.splitlines()[1] + "\n"
    assert len(read(tmp_path, everything(), table=again).scans) == 5


def test_without_a_table_the_sentence_says_where_it_is(tmp_path):
    with pytest.raises(UserError, match=r"sites.wustl.edu/oasisbrains.*cohort.clinical=FILE"):
        read(tmp_path, everything(), table=None)


def test_two_tables_are_a_question(tmp_path):
    (tmp_path / "oasis_longitudinal_2.csv").write_text(TABLE)
    with pytest.raises(UserError, match=r"2 tables could be meant by cohort.clinical"):
        read(tmp_path, everything())


@pytest.mark.parametrize("files", [[], ["OAS2_0001_MR1/RAW/notes.txt"]])
def test_an_empty_root_says_what_was_looked_for_and_where_to_get_it(tmp_path, files):
    with pytest.raises(UserError, match=r"no scans of OASIS-2 below .*mpr-1.nifti.hdr.*oasisbrains.*layout=oasis2"):
        read(tmp_path, files)


def test_volumes_of_the_brain_are_carried(tmp_path):
    scans = read(tmp_path, everything()).scans
    assert scans["nWBV"].tolist() == ["0.696", "0.681", "0.748", "0.727", "0.71"]
    assert scans["eTIV"].iloc[0] == "1987"


def test_an_age_or_score_that_is_no_number_of_one_is_missing_and_counted(tmp_path):
    table = TABLE.replace(",R,87,", ",R,38-40,").replace(",28,0.5,", ",inf,0.5,")
    reading = read(tmp_path, everything(), table=table, score="MMSE")
    assert reading.scans["age"].isna().tolist() == [True, False, False, False, False]
    assert reading.scans["score"].isna().tolist() == [False, False, True, False, False]
    assert len(reading.remarks) == 2
