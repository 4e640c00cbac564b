import pandas as pd
import pytest

from clinimcl.cohorts.tables.parsing import ages, dates, measures, names_each, numbers, sexes
from clinimcl.cohorts.tables.remarks import Remarks
from clinimcl.errors import UserError


def cells(*text: str, name: str = "x") -> pd.Series:
    return pd.Series(text, index=range(2, len(text) + 2), name=name)


def test_missing_numbers_are_written_in_many_ways():
    assert numbers(cells("1.5", "-3e1", ".5"), "t.csv").tolist() == [1.5, -30, 0.5]
    assert numbers(cells("n/a", "", "NaN", "-", "unknown"), "t.csv").isna().all()


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
    assert sexes(cells("M", "female", "man", "f")).tolist() == ["M", "F", "M", "F"]
    assert sexes(cells("O", "", "1", "2", "0")).isna().all()


@pytest.mark.parametrize("man", ["H", "V"])
def test_m_beside_h_or_v_may_be_a_woman(man):
    remarks = Remarks()
    assert sexes(cells("M", man, name="sex"), "t.csv", remarks).isna().all()
    assert remarks.sentences()[0].startswith("1 cells of sex in t.csv are M beside H or V")
    assert sexes(cells("M", man, "F")).fillna("").tolist() == ["M", "", "F"]


def test_m_beside_w_is_a_man():
    assert sexes(cells("m", "w")).tolist() == ["M", "F"]


def test_a_number_is_a_sex_by_its_codes():
    assert sexes(cells("1", "2.0", "F"), codes={"1": "F", "2": "M"}).tolist() == ["F", "M", "F"]


@pytest.mark.parametrize("cell", ["inf", "-Infinity", "1e999", "89+", "27,5", "0x1f", "1_0"])
def test_what_is_no_finite_number_is_refused(cell):
    with pytest.raises(UserError, match=r"t.csv row 2: x must be a number, got "):
        numbers(cells(cell), "t.csv")


def test_infinite_scores_are_missing_and_counted():
    remarks = Remarks()
    found = measures(cells("1", "inf", "-INF", "#DIV/0!", "1e999"), "t.csv", remarks)
    assert found.isna().tolist() == [False, True, True, True, True]
    assert remarks.sentences()[0].startswith("4 values of x in t.csv are infinite or undefined")


@pytest.mark.parametrize("cell", ["0129", "2021", "2021-03", "2021-W05-1", "2021/03/01", "03.04.2021", "44562"])
def test_what_is_no_whole_date_is_refused(cell):
    with pytest.raises(UserError, match=r"t.csv row 2: session date .* is not a date; write YYYY-MM-DD"):
        dates(cells(cell), "t.csv")


def test_a_date_may_stand_without_dashes():
    assert dates(cells("19700102", "1970-01-02 12:00"), "t.csv").tolist() == [1, 1.5]


def test_a_few_impossible_ages_are_missing_and_a_column_of_them_has_another_unit():
    few, many = Remarks(), Remarks()
    assert ages(cells(*["60"] * 40, "999"), "t.csv", few).isna().sum() == 1
    assert ages(cells(*["60"] * 10, "700", "710"), "t.csv", many).isna().all()
    assert few.sentences() == ("1 ages in t.csv lie outside 0 to 120 years: they count as missing",)
    assert many.sentences()[0].startswith("12 ages in t.csv count as missing: many of them are no age")


def test_words_of_which_each_subject_has_one_name_it_and_numbers_do_not():
    subject = pd.Series(["a", "a", "b", "c"])
    assert names_each(subject, pd.Series(["x", "x", "y", "z"]))
    assert not names_each(subject, pd.Series(["x", "x", "y", "y"]))
    assert not names_each(subject, pd.Series(["1", "1", "2", "3"]))
