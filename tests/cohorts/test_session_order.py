import pandas as pd

from clinimcl.cohorts.session_order import Times, session_days

NAN = float("nan")


def days(*sources: Times, subjects: str = "AAB", sessions: str = "121") -> list[float]:
    scans = pd.DataFrame({"subject": list(subjects), "session": list(sessions)})
    return session_days(scans, sources).fillna(-1).tolist()


def times(*values: float, may_tie: bool = False) -> Times:
    return Times(pd.Series(values), may_tie)


def test_the_first_source_that_times_all_sessions_of_a_subject_counts():
    assert days(times(5, NAN, 7), times(1, 3, 9)) == [1, 3, 7]


def test_a_source_that_tells_apart_goes_before_one_that_ties():
    assert days(times(5, 5, 7, may_tie=True), times(1, 3, 9)) == [1, 3, 7]
    assert days(times(5, 5, 7, may_tie=True), times(1, NAN, 9)) == [5, 5, 7]


def test_ties_order_nothing_where_they_may_not_be():
    assert days(times(5, 5, 7)) == [-1, -1, 7]


def test_one_session_needs_no_time_and_several_do():
    assert days(times(NAN, NAN, NAN)) == [-1, -1, 0]


def test_a_session_is_as_early_as_its_first_scan():
    assert days(times(9, 5, 7), subjects="AAA", sessions="112") == [5, 5, 7]
