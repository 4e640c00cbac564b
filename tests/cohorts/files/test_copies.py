import pandas as pd

from clinimcl.cohorts.files.copies import without_copies


def scans(*rows: str) -> pd.DataFrame:
    return pd.DataFrame([row.split() for row in rows], columns=["above", "subject", "session"])


def test_a_scan_in_two_folders_is_taken_from_the_larger_one():
    found = without_copies(scans("a 1 x", "b 1 x", "b 1 y", "c 2 x"), ["subject", "session"])
    assert found.scans["above"].tolist() == ["b", "b", "c"]
    assert found.remarks[0].startswith("1 scans lie below cohort.root a second time, in 1 further folder")


def test_scans_of_one_folder_are_no_copies():
    twice = scans("a 1 x", "a 1 x")
    kept, remarks = without_copies(twice, ["subject", "session"])
    assert kept.equals(twice)
    assert remarks == ()


def test_of_folders_of_one_size_the_first_counts():
    assert without_copies(scans("b 1 x", "a 1 x"), ["subject", "session"]).scans["above"].tolist() == ["a"]
