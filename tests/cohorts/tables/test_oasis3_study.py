from pathlib import Path

import pytest

from clinimcl.cohorts.oasis3_tensors import Oasis3Tensors
from clinimcl.cohorts.splits import Splitting
from clinimcl.cohorts.visits import AUDIT
from clinimcl.errors import UserError

CURRENT = """OASISID,OASIS_session_label,days_to_visit,age at visit,MMSE,CDRSUM,CDRTOT,dx1
OAS30001,OAS30001_UDSb4_d0000,0,65.1,28,0,0,Cognitively normal
OAS30001,OAS30001_UDSb4_d0339,"0339",66.0,29,0.5,0.5,AD Dementia
OAS30002,OAS30002_UDSb4_d0130,0130,71.2,12,9,2,AD Dementia
"""
OLDER = """ADRC_ADRCCLINICALDATA ID,Subject,mmse,ageAtEntry,cdr,sumbox,dx1
OAS30001_ClinicalData_d0000,OAS30001,28,65.1,0,0,Cognitively normal
OAS30001_ClinicalData_d0339,OAS30001,29,65.1,0.5,0.5,AD Dementia
OAS30002_ClinicalData_d0130,OAS30002,12,71,2,9,AD Dementia
"""


def study(root: Path, files: dict[str, str], **changes: object) -> Oasis3Tensors:
    for name in ("OAS30001_d0129", "OAS30001_d0345", "OAS30002_d0140"):
        files = files | {f"{name}.pt": ""}
    for file, text in files.items():
        (root / file).parent.mkdir(parents=True, exist_ok=True)
        (root / file).write_text(text)
    split = Splitting(by="subject", stratify=[], validation=0.1, test=0.2, seed=0)
    fields = {"score": "MMSE", "higher_is": None, "mask": None, "spacing": None, "fold": None, "split": split}
    fields |= {"clinical": None, "demographics": None, "window_days": 365}
    return Oasis3Tensors(**(fields | {"root": str(root)} | changes))  # type: ignore[arg-type]


@pytest.mark.parametrize(("file", "text"), [("OASIS3_UDSb4_cdr.csv", CURRENT), ("ADRC_clinical_data.csv", OLDER)])
@pytest.mark.parametrize(
    ("score", "name", "values", "higher_is"),
    [
        ("MMSE", "MMSE", [28, 29, 12], "better"),
        ("CDRSUM", "CDRSUM", [0, 0.5, 9], "worse"),
        ("cdr", "CDRTOT", [0, 0.5, 2], "worse"),
    ],
)
def test_both_exports_give_the_same_scores(tmp_path, file, text, score, name, values, higher_is):
    scans = study(tmp_path, {file: text}, score=score).table().scans
    assert scans["score"].tolist() == values
    assert set(scans["score_name"]) == {name}
    assert set(scans["higher_is"]) == {higher_is}


def test_the_audit_tells_of_every_scan(tmp_path):
    audit = study(tmp_path, {"OASIS3_UDSb4_cdr.csv": CURRENT}).table().audit
    assert tuple(audit) == AUDIT
    assert audit["gap_days"].tolist() == [-129, -6, -10]


def test_without_a_score_no_clinical_table_is_needed(tmp_path):
    reading = study(tmp_path, {}, score=None).table()
    assert reading.scans["score"].isna().all()
    assert reading.audit.empty


def test_age_is_that_at_the_scan_and_sex_is_spelled_out(tmp_path):
    people = "OASISID,AgeatEntry,GENDER\nOAS30001,65.5,1\nOAS30002,70,2\n"
    scans = study(tmp_path, {"OASIS3_demographics.csv": people}, score=None).table().scans
    assert scans["age"].tolist() == pytest.approx([65.5 + 129 / 365.25, 65.5 + 345 / 365.25, 70 + 140 / 365.25])
    assert scans["sex"].tolist() == ["M", "M", "F"]


def test_demographics_can_stratify(tmp_path):
    people = "OASISID,AgeatEntry,GENDER,APOE\nOAS30001,65.5,1,33\nOAS30002,70,2,34\n"
    split = Splitting(by="subject", stratify=["APOE"], validation=0.1, test=0.2, seed=0)
    scans = study(tmp_path, {"OASIS3_demographics.csv": people}, score=None, split=split).table().scans
    assert scans["APOE"].tolist() == ["33", "33", "34"]


