from pathlib import Path

import pandas as pd
import pytest

from clinimcl.cohorts.bids_tables import days, people, read_levels, with_score
from clinimcl.cohorts.tree import explore
from clinimcl.errors import UserError

FILES = {
    "participants.tsv": "participant_id age sex group_score\nsub-01 70 F 1\nsub-02 n/a M 2\n",
    "sub-01/sub-01_sessions.tsv": "session_id acq_time MMSE\nses-x 2020-03-01 n/a\nses-y 2020-01-01T00:00:00 29\n",
    "sub-02/sub-02_sessions.tsv": "session_id acq_time MMSE\nses-x 2019-01-01 20\n",
    "sub-01/ses-x/sub-01_ses-x_scans.tsv": "filename MMSE\nanat/sub-01_ses-x_T1w.nii.gz 25\n",
}


def levels(root: Path, files: dict[str, str]):
    for file, text in files.items():
        (root / file).parent.mkdir(parents=True, exist_ok=True)
        (root / file).write_text(text.replace(" ", "\t"))
    return read_levels(explore(str(root), ""))


def scans(*sessions: str, subject: str = "01") -> pd.DataFrame:
    files = [f"sub-{subject}/ses-{name}/anat/sub-{subject}_ses-{name}_T1w.nii.gz" for name in sessions]
    return pd.DataFrame({"subject": subject, "session": list(sessions), "file": files})


def timed(root: Path, header: str, *rows: str) -> list[float]:
    text = "\n".join([f"session_id {header}", *(f"ses-{row}" for row in rows)])
    return days(levels(root, {"sub-01/sub-01_sessions.tsv": text}), scans(*(row.split()[0] for row in rows))).tolist()


def test_sessions_are_ordered_by_their_date_not_their_label(tmp_path):
    first, second = timed(tmp_path, "acq_time", "01 2020-03-01", "02 2020-01-01")
    assert first - second == 60


def test_the_time_of_day_counts(tmp_path):
    morning, evening = timed(tmp_path, "acq_time", "1 2020-01-01T06:00:00", "2 2020-01-01T18:00:00")
    assert evening - morning == 0.5


def test_days_order_sessions_where_there_is_no_date(tmp_path):
    assert timed(tmp_path, "days_since_entry", "01 40", "02 7") == [40, 7]


def test_age_orders_sessions_where_there_is_nothing_else(tmp_path):
    assert timed(tmp_path, "acq_time age", "01 n/a 71", "02 n/a 70") == [71 * 365.25, 70 * 365.25]


def test_a_date_that_everybody_has_is_none(tmp_path):
    assert timed(tmp_path, "acq_time days", "01 1900-01-01 40", "02 1900-01-01 7") == [40, 7]


def test_scans_tsv_can_give_the_dates(tmp_path):
    files = {
        f"sub-01/ses-{name}/sub-01_ses-{name}_scans.tsv": f"acq_time filename\n{day} anat/sub-01_ses-{name}_T1w.nii.gz"
        for name, day in (("a", "2020-03-01"), ("b", "2020-01-01"))
    }
    first, second = days(levels(tmp_path, files), scans("a", "b"))
    assert first - second == 60


def test_a_session_has_one_day_for_all_its_scans(tmp_path):
    rows = "ses-a/1_T1w.nii 2020-01-01T10:00:00\nses-a/2_T1w.nii 2020-01-01T11:00:00\n"
    files = {"sub-01/sub-01_scans.tsv": f"filename acq_time\n{rows}"}
    two = pd.DataFrame({"subject": "01", "session": "a", "file": ["sub-01/ses-a/1_T1w.nii", "sub-01/ses-a/2_T1w.nii"]})
    assert days(levels(tmp_path, files), two).nunique() == 1


@pytest.mark.parametrize("rows", [("01 n/a 70", "02 n/a 70"), ("01 2020-01-01 n/a", "02 n/a n/a")])
def test_sessions_without_an_order_are_refused_with_the_fix(tmp_path, rows):
    with pytest.raises(UserError, match=r"1 of 1 subjects .* sessions.tsv needs a column acq_time .*not an order"):
        timed(tmp_path, "acq_time age", *rows)


def test_a_single_session_needs_no_time(tmp_path):
    assert days([], scans("01")).tolist() == [0]


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


def test_a_subject_listed_twice_is_refused(tmp_path):
    with pytest.raises(UserError, match=r"participants.tsv lists 1 participants twice"):
        levels(tmp_path, {"participants.tsv": "participant_id age\nsub-01 70\nsub-01 71\n"})


def test_a_table_without_its_first_column_is_refused(tmp_path):
    with pytest.raises(UserError, match=r"participants.tsv must have a column participant_id, got subject, age"):
        levels(tmp_path, {"participants.tsv": "subject age\n01 70\n"})


def test_a_wrong_date_is_named_with_its_row(tmp_path):
    with pytest.raises(UserError, match=r"sessions.tsv row 3: session date 2031-02-30 is not a date"):
        timed(tmp_path, "acq_time", "01 2031-01-01", "02 2031-02-30")
