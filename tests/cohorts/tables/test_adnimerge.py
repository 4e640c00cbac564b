from pathlib import Path

import pandas as pd
import pytest

from clinimcl.cohorts.tables.adnimerge import Visits, find, read_visits
from clinimcl.errors import UserError
from clinimcl.storage.tree import explore

SCANNED = pd.Series(["002_S_0295", "010_S_0067"])
NEWER = """PHASE,PTID,RID,VISCODE,VISCODE2,VISDATE,MMSCORE,USERDATE
ADNI1,002_S_0295,295,bl,bl,2006-04-10,28,2006-04-20
ADNI1,002_S_0295,295,m06,m06,11/3/2006,-4,2006-11-20
ADNI1,010_S_0067,67,bl,bl,2005-11-01,-1,2005-11-02
ADNI1,010_S_0067,67,m06,m06,2006-05-01,22,2006-05-02
"""
OLDER = """Phase,ID,RID,SITEID,VISCODE,USERDATE,EXAMDATE,MMSCORE
ADNI1,1,295,107,bl,2006-04-20,2006-04-10,28
ADNI1,2,295,107,m06,2006-11-20,,25
ADNI1,3,67,22,bl,2005-11-02,-4,24
ADNI1,4,9999,22,bl,2005-11-02,2005-11-01,11
"""


def visits(folder: Path, text: str, scanned: pd.Series = SCANNED) -> Visits:
    file = folder / "MMSE.csv"
    file.write_text(text)
    return read_visits(str(file), scanned)


def found(folder: Path, score: str | None, *names: str) -> str:
    for name in names:
        (folder / name).touch()
    return str(find(explore(str(folder), ""), score)).removeprefix(f"{folder}/")


@pytest.mark.parametrize("score", ["MMSE", "mmse", "MMSCORE"])
def test_the_table_of_mmse_alone_gives_the_mmse(tmp_path, score):
    scores, name, higher_is = visits(tmp_path, NEWER).scores(score, None)
    assert scores["score"].tolist() == [28, 22]
    assert scores["subject"].tolist() == SCANNED.tolist()
    assert (name, higher_is) == ("MMSE", "better")


def test_rows_without_ptid_find_their_subject_by_the_rid(tmp_path):
    scores = visits(tmp_path, OLDER).scores("MMSE", None)[0]
    assert scores["subject"].tolist() == ["002_S_0295", "002_S_0295", "010_S_0067"]


def test_the_day_of_entry_counts_only_where_there_is_no_other_and_is_said(tmp_path):
    table = visits(tmp_path, OLDER)
    days = (table.day - table.day.min()).tolist()
    assert days == [159, 383, 0]  # 2006-04-10, 2006-11-20 and 2005-11-02
    assert "2 visits in MMSE.csv have no date of their own" in table.remarks.sentences()[0]


def test_codes_of_missing_values_are_counted(tmp_path):
    table = visits(tmp_path, NEWER)
    table.scores("MMSE", None)
    assert "2 values of MMSCORE in MMSE.csv are -4 or -1, ADNI's codes" in table.remarks.sentences()[-1]


def test_one_rid_of_two_scanned_subjects_is_refused(tmp_path):
    with pytest.raises(UserError, match="1 RIDs are those of several scanned subjects"):
        visits(tmp_path, OLDER, pd.Series(["002_S_0295", "003_S_0295"]))


def test_a_table_without_dates_is_refused(tmp_path):
    with pytest.raises(UserError, match="no column EXAMDATE, VISDATE or USERDATE; there are PTID"):
        visits(tmp_path, "PTID,MMSCORE\n002_S_0295,28\n")


@pytest.mark.parametrize(
    ("score", "names", "expected"),
    [
        ("MMSE", ["MMSE.csv"], "MMSE.csv"),
        ("MMSCORE", ["MMSE_14Mar2024.csv", "MMSE_DICT.csv"], "MMSE_14Mar2024.csv"),
        ("MMSE", ["All_Subjects_MMSE_01Nov2025.csv"], "All_Subjects_MMSE_01Nov2025.csv"),
        ("MMSE", ["MMSE.csv", "ADNIMERGE_14Mar2024.csv"], "ADNIMERGE_14Mar2024.csv"),
        ("CDR", ["MMSE.csv", "CDR_14Mar2024.csv"], "CDR_14Mar2024.csv"),
        ("FAQ", ["MMSE.csv"], "None"),
        (None, ["MMSE.csv"], "None"),
    ],
)
def test_adnimerge_is_found_or_else_the_scores_own_table(tmp_path, score, names, expected):
    assert found(tmp_path, score, *names) == expected
