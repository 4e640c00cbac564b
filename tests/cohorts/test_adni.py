from pathlib import Path

import pandas as pd
import pytest

from clinimcl.cohorts.adni import Adni, list_scans
from clinimcl.cohorts.splits import Splitting
from clinimcl.cohorts.tables.adnimerge import without_codes
from clinimcl.cohorts.visits import AUDIT
from clinimcl.errors import UserError
from clinimcl.storage.tree import explore

FIRST = "ADNI/002_S_0295/MP-RAGE/2006-04-18_08_20_30.0/I13722/ADNI_002_S_0295_MR_MP-RAGE_Br_20070904_S13408_I13722.nii"
SECOND = "ADNI/002_S_0295/MP-RAGE/2006-11-02_08_16_44.0/I40966/ADNI_002_S_0295_MR_MP-RAGE_Br_20070216_S23031_I40966.nii"
OTHER = "ADNI/010_S_0067/IR-SPGR/2005-11-10_10_11_12.0/S9999/ADNI_010_S_0067_MR_IR-SPGR_Br_20060101_S9999_I7777.nii.gz"
MERGE = """RID,PTID,SITE,VISCODE,EXAMDATE,DX_bl,AGE,PTGENDER,APOE4,CDRSB,ADAS13,MMSE,DX,Years_bl,Month
295,002_S_0295,2,bl,2006-04-10,CN,84.8,Male,1,0.0,6,28,CN,0,0
295,002_S_0295,2,m06,11/3/2006,CN,84.8,Male,1,0.5,-4,25,CN to MCI,0.566735,6
67,010_S_0067,10,bl,2005-11-01,LMCI,74.5,Female,0,2.0,12.33,NA,MCI,0,0
67,010_S_0067,10,m06,2006-05-01,LMCI,74.5,Female,0,2.5,12.33,22,Dementia,0.4955,6
"""
COLLECTION = """"Image Data ID","Subject","Group","Sex","Age","Visit","Modality","Description","Type","Acq Date"
"I13722","002_S_0295","CN","M","85","1","MRI","MP-RAGE","Original","4/18/2006"
"7777","010_S_0067","MCI","F","75","1","MRI","IR-SPGR","Original","11/10/2005"
"""


def lay(root: Path, files: dict[str, str]) -> Path:
    for file, text in files.items():
        (root / file).parent.mkdir(parents=True, exist_ok=True)
        (root / file).write_text(text)
    return root


def slices(series: str, image: str, count: int = 3) -> dict[str, str]:
    folder = f"ADNI/002_S_0295/{series}/2006-04-18_08_20_30.0/{image}"
    return {f"{folder}/ADNI_002_S_0295_MR_{series}_br_raw_2007_{n}_S13408_I13722.dcm": "" for n in range(count)}


def cohort(root: Path, files: dict[str, str], **changes: object) -> Adni:
    lay(root, files)
    split = Splitting(by="subject", stratify=[], validation=0.1, test=0.2, seed=0)
    fields = {"score": None, "higher_is": None, "mask": None, "spacing": None, "fold": None, "split": split}
    fields |= {"series": None, "clinical": None, "collection": None, "window_days": 90, "sidecars": False}
    return Adni(**(fields | {"root": str(root)} | changes))  # type: ignore[arg-type]


def study(root: Path, **changes: object) -> Adni:
    return cohort(root, {FIRST: "", SECOND: "", OTHER: "", "ADNIMERGE.csv": MERGE}, **changes)


def test_subject_and_date_come_from_the_folders(tmp_path):
    scan = list_scans(explore(str(lay(tmp_path, {FIRST: ""})), "")).iloc[0]
    assert scan[["subject", "session", "series", "image"]].tolist() == ["002_S_0295", "2006-04-18", "MP-RAGE", "I13722"]


def test_the_image_of_a_series_folder_is_in_the_files_name(tmp_path):
    assert list_scans(explore(str(lay(tmp_path, {OTHER: ""})), ""))["image"].tolist() == ["I7777"]


