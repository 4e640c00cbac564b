import pandas as pd
import pytest

from clinimcl.cohorts.cells import dates, numbers, sexes
from clinimcl.errors import UserError


def cells(*text: str, name: str = "x") -> pd.Series:
    return pd.Series(text, index=range(2, len(text) + 2), name=name)


def test_missing_numbers_are_written_in_many_ways():
    assert numbers(cells("1.5", "n/a", "", "NaN", "89+"), "t.csv").tolist() == pytest.approx(
        [1.5, float("nan"), float("nan"), float("nan"), 89], nan_ok=True
    )


def test_a_word_is_no_number():
    with pytest.raises(UserError, match=r"t.csv row 3: MMSE must be a number, got many"):
        numbers(cells("1", "many", name="MMSE"), "t.csv")


def test_dates_count_days_with_their_fraction():
    found = dates(cells("1970-01-02", "1970-01-03T12:00:00", "n/a", "1845-01-01T00:00:00Z"), "t.tsv")
    assert found.tolist() == pytest.approx([1, 2.5, float("nan"), -45655], nan_ok=True)


def test_a_day_that_is_not_in_the_calendar_is_refused():
    with pytest.raises(UserError, match=r"scans.csv row 3: session date 2031-02-30 is not a date"):
        dates(cells("2031-02-28", "2031-02-30"), "scans.csv")


def test_sex_is_written_in_many_ways():
    assert sexes(cells("M", "female", "1", "2.0", "man")).tolist() == ["M", "F", "M", "F", "M"]
    assert sexes(cells("O", "")).isna().all()
