import numpy as np
import pandas as pd
import pytest

from clinimcl.evaluation.review.people import (
    OTHERS,
    categorical_difference,
    cell,
    people_rows,
    people_table,
    standardised_difference,
)


def scans() -> pd.DataFrame:
    """Subjects a to f with two sessions each, a year apart; age of c is known at the second alone, of d never."""
    rows = []
    for number, subject in enumerate("abcdef"):
        for visit in range(2):
            age = {"c": (np.nan, 70.0)[visit], "d": np.nan}.get(subject, 60.0 + number + visit)
            rows.append((subject, f"M{visit}", 365.25 * visit, f"{subject}{visit}", age, 20.0 + number))
    table = pd.DataFrame(rows, columns=["subject", "session", "day", "path", "age", "score"])
    split = {"a": "train", "b": "train", "c": "validation", "d": "validation", "e": "test", "f": "test"}
    sex = {"a": "F", "b": "M", "e": "F", "f": "F"}
    return table.assign(
        score_name="MMSE",
        split=table["subject"].map(split),
        sex=table["subject"].map(sex),
        site="01",
        scanner=pd.Series(np.nan, index=table.index, dtype=object),
    )


def row(table: pd.DataFrame, variable: str, split: str, level: str = "") -> pd.Series:
    own = table["variable"].str.startswith(variable) & (table["split"] == split) & (table["level"] == level)
    return table[own].iloc[0]


def test_a_subject_counts_once_as_at_the_first_scan_where_the_value_is_known():
    table = people_table(scans())
    assert row(table, "age", "train")["mean"] == 60.5
    assert row(table, "age", "validation")[["subjects", "missing", "mean"]].tolist() == [2, 1, 70.0]
    assert row(table, "years from", "all")["median"] == 1.0


def test_shares_are_of_those_whose_level_is_known():
    table = people_table(scans())
    assert row(table, "sex", "all", "F")[["count", "missing", "share"]].tolist() == [3, 2, 0.75]


def test_a_column_that_nobody_has_is_left_out():
    assert "scanner" not in set(people_table(scans())["variable"])


def test_rare_sites_are_counted_together():
    table = scans().assign(site=[f"site {number}" for number in range(12)])
    many = pd.concat([table.assign(subject=table["subject"] + str(copy)) for copy in range(6)])
    many["site"] = [f"site {number // 4}" for number in range(len(many))]  # each of two subjects
    levels = people_table(many).query("variable == 'site'")["level"]
    assert levels.nunique() == 12 and OTHERS in set(levels)


def test_a_level_of_one_subject_is_not_named():
    named = scans().assign(site=lambda own: own["subject"])
    levels = people_table(named).query("variable == 'site'")["level"]
    assert set(levels) == {"all others"}


def test_the_standardised_difference_is_in_pooled_deviations():
    train, test = np.array([1.0, 2.0, 3.0]), np.array([3.0, 4.0, 5.0])
    assert standardised_difference(train, test) == 2.0
    assert np.isnan(standardised_difference(train, np.array([1.0])))


@pytest.mark.parametrize(("one", "other"), [(0.5, 0.3), (0.2, 0.9)])
def test_of_two_levels_the_difference_is_that_of_a_share(one, other):
    expected = abs(one - other) / np.sqrt((one * (1 - one) + other * (1 - other)) / 2)
    found = categorical_difference(np.array([1 - one, one]), np.array([1 - other, other]))
    assert found == pytest.approx(expected)


def test_the_difference_of_three_levels_does_not_hang_on_their_order():
    train, test = np.array([0.2, 0.3, 0.5]), np.array([0.4, 0.35, 0.25])
    order = [2, 0, 1]
    assert categorical_difference(train[order], test[order]) == pytest.approx(categorical_difference(train, test))


def test_rows_to_read_say_what_is_missing():
    rows = {own.name: own for own in people_rows(people_table(scans()))}
    assert rows["age in years, first known"].cells[1] == ("70", ["70 [70–70]", "1 missing"])
    assert rows["sex: F"].cells[0] == ("1 (50 %)", []) and rows["sex: M"].difference == ""


def test_times_below_a_month_are_days():
    table = people_table(scans().assign(day=lambda own: own["day"] / 36.525))
    assert row(table, "days between", "all")["median"] == pytest.approx(10.0)


def test_counts_have_no_decimals_that_say_nothing():
    counted = pd.Series({"variable": "scans", "level": "", "missing": 0, "mean": 3.2, "sd": 1.0})
    assert cell(pd.concat([counted, pd.Series({"median": 3.0, "q1": 2.0, "q3": 4.75})]))[1] == ["3 [2–4.75]"]
