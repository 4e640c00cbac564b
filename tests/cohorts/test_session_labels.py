import pandas as pd

from clinimcl.cohorts.session_labels import labelled_days, labelled_months, labels_remark


def test_days_hold_only_where_every_label_is_one():
    assert labelled_days(pd.Series(["d0129", "d10757"])).tolist() == [129, 10757]
    assert labelled_days(pd.Series(["d0129", "d129"])).isna().all()
    assert labelled_days(pd.Series(["d0129", ""])).isna().all()


def test_months_hold_label_by_label():
    months = labelled_months(pd.Series(["M006", "M12", "baseline"]))
    assert months.tolist()[:2] == [182.625, 365.25]
    assert months.isna().tolist() == [False, False, True]


def test_subjects_with_one_session_need_no_remark():
    scans = pd.DataFrame({"subject": ["1"], "session": ["d0129"], "day": [129.0]})
    assert labels_remark(scans, scans["day"]) == ()


def test_subjects_whose_labels_alone_tell_the_time_are_counted_by_convention():
    sessions = ["d0129", "d0345", "M000", "M006", "M000", "M006"]
    labelled = pd.Series([129, 345, 0, 182.625, 0, 182.625])
    day = [129, 345, 0, 182.625, 0, 200]
    scans = pd.DataFrame({"subject": list("112233"), "session": sessions, "day": day})
    assert labels_remark(scans, labelled) == (
        "The sessions of 1 subjects are timed by their labels: M006 is month 6, as Clinica writes it.",
        "The sessions of 1 subjects are timed by their labels: d0129 is day 129, as OASIS-3 writes it.",
    )
