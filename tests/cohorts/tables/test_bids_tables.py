from pathlib import Path

import pandas as pd
import pytest

from clinimcl.cohorts.tables.bids_levels import Tables, read_levels
from clinimcl.cohorts.tables.bids_tables import people, with_score
from clinimcl.cohorts.tables.bids_times import days
from clinimcl.cohorts.tables.remarks import Remarks
from clinimcl.errors import UserError
from clinimcl.storage.tree import explore

FILES = {
    "participants.tsv": "participant_id age sex group_score\nsub-01 70 F 1\nsub-02 n/a M 2\n",
    "sub-01/sub-01_sessions.tsv": "session_id acq_time MMSE\nses-x 2020-03-01 n/a\nses-y 2020-01-01T00:00:00 29\n",
    "sub-02/sub-02_sessions.tsv": "session_id acq_time MMSE\nses-x 2019-01-01 20\n",
    "sub-01/ses-x/sub-01_ses-x_scans.tsv": "filename MMSE\nanat/sub-01_ses-x_T1w.nii.gz 25\n",
}


def scans(*sessions: str, subject: str = "01") -> pd.DataFrame:
    files = [f"sub-{subject}/ses-{name}/anat/sub-{subject}_ses-{name}_T1w.nii.gz" for name in sessions]
    return pd.DataFrame({"subject": subject, "session": list(sessions), "file": files})


def levels(root: Path, files: dict[str, str], table: pd.DataFrame | None = None) -> Tables:
    for file, text in files.items():
        (root / file).parent.mkdir(parents=True, exist_ok=True)
        (root / file).write_text(text if file.endswith(".json") else text.replace(" ", "\t"))
    return read_levels(explore(str(root), ""), scans("x", "y") if table is None else table)


def timed(root: Path, header: str, *rows: str) -> list[float]:
    text = "\n".join([f"session_id {header}", *(f"ses-{row}" for row in rows)])
    table = scans(*(row.split()[0] for row in rows))
    return days(levels(root, {"sub-01/sub-01_sessions.tsv": text}, table), table).tolist()


def test_sessions_are_ordered_by_their_date_not_their_label(tmp_path):
    first, second = timed(tmp_path, "acq_time", "01 2020-03-01", "02 2020-01-01")
    assert first - second == 60


def test_the_time_of_day_counts_on_a_true_date(tmp_path):
    text = "participant_id session_id acq_time\nsub-01 ses-1 2020-05-01T06:00:00\nsub-01 ses-2 2020-05-01T18:00:00\n"
    table = pd.concat([scans("1", "2"), scans("1", subject="02")], ignore_index=True)
    found = days(levels(tmp_path, {"sessions.tsv": text + "sub-02 ses-1 2021-03-01T12:00:00\n"}, table), table)
    assert found[1] - found[0] == 0.5


@pytest.mark.parametrize(
    ("day", "other"),
    [("2020-05-01", "2020-05-01"), ("1925-01-01", "2019-03-04"), ("1970-01-01", "2019-03-04")],
)
def test_times_of_day_on_a_stand_in_date_are_no_order(tmp_path, day, other):
    text = f"participant_id session_id acq_time\nsub-01 ses-1 {day}T16:00:00\nsub-01 ses-2 {day}T09:00:00\n"
    table = pd.concat([scans("1", "2"), scans("1", subject="02")], ignore_index=True)
    tables = levels(tmp_path, {"sessions.tsv": f"{text}sub-02 ses-1 {other}T12:00:00\n"}, table)
    with pytest.raises(UserError, match=r"1 of 2 subjects .* nor are times of day on one stand-in date"):
        days(tables, table)
    assert "stand-in date" in tables.remarks.sentences()[0]


def test_a_date_that_several_people_have_alone_is_a_stand_in(tmp_path):
    rows = [f"sub-0{n} ses-{k} 2015-06-01T1{k}:00:00" for n in (1, 2) for k in (1, 2)]
    text = "\n".join(["participant_id session_id acq_time", *rows, "sub-03 ses-1 2019-01-02T10:00:00"])
    people_of = [scans("1", "2", subject=name) for name in ("01", "02")]
    table = pd.concat([*people_of, scans("1", subject="03")], ignore_index=True)
    with pytest.raises(UserError, match=r"2 of 3 subjects"):
        days(levels(tmp_path, {"sessions.tsv": text}, table), table)