def test_a_folder_of_slices_is_one_scan(tmp_path):
    scans = list_scans(explore(str(lay(tmp_path, slices("MP-RAGE", "S13408"))), ""))
    assert scans["path"].tolist() == [f"{tmp_path}/ADNI/002_S_0295/MP-RAGE/2006-04-18_08_20_30.0/S13408/"]
    assert scans["image"].tolist() == ["I13722"]


def test_slices_beside_their_volume_are_the_same_scan(tmp_path):
    scans = list_scans(explore(str(lay(tmp_path, {FIRST: ""} | slices("MP-RAGE", "I13722"))), ""))
    assert scans["path"].tolist() == [f"{tmp_path}/{FIRST}"]


def test_a_pair_beside_its_volume_is_the_same_scan(tmp_path):
    stem = FIRST.removesuffix(".nii")
    files = dict.fromkeys([FIRST, f"{stem}.hdr", f"{stem}.img"], "")
    scans = cohort(tmp_path, files).table().scans
    assert scans["path"].tolist() == [f"{tmp_path}/{FIRST}"]
    assert scans["run"].tolist() == [""]


def test_a_folder_named_like_a_scan_is_counted(tmp_path):
    files = {f"{FIRST}/{FIRST.rpartition('/')[2]}": ""}
    with pytest.raises(UserError, match=r"no scans of ADNI below .* 1 folders are named like one"):
        cohort(tmp_path, files).table()
    remarks = cohort(tmp_path, {SECOND: ""}).table().remarks
    assert remarks == ("1 folders are named like scans: nothing is read of them",)


def test_what_lies_beside_the_image_that_bears_the_number_is_no_scan(tmp_path):
    folder = FIRST.rpartition("/")[0]
    reading = cohort(tmp_path, {FIRST: "", f"{folder}/brain.nii": "", SECOND.replace("_I40966", ""): ""}).table()
    assert reading.scans["path"].str.rpartition("/")[2].str.contains("ADNI_").tolist() == [True, True]
    assert reading.remarks[0].startswith("1 volumes lie in an image's folder beside")


def test_days_are_exact(tmp_path):
    assert study(tmp_path).table().scans["day"].tolist() == [0, 198, 0]


def test_scans_of_one_day_are_runs_of_one_session(tmp_path):
    repeat = FIRST.replace("MP-RAGE", "MP-RAGE_REPEAT").replace("08_20_30", "08_31_00").replace("I13722", "I13721")
    scans = cohort(tmp_path, {FIRST: "", repeat: ""}).table().scans
    assert scans["run"].tolist() == ["I13721", "I13722"]
    assert scans["session"].nunique() == 1


def test_series_are_selected_whatever_their_case(tmp_path):
    assert study(tmp_path, series="mp-?r").table().scans["subject"].tolist() == ["002_S_0295"] * 2


def test_scores_are_those_of_the_nearest_visit_that_has_one(tmp_path):
    reading = study(tmp_path, score="MMSE").table()
    assert reading.scans["score"].tolist()[:2] == [28, 25]
    assert reading.scans["score"].isna().tolist() == [False, False, True]
    assert tuple(reading.audit) == AUDIT
    assert reading.audit["gap_days"].tolist()[:2] == [-8, 1]
    assert reading.audit["status"].tolist() == ["matched", "matched", "unmatched"]


@pytest.mark.parametrize(
    ("score", "values", "higher_is"),
    [("CDRSB", [0, 0.5, 2], "worse"), ("mmse", [28, 25, 22], "better"), ("DX", [0, 1, 1], "worse")],
)
def test_each_score_has_its_direction(tmp_path, score, values, higher_is):
    scans = study(tmp_path, score=score, window_days=200).table().scans
    assert scans["score"].tolist() == values
    assert set(scans["higher_is"]) == {higher_is}


def test_minus_four_is_a_missing_score(tmp_path):
    scans = study(tmp_path, score="ADAS13").table().scans
    assert scans["score"].isna().tolist() == [False, True, False]


