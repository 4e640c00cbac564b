from clinimcl.cohorts.remarks import Remarks


def test_equal_sentences_are_counted_together_and_none_is_said_of_nothing():
    remarks = Remarks()
    for number, sentence in ((2, "ages are odd"), (0, "rows are lost"), (1, "days are odd"), (3, "ages are odd")):
        remarks.count(number, sentence)
    assert remarks.sentences() == ("5 ages are odd", "1 days are odd")