def test_people_scanned_twice_on_one_day_keep_the_order_of_the_clock(tmp_path):
    rows = [f"sub-{n} ses-{k} 2015-06-{10 + n // 2}T{17 - 4 * k:02d}:00:00" for n in range(6) for k in (1, 2)]
    text = "\n".join(["participant_id session_id acq_time", *rows])
    table = pd.concat([scans("1", "2", subject=str(n)) for n in range(6)], ignore_index=True)
    found = days(levels(tmp_path, {"sessions.tsv": text}, table), table).to_numpy().reshape(6, 2)
    assert found[:, 0] - found[:, 1] == pytest.approx(4 / 24)


@pytest.mark.parametrize("kept", ["20{}-01-01", "20{}-06-15"])
def test_dates_of_which_the_year_alone_is_kept_give_no_order_within_it(tmp_path, kept):
    rows = [f"sub-{n} ses-{k} {kept.format(10 + n)}T1{k}:00:00" for n in range(4) for k in (1, 2)]
    text = "\n".join(["participant_id session_id acq_time", *rows])
    table = pd.concat([scans("1", "2", subject=str(n)) for n in range(4)], ignore_index=True)
    with pytest.raises(UserError, match=r"4 of 4 subjects"):
        days(levels(tmp_path, {"sessions.tsv": text}, table), table)


def test_dates_of_which_month_and_year_are_kept_give_no_order_within_a_month(tmp_path):
    rows = [f"sub-{n} ses-{k} 2010-{1 + n + k * (n > 0):02d}-01T1{k}:00:00" for n in range(4) for k in (1, 2)]
    text = "\n".join(["participant_id session_id acq_time", *rows])
    table = pd.concat([scans("1", "2", subject=str(n)) for n in range(4)], ignore_index=True)
    with pytest.raises(UserError, match=r"1 of 4 subjects"):
        days(levels(tmp_path, {"sessions.tsv": text}, table), table)


def test_a_stand_in_for_two_of_three_sessions_is_no_order(tmp_path):
    with pytest.raises(UserError, match=r"1 of 1 subjects"):
        timed(tmp_path, "acq_time", "1 2018-01-01T12:00:00", "2 2018-01-01T10:00:00", "3 2019-01-01T10:00:00")


def test_a_date_of_more_people_than_a_scanner_sees_is_a_stand_in(tmp_path):
    rows = [f"sub-{n:02d} ses-{k} 2015-06-{10 + n // 5}T1{k}:00:00" for n in range(15) for k in (1, 2)]
    text = "\n".join(["participant_id session_id acq_time", *rows])
    table = pd.concat([scans("1", "2", subject=f"{n:02d}") for n in range(15)], ignore_index=True)
    with pytest.raises(UserError, match=r"15 of 15 subjects"):
        days(levels(tmp_path, {"sessions.tsv": text}, table), table)


@pytest.mark.parametrize("day", ["1925-01-01", "1970-01-01", "2000-01-01"])
def test_a_stand_in_date_beside_a_true_one_is_no_order(tmp_path, day):
    with pytest.raises(UserError, match=r"1 of 1 subjects"):
        timed(tmp_path, "acq_time", "1 2019-03-04T10:00:00", f"2 {day}T10:00:00")


def test_a_stand_in_date_gives_way_to_the_dates_of_the_next_table(tmp_path):
    files = {
        f"sub-01/ses-{name}/sub-01_ses-{name}_scans.tsv": f"filename acq_time\nanat/sub-01_ses-{name}_T1w.nii.gz "
        f"1925-01-01T{hour}:00:00"
        for name, hour in (("x", 15), ("y", "09"))
    }
    files["sub-01/sub-01_sessions.tsv"] = "session_id acq_time\nses-x 2018-03-01\nses-y 2020-03-01\n"
    first, second = days(levels(tmp_path, files), scans("x", "y"))
    assert second - first == 731


def test_dates_a_lifetime_apart_are_no_order(tmp_path):
    with pytest.raises(UserError, match=r"1 of 1 subjects have several sessions and nothing that orders"):
        timed(tmp_path, "acq_time", "1 1900-01-01", "2 2015-02-03")


def test_days_order_sessions_where_there_is_no_date(tmp_path):
    assert timed(tmp_path, "days_since_entry", "01 40", "02 7") == [40, 7]


def test_days_that_are_no_time_are_no_order(tmp_path):
    assert timed(tmp_path, "days_abstinent age", "01 40 70", "02 7 71") == [70 * 365.25, 71 * 365.25]


@pytest.mark.parametrize(
    "name", ["days_to_surgery", "days_since_last_visit", "days_between_scans", "days_before_visit"]
)
def test_days_toward_something_or_from_visit_to_visit_are_no_order(tmp_path, name):
    with pytest.raises(UserError, match=r"1 of 1 subjects"):
        timed(tmp_path, name, "1 0", "2 180", "3 170")