def test_age_is_that_at_the_scan_and_people_have_sex_and_site(tmp_path):
    scans = study(tmp_path).table().scans
    expected = [84.8 + 8 / 365.25, 84.8 + 206 / 365.25, 74.5 + 9 / 365.25]
    assert scans["age"].tolist() == pytest.approx(expected, abs=1e-4)
    assert scans["sex"].tolist() == ["M", "M", "F"]
    assert scans["site"].tolist() == ["002", "002", "010"]


def test_without_tables_the_site_is_in_the_subjects_name(tmp_path):
    scans = cohort(tmp_path, {OTHER: ""}).table().scans
    assert scans["site"].tolist() == ["010"]
    assert scans[["age", "sex"]].isna().all(axis=None)


def test_a_column_of_the_table_can_stratify(tmp_path):
    split = Splitting(by="subject", stratify=["APOE4"], validation=0.1, test=0.2, seed=0)
    assert study(tmp_path, split=split).table().scans["APOE4"].tolist() == ["1", "1", "0"]


def test_a_collection_selects_its_images_and_tells_age_and_sex(tmp_path):
    (tmp_path / "mine.csv").write_text(COLLECTION)
    files = {FIRST: "", SECOND: "", OTHER: ""}
    scans = cohort(tmp_path / "images", files, collection=str(tmp_path / "mine.csv")).table().scans
    assert scans[["subject", "age", "sex"]].to_numpy().tolist() == [["002_S_0295", 85, "M"], ["010_S_0067", 75, "F"]]


def test_a_table_of_any_date_beside_the_root_is_found(tmp_path):
    (tmp_path / "ADNIMERGE_14Mar2024.csv").write_text(MERGE)
    (tmp_path / "ADNIMERGE_DICT_14Mar2024.csv").write_text("FLDNAME,TEXT\n")
    scans = cohort(tmp_path / "images", {FIRST: ""}, score="MMSE").table().scans
    assert scans["score"].tolist() == [28]


def test_two_tables_are_a_question(tmp_path):
    with pytest.raises(UserError, match=r"2 tables could be meant by cohort.clinical.*name the one to read"):
        cohort(tmp_path, {FIRST: "", "ADNIMERGE.csv": MERGE, "ADNIMERGE_1.csv": MERGE}, score="MMSE").table()


def test_a_score_needs_adnimerge(tmp_path):
    with pytest.raises(UserError, match=r"cohort.score=MMSE needs ADNIMERGE.*cohort.clinical=FILE"):
        cohort(tmp_path, {FIRST: ""}, score="MMSE").table()


def test_an_unknown_score_lists_the_columns(tmp_path):
    with pytest.raises(UserError, match=r"cohort.score=MOCA: no such column in .*there are RID, .*MMSE"):
        study(tmp_path, score="MOCA").table()


def test_an_empty_root_says_what_was_looked_for(tmp_path):
    with pytest.raises(UserError, match=r"no scans of ADNI below .*002_S_0295/MP-RAGE.*clinimcl.phantom layout=adni"):
        cohort(tmp_path, {"a.nii": ""}).table()


def test_a_selection_that_finds_nothing_is_named(tmp_path):
    with pytest.raises(UserError, match=r"no scans of ADNI of a series that contains flair \(cohort.series\)"):
        study(tmp_path, series="flair").table()


def test_a_pattern_that_is_none_is_refused(tmp_path):
    with pytest.raises(UserError, match=r"cohort.series=\[ is not a regular expression"):
        study(tmp_path, series="[")


def test_a_collection_of_other_images_is_refused(tmp_path):
    (tmp_path / "mine.csv").write_text(COLLECTION.replace("I13722", "I1").replace("7777", "2"))
    with pytest.raises(UserError, match=r"none of its 2 images lies below cohort.root"):
        study(tmp_path / "images", collection=str(tmp_path / "mine.csv")).table()


