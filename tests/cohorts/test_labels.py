import pandas as pd
import pytest

from clinimcl.cohorts.labels import name_of, refuse_two_names, spelled
from clinimcl.errors import UserError


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("01", "1"),
        ("P001", "p1"),
        ("sub-07", "7"),
        ("12.0", "12"),
        ("A  1", "A 1"),
        ("P 01", "P01"),
        ("sub- 7", "7"),
        ("1 a b", "1AB"),
        ("01_007", "1_7"),
        ("e\u0301", "\u00e9"),
    ],
)
def test_spellings_of_one_name_are_one(one, other):
    assert name_of(one) == name_of(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [("10", "1"), ("1.05", "1.5"), ("A1", "B1"), ("100", "1"), ("0", ""), ("1 2", "12"), ("A 1 2", "A 12")],
)
def test_other_names_stay_apart(one, other):
    assert name_of(one) != name_of(other)


def test_a_label_is_spelled_as_the_known_one_that_alone_can_be_meant():
    found = spelled(pd.Series(["1", "2", "02", "3"]), ["01", "02", "2"])
    assert found.tolist() == ["01", "2", "02", "3"]


def test_a_session_of_two_names_is_refused():
    scans = pd.DataFrame({"subject": ["A", "A", "B"], "session": ["V1", "v1", "V01"]})
    with pytest.raises(UserError, match=r"1 session goes by two names: .* write each in one way"):
        refuse_two_names(scans)


def test_people_and_sessions_of_one_name_each_are_left_alone():
    assert refuse_two_names(pd.DataFrame({"subject": ["1", "1", "2"], "session": ["1", "2", "1"]})) is None