def test_days_to_visit_order_sessions(tmp_path):
    assert timed(tmp_path, "days_to_visit", "01 40", "02 7") == [40, 7]


def test_age_orders_sessions_where_there_is_nothing_else(tmp_path):
    assert timed(tmp_path, "acq_time age", "01 n/a 71", "02 n/a 70") == [71 * 365.25, 70 * 365.25]


def test_a_date_that_everybody_has_is_none(tmp_path):
    assert timed(tmp_path, "acq_time days", "01 1900-01-01 40", "02 1900-01-01 7") == [40, 7]


def test_scans_tsv_can_give_the_dates(tmp_path):
    files = {
        f"sub-01/ses-{name}/sub-01_ses-{name}_scans.tsv": f"acq_time filename\n{day} anat/sub-01_ses-{name}_T1w.nii.gz"
        for name, day in (("a", "2020-03-01"), ("b", "2020-01-01"))
    }
    first, second = days(levels(tmp_path, files, scans("a", "b")), scans("a", "b"))
    assert first - second == 60


def test_a_session_has_one_day_for_all_its_scans(tmp_path):
    rows = "ses-a/1_T1w.nii 2020-01-01T10:00:00\nses-a/2_T1w.nii 2020-01-01T11:00:00\n"
    files = {"sub-01/sub-01_scans.tsv": f"filename acq_time\n{rows}"}
    two = pd.DataFrame({"subject": "01", "session": "a", "file": ["sub-01/ses-a/1_T1w.nii", "sub-01/ses-a/2_T1w.nii"]})
    assert days(levels(tmp_path, files, two), two).nunique() == 1


@pytest.mark.parametrize("rows", [("01 n/a 70", "02 n/a 70"), ("01 2020-01-01 n/a", "02 n/a n/a")])
def test_sessions_without_an_order_are_refused_with_the_fix(tmp_path, rows):
    with pytest.raises(UserError, match=r"1 of 1 subjects .* sessions.tsv needs a column acq_time .*not an order"):
        timed(tmp_path, "acq_time age", *rows)


def test_a_single_session_needs_no_time(tmp_path):
    assert days(Tables((), Remarks()), scans("01")).tolist() == [0]


def test_the_most_specific_table_that_has_a_value_counts(tmp_path):
    found = with_score(levels(tmp_path, FILES), scans("x", "y"), "MMSE", None)
    assert found["score"].tolist() == [25, 29]
    assert found["higher_is"].tolist() == ["better", "better"]


def test_a_participants_column_is_a_score_of_all_sessions(tmp_path):
    found = with_score(levels(tmp_path, FILES), scans("x", "y"), "group_score", "worse")
    assert found["score"].tolist() == [1, 1]


def test_an_unknown_score_lists_the_columns(tmp_path):
    with pytest.raises(UserError, match=r"cohort.score=ADAS: .*; there are MMSE, acq_time, age, sex, group_score"):
        with_score(levels(tmp_path, FILES), scans("x"), "ADAS", "worse")


def test_the_participants_age_is_that_at_the_first_session(tmp_path):
    told = levels(tmp_path, FILES)
    two = scans("x", "y")
    found = people(told, two.assign(day=days(told, two)), [])
    assert found["age"].tolist() == pytest.approx([70 + 60 / 365.25, 70])
    assert found["sex"].tolist() == ["F", "F"]


def test_the_score_age_is_the_age_at_the_scan(tmp_path):
    told = levels(tmp_path, FILES)
    table = scans("x", "y").assign(age=[70.5, 70.0])
    assert with_score(told, table, "age", "worse")["score"].tolist() == [70.5, 70]


def test_a_participants_table_with_sessions_tells_of_sessions(tmp_path):
    text = "participant_id session_id MMSE\nsub-01 ses-x 28\nsub-01 ses-y 27\n"
    found = with_score(levels(tmp_path, {"participants.tsv": text}), scans("y", "x"), "MMSE", None)
    assert found["score"].tolist() == [27, 28]


def told(root: Path, participants: str, notes: str = "{}") -> tuple[pd.DataFrame, tuple[str, ...]]:
    """age and sex of the scans of sub-01, and the remarks."""
    found = levels(root, {"participants.tsv": participants, "participants.json": notes})
    return people(found, scans("x", "y").assign(day=0.0), []), found.remarks.sentences()