def test_another_csv_is_no_collection_and_no_adnimerge(tmp_path):
    (tmp_path / "mine.csv").write_text("a,b\n1,2\n")
    with pytest.raises(UserError, match=r"must be the CSV of a LONI download, with a column Image Data ID"):
        study(tmp_path / "images", collection=str(tmp_path / "mine.csv")).table()
    with pytest.raises(UserError, match=r"is no ADNIMERGE .*no column PTID or RID; there are a, b"):
        study(tmp_path / "images", clinical=str(tmp_path / "mine.csv")).table()


def test_an_impossible_date_is_named_with_its_row(tmp_path):
    files = {FIRST: "", "ADNIMERGE.csv": MERGE.replace("11/3/2006", "13/3/2006")}
    with pytest.raises(UserError, match=r"ADNIMERGE.csv row 3: EXAMDATE must be a date, .*, got 13/3/2006"):
        cohort(tmp_path, files, score="MMSE").table()


def test_the_table_of_mmse_alone_is_enough(tmp_path):
    table = "RID,VISDATE,MMSCORE\n295,2006-04-10,28\n295,2006-11-03,-4\n67,2005-11-01,24\n"
    files = {FIRST: "", SECOND: "", OTHER: "", "MMSE_14Mar2024.csv": table}
    reading = cohort(tmp_path, files, score="MMSE").table()
    assert reading.scans["score"].fillna(0).tolist() == [28, 0, 24]
    assert reading.scans["site"].tolist() == ["002", "002", "010"]
    assert any("tell no age" in remark for remark in reading.remarks)


def test_a_corrected_copy_is_no_run_of_its_original(tmp_path):
    copy = FIRST.replace("MP-RAGE", "MPR__GradWarp__B1_Correction__N3").replace("I13722", "I45107")
    scans = cohort(tmp_path, {FIRST: "", copy: ""}).table().scans
    assert scans["path"].tolist() == [f"{tmp_path}/{FIRST}"]
    assert scans["run"].tolist() == [""]


def test_a_collection_of_corrected_copies_takes_them(tmp_path):
    copy = FIRST.replace("MP-RAGE", "MPR__GradWarp__B1_Correction__N3").replace("I13722", "I45107")
    (tmp_path / "mine.csv").write_text(COLLECTION.replace("I13722", "I45107"))
    files = {FIRST: "", copy: ""}
    scans = cohort(tmp_path / "images", files, collection=str(tmp_path / "mine.csv")).table().scans
    assert scans["path"].str.contains("I45107").tolist() == [True]


def test_a_selection_that_finds_nothing_names_the_series_there_are(tmp_path):
    with pytest.raises(UserError, match=r"flair \(cohort.series\); there are MP-RAGE \(2\), IR-SPGR \(1\) below"):
        study(tmp_path, series="flair").table()


@pytest.mark.parametrize(
    ("cells", "found", "count"),
    [
        (["-4", "-1", "3", "-4.0"], ["", "", "3", ""], 3),
        (["-4", "-1", "-0.7", "3"], ["-4", "-1", "-0.7", "3"], 0),
        (["-3", "-1", "2"], ["-3", "-1", "2"], 0),
        (["14", "-41", ""], ["14", "-41", ""], 0),
        (["-9", "-4", "3"], ["", "", "3"], 2),
        (["-8", "-7", "-2", "-1.0", "3"], ["", "", "", "", "3"], 4),
        (["-99", "-888", "-4", "3"], ["", "", "", "3"], 3),
        (["-999", "-0.4", "-1", "3"], ["", "-0.4", "-1", "3"], 1),
    ],
)
def test_codes_of_missing_values_are_missing_where_no_value_is_negative(cells, found, count):
    assert (without_codes(pd.Series(cells))[0].tolist(), without_codes(pd.Series(cells))[1]) == (found, count)


def test_a_difference_of_whole_numbers_has_no_codes():
    text = pd.Series(["-1", "-2", "5"], name="RAVLT_learning")
    assert without_codes(text).text.tolist() == ["-1", "-2", "5"]