def test_tables_beside_the_root_are_found(tmp_path):
    (tmp_path / "OASIS3_UDSb4_cdr.csv").write_text(CURRENT)
    assert study(tmp_path / "tensors", {}).table().scans["score"].notna().all()


def test_a_table_can_be_named(tmp_path):
    (tmp_path / "mine.csv").write_text(OLDER)
    scans = study(tmp_path / "tensors", {}, clinical=str(tmp_path / "mine.csv")).table().scans
    assert scans["score"].tolist() == [28, 29, 12]


def test_no_clinical_table_is_a_sentence(tmp_path):
    with pytest.raises(UserError, match=r"cohort.score=MMSE needs the clinical table.*cohort.clinical=FILE"):
        study(tmp_path, {}).table()


def test_two_clinical_tables_are_a_question(tmp_path):
    with pytest.raises(UserError, match=r"2 tables could be meant by cohort.clinical"):
        study(tmp_path, {"a_UDSb4.csv": CURRENT, "b_UDSb4.csv": CURRENT}).table()


def test_an_unknown_score_lists_the_columns(tmp_path):
    with pytest.raises(UserError, match=r"cohort.score=ADAS13: no such column in .*; there are OASISID, .*MMSE"):
        study(tmp_path, {"OASIS3_UDSb4_cdr.csv": CURRENT}, score="ADAS13").table()


def test_a_score_without_known_direction_asks_for_it(tmp_path):
    files = {"OASIS3_UDSb4_cdr.csv": CURRENT.replace("age at visit", "memory")}
    with pytest.raises(UserError, match=r"cohort.higher_is=better"):
        study(tmp_path, files, score="memory").table()
    assert study(tmp_path, files, score="memory", higher_is="worse").table().scans["score"].tolist() == [65.1, 66, 71.2]


def test_a_word_among_the_scores_is_named_with_its_row(tmp_path):
    with pytest.raises(UserError, match=r"UDSb4_cdr.csv row 3: dx1 must be a number|row 2: dx1 must be a number"):
        study(tmp_path, {"OASIS3_UDSb4_cdr.csv": CURRENT}, score="dx1", higher_is="worse").table()


def test_a_visit_without_a_day_is_named_with_its_row(tmp_path):
    with pytest.raises(UserError, match=r"row 4: days_to_visit must be a number, got nothing"):
        study(tmp_path, {"OASIS3_UDSb4_cdr.csv": CURRENT.replace(",0130,", ",,")}).table()


def test_a_visit_without_the_score_does_not_hide_the_next_nearest(tmp_path):
    text = CURRENT + "OAS30002,OAS30002_UDSb4_d0141,0141,71,,9,2,AD Dementia\n"
    assert study(tmp_path, {"OASIS3_UDSb4_cdr.csv": text}).table().scans["score"].tolist() == [28, 29, 12]


def test_scores_that_reach_no_scan_stop_the_run(tmp_path):
    with pytest.raises(UserError, match=r"none of the 3 scans has a value"):
        study(tmp_path, {"OASIS3_UDSb4_cdr.csv": CURRENT.replace("OAS3", "X")}).table()


def test_infinite_scores_and_ages_that_are_no_number_are_missing_and_counted(tmp_path):
    people = "OASISID,AgeatEntry,GENDER\nOAS30001,89+,3\nOAS30002,71,2\n"
    files = {"OASIS3_UDSb4_cdr.csv": CURRENT.replace(",28,", ",inf,"), "OASIS3_demographics.csv": people}
    found = study(tmp_path, files).table()
    assert found.scans["score"].tolist() == [29, 29, 12]
    assert found.scans["age"].isna().tolist() == [True, True, False]
    assert len(found.remarks) == 3


def test_people_without_rows_are_counted_in_both_tables(tmp_path):
    clinical = CURRENT.replace("OAS30002", "OAS30003")
    people = "OASISID,AgeatEntry\nOAS30001,65\nOAS30001,66\n"
    remarks = study(tmp_path, {"OASIS3_UDSb4_cdr.csv": clinical, "OASIS3_demographics.csv": people}).table().remarks
    assert remarks == (
        "1 rows of OASIS-3's demographics differ from an earlier row of the same person: they are left out",
        "1 of 2 people with scans are in no row of OASIS-3's demographics",
        "1 of 2 people with scans are in no row of OASIS-3's clinical table",
        "1 rows of OASIS-3's clinical table are of people of whom no scan is read",
    )