@pytest.mark.parametrize(
    ("notes", "sex"),
    [
        ('{"sex": {"Levels": {"1": "female", "2": "male"}}}', "F"),
        ('{"Sex": {"Levels": {"1": {"Description": "Male (assigned at birth)"}}}}', "M"),
        ('{"sex": {"Levels": {"female": "1", "male": "2"}}}', "F"),
        ("{}", None),
        ('{"sex": {"Levels": {"1": "other", "2": "male"}}}', None),
    ],
)
def test_a_number_is_the_sex_that_levels_say(tmp_path, notes, sex):
    found, _ = told(tmp_path, "participant_id sex\nsub-01 1\n", notes)
    assert found["sex"].where(found["sex"].notna(), None).tolist() == [sex, sex]


def test_levels_are_believed_before_the_letter(tmp_path):
    found, _ = told(tmp_path, "participant_id sex\nsub-01 M\n", '{"sex": {"Levels": {"M": "female"}}}')
    assert found["sex"].tolist() == ["F", "F"]


def test_a_number_without_levels_is_said_to_be_no_sex(tmp_path):
    _, remarks = told(tmp_path, "participant_id sex\nsub-01 2\n")
    assert any(remark.startswith("1 cells of sex in participants.tsv are numbers") for remark in remarks)


@pytest.mark.parametrize(
    ("cell", "note", "age"),
    [
        ("721", '{"Units": "months"}', 721 / 12),
        ("26", '{"Units": "weeks"}', 26 * 7 / 365.25),
        ("731", '{"Description": "Age in months at the scan"}', 731 / 12),
        ("60", '{"Units": "years"}', 60),
        ("60", '{"Units": "n/a"}', 60),
        ("045Y", '{"Units": "months"}', 45),
        ("018M", "{}", 1.5),
    ],
)
def test_ages_are_in_years_whatever_their_unit(tmp_path, cell, note, age):
    found, _ = told(tmp_path, f"participant_id age\nsub-01 {cell}\n", f'{{"age": {note}}}')
    assert found["age"].tolist() == pytest.approx([age, age])


@pytest.mark.parametrize("cell", ["38-40", "89+", ">89", "63,5", "old", "721", "-4"])
def test_what_is_no_age_is_missing_with_a_word(tmp_path, cell):
    found, remarks = told(tmp_path, f"participant_id age\nsub-01 {cell}\n")
    assert found["age"].isna().all()
    assert any("1 ages in participants.tsv" in remark for remark in remarks)


def test_ages_of_an_unknown_unit_are_missing(tmp_path):
    found, remarks = told(tmp_path, "participant_id age\nsub-01 38\n", '{"age": {"Units": "weeks of gestation"}}')
    assert found["age"].isna().all()
    assert "1 ages in participants.tsv have an unknown unit: they count as missing" in remarks


def test_codes_that_levels_call_missing_are_no_scores(tmp_path):
    files = {
        "sub-01/sub-01_sessions.tsv": "session_id FAQ\nses-x -9\nses-y 2\n",
        "sessions.json": '{"FAQ": {"Levels": {"-9": {"Description": "Not collected"}, "0": "no difficulty"}}}',
    }
    tables = levels(tmp_path, files)
    found = with_score(tables, scans("x", "y"), "FAQ", "worse")["score"]
    assert found.isna().tolist() == [True, False]
    assert tables.remarks.sentences() == ("1 cells of FAQ in sessions.tsv mean a missing value, as its JSON says",)


def test_the_nearest_json_counts(tmp_path):
    files = {
        "sessions.json": '{"age": {"Units": "months"}, "sex": {"Levels": {"1": "male"}}}',
        "sub-01/sub-01_sessions.json": '{"age": {"Units": "weeks"}}',
        "sub-02/sub-02_sessions.json": '{"age": {"Units": "days"}}',
        "sub-01/sub-01_sessions.tsv": "session_id age sex\nses-x 1044 1\nses-y 2088 1\n",
    }
    found = people(levels(tmp_path, files), scans("x", "y").assign(day=0.0), [])
    assert found["age"].tolist() == pytest.approx([1044 * 7 / 365.25, 2088 * 7 / 365.25])
    assert found["sex"].tolist() == ["M", "M"]


def test_a_json_that_cannot_be_read_is_refused(tmp_path):
    with pytest.raises(UserError, match=r"participants.json is no JSON .*: mend it or take it away"):
        told(tmp_path, "participant_id age\nsub-01 70\n", '{"age": ')


def test_rows_that_say_the_same_are_one(tmp_path):
    rows = "sub-01 70 n/a\nsub-01 70.0 F\nsub-01 70 F\n"
    found, remarks = told(tmp_path, f"participant_id age sex\n{rows}")
    assert found[["age", "sex"]].to_numpy().tolist() == [[70, "F"], [70, "F"]]
    assert remarks[0].startswith("2 rows of participants.tsv stand there again")