def test_other_codes_than_adnis_are_said(tmp_path):
    files = {FIRST: "", OTHER: "", "ADNIMERGE.csv": MERGE.replace(",6,28", ",-9,28")}
    reading = cohort(tmp_path, files, score="ADAS13").table()
    assert reading.scans["score"].fillna(0).tolist() == [0, 12.33]
    assert any("2 values of ADAS13 in ADNIMERGE.csv are -9 or -4, codes" in text for text in reading.remarks)


def test_negative_values_like_codes_are_said(tmp_path):
    merge = MERGE.replace("ADAS13", "mPACC").replace("12.33", "-0.3").replace(",6,", ",1,")
    reading = cohort(tmp_path, {FIRST: "", "ADNIMERGE.csv": merge}, score="mPACC", higher_is="better").table()
    assert any("1 values of mPACC in ADNIMERGE.csv are such as -4 or -1, and count" in text for text in reading.remarks)


def test_a_sex_that_is_none_is_counted(tmp_path):
    (tmp_path / "list.csv").write_text(COLLECTION.replace('"M"', '"X"').replace('"85"', '"90+"'))
    files = {FIRST: "", OTHER: ""}
    remarks = cohort(tmp_path / "data", files, collection=str(tmp_path / "list.csv")).table().remarks
    assert [remark.partition(" in the CSV of the download")[0] for remark in remarks] == ["1 ages", "1 cells of Sex"]
    merge = cohort(tmp_path / "more", files | {"ADNIMERGE.csv": MERGE.replace("Female", "2")}).table().remarks
    assert merge[0].startswith("2 cells of PTGENDER in ADNIMERGE.csv are numbers")


def test_a_download_that_lies_there_twice_is_read_once_and_said(tmp_path):
    found = cohort(tmp_path, {f"raw/{FIRST}": "", f"raw/{SECOND}": "", f"brain/{FIRST}": ""}).table()
    assert found.scans["path"].tolist() == [f"{tmp_path}/raw/{FIRST}", f"{tmp_path}/raw/{SECOND}"]
    assert found.remarks[0].startswith("1 scans lie below cohort.root a second time")


def test_people_without_visits_and_visits_of_nobody_are_counted(tmp_path):
    stranger = FIRST.replace("002_S_0295", "003_S_0001")
    remarks = cohort(tmp_path, {FIRST: "", stranger: "", "ADNIMERGE.csv": MERGE}).table().remarks
    assert "1 of 2 people with scans are in no row of ADNIMERGE.csv" in remarks
    assert "2 rows of ADNIMERGE.csv are of people of whom no scan is read" in remarks


def test_visits_without_a_day_are_counted(tmp_path):
    remarks = cohort(tmp_path, {FIRST: "", "ADNIMERGE.csv": MERGE.replace("11/3/2006", "")}).table().remarks
    assert "1 visits of scanned people in ADNIMERGE.csv have no date: they are left out" in remarks


def test_images_beside_a_collection_are_counted(tmp_path):
    (tmp_path / "mine.csv").write_text(COLLECTION)
    root = tmp_path / "images"
    remarks = cohort(root, {FIRST: "", SECOND: ""}, collection=str(tmp_path / "mine.csv")).table().remarks
    where = "the CSV of the download (cohort.collection)"
    assert f"1 images are not in {where}: they are left out" in remarks
    assert f"1 images in {where} do not lie below cohort.root" in remarks


@pytest.mark.parametrize("age", ["inf", "89+"])
def test_an_age_that_is_none_is_missing_with_a_word(tmp_path, age):
    merge = MERGE.replace("CN,84.8", f"CN,{age}")
    reading = cohort(tmp_path, {FIRST: "", OTHER: "", "ADNIMERGE.csv": merge}).table()
    assert reading.scans["age"].isna().tolist() == [True, False]
    assert any("ages in ADNIMERGE.csv" in remark and "missing" in remark for remark in reading.remarks)
