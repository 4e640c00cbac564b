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
