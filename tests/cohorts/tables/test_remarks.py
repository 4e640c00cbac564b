import pandas as pd

from clinimcl.cohorts.tables.remarks import Remarks


def test_equal_sentences_are_counted_together_and_none_is_said_of_nothing():
    remarks = Remarks()
    for number, sentence in ((2, "ages are odd"), (0, "rows are lost"), (1, "days are odd"), (3, "ages are odd")):
        remarks.count(number, sentence)
    assert remarks.sentences() == ("5 ages are odd", "1 days are odd")


def test_people_without_a_row_and_rows_of_nobody_are_counted():
    remarks = Remarks()
    remarks.count_strangers(pd.Series(["a", "b", "b"]), pd.Series(["a", "a", "c", "d", None]), "t.csv")
    assert remarks.sentences() == (
        "1 of 2 people with scans are in no row of t.csv",
        "3 rows of t.csv are of people of whom no scan is read",
    )
