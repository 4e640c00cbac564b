import pandas as pd

from clinimcl.cohorts.contradictions import contradictions


def scans(*rows: tuple[str, float, float, str | None]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["subject", "day", "age", "sex"])


def test_a_person_of_both_sexes_is_said():
    found = contradictions(scans(("A", 0, 70, "F"), ("A", 1, 70, "M"), ("B", 0, 70, "M"), ("B", 9, 70, None)))
    assert found == ("1 people are F in one row and M in another: check whose scans these are",)


def test_ages_that_run_against_the_days_are_said():
    found = contradictions(scans(("A", 0, 72, "F"), ("A", 700, 70, "F"), ("B", 0, 70, "M"), ("B", 700, 72, "M")))
    assert found == ("1 people are years younger at a later session: their dates or their ages are wrong",)


def test_what_can_be_true_is_left_alone():
    assert contradictions(scans(("A", 0, 70.0, "F"), ("A", 9, 69.9, "F"), ("A", 20, float("nan"), "F"))) == ()