def test_a_row_a_session_is_read_by_its_column_session(tmp_path):
    text = "participant_id session age\nsub-01 x 70\nsub-01 y 72\n"
    found, remarks = told(tmp_path, text)
    assert found["age"].tolist() == [70, 72]
    assert remarks[0] == "2 rows of participants.tsv are of a session each, that of its column session"


def test_labels_find_their_folders_across_leading_zeros_and_case(tmp_path):
    files = {"sessions.tsv": "participant_id session_id MMSE\nsub-1 ses-X 28\nsub-1 ses-y 27\n"}
    tables = levels(tmp_path, files)
    assert with_score(tables, scans("x", "y"), "MMSE", None)["score"].tolist() == [28, 27]
    assert tables.remarks.sentences()[0].startswith("2 rows of sessions.tsv write a label otherwise")


def test_two_spellings_of_one_person_that_contradict_are_refused(tmp_path):
    with pytest.raises(UserError, match=r"lists 1 participants twice, with different values of age"):
        told(tmp_path, "participant_id age\nsub-01 70\nsub-1 60\n")


def test_rows_of_nobody_and_people_in_no_row_are_counted(tmp_path):
    _, remarks = told(tmp_path, "participant_id age\nsub-07 70\nsub-08 60\n")
    assert remarks == (
        "2 rows of participants.tsv name people of which no scan is read",
        "1 of 1 people of the scans are in no row of participants.tsv",
    )


def test_the_time_of_another_image_is_not_looked_at(tmp_path):
    rows = "filename acq_time\nfunc/sub-01_ses-x_bold.nii.gz unclear\nanat/sub-01_ses-x_T1w.nii 2020-01-05\n"
    tables = levels(tmp_path, {"sub-01/ses-x/sub-01_ses-x_scans.tsv": rows}, scans("x"))
    days(tables, scans("x"))
    assert tables.remarks.sentences() == ()


def test_a_wrong_date_on_which_nothing_hangs_is_missing_with_a_word(tmp_path):
    tables = levels(tmp_path, {"sub-01/sub-01_sessions.tsv": "session_id acq_time\nses-x 10:31\n"}, scans("x"))
    assert days(tables, scans("x")).tolist() == [0]
    assert tables.remarks.sentences() == ("1 cells of acq_time in sessions.tsv are no date: they count as missing",)


def test_an_infinite_score_is_missing_with_a_word(tmp_path):
    tables = levels(tmp_path, {"sub-01/sub-01_sessions.tsv": "session_id ratio\nses-x inf\nses-y 2\n"})
    found = with_score(tables, scans("x", "y"), "ratio", "better")["score"]
    assert found.isna().tolist() == [True, False]
    assert tables.remarks.sentences()[0].startswith("1 values of ratio in sessions.tsv are infinite")


def test_a_pointer_for_a_table_says_what_fetches_it(tmp_path):
    (tmp_path / "participants.tsv").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:aa\nsize 9\n")
    with pytest.raises(UserError, match=r"participants.tsv is a pointer of Git LFS.*git lfs pull"):
        levels(tmp_path, {})


def test_a_link_for_a_table_says_what_fetches_it(tmp_path):
    (tmp_path / "participants.tsv").symlink_to(".git/annex/objects/aa/gone")
    with pytest.raises(UserError, match=r"1 of 1 TSV files .* is a link of git-annex.*datalad get"):
        levels(tmp_path, {})


def test_a_subject_listed_twice_is_refused(tmp_path):
    with pytest.raises(UserError, match=r"participants.tsv lists 1 participants twice, with different values of age"):
        levels(tmp_path, {"participants.tsv": "participant_id age\nsub-01 70\nsub-01 71\n"})


def test_a_table_without_its_first_column_is_refused(tmp_path):
    with pytest.raises(UserError, match=r"participants.tsv must have a column participant_id, got subject, age"):
        levels(tmp_path, {"participants.tsv": "subject age\n01 70\n"})


def test_a_wrong_date_is_named_with_its_row(tmp_path):
    with pytest.raises(UserError, match=r"sessions.tsv row 3: session date 2031-02-30 is not a date"):
        timed(tmp_path, "acq_time", "01 2031-01-01", "02 2031-02-30")


def test_other_tables_of_a_subject_are_left_alone(tmp_path):
    files = {
        "sub-01/prescans.tsv": "a b\n1 2\n",
        "old_participants.tsv": "x\n1\n",
        "sub-01/func/x_events.tsv": "a\n1\n",
    }
    assert levels(tmp_path, files).levels == ()
