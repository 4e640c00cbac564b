import numpy as np
import pandas as pd

from clinimcl.evaluation.scanner.design import Design, design_of, visits_of


def table(**columns: list[object]) -> pd.DataFrame:
    """Four subjects at two visits, of which the first scans are two, three days apart."""
    rows = [(f"P{subject}", day) for subject in range(4) for day in (0.0, 3.0, 400.0)]
    scans = pd.DataFrame(rows, columns=["subject", "day"]).assign(site="A", scanner=None)
    return scans.assign(**columns)


def design(scans: pd.DataFrame) -> Design:
    found = design_of(scans)
    assert isinstance(found, Design)
    return found


def test_scans_within_thirty_days_of_the_first_are_one_visit():
    day = np.array([0.0, 30.0, 31.0, 500.0, 5.0])
    assert visits_of(np.array([0, 0, 0, 0, 1]), day).tolist() == [0, 0, 1, 2, 3]


def test_a_scan_of_an_unknown_day_is_a_visit_of_its_own():
    assert visits_of(np.zeros(3, int), np.array([np.nan, 0.0, 1.0])).tolist() == [1, 0, 0]


def test_scanners_are_taken_where_a_subject_changed_between_them():
    assert design(table(scanner=["S1", "S2", "S1"] * 4)).factor == "scanner"


def test_sites_are_taken_where_scanners_are_not_known():
    assert design(table(site=["A", "B", "A"] * 4)).factor == "site"


def test_scanners_that_no_subject_crosses_count_as_one():
    own = design(table(scanner=[f"S{subject % 2}" for subject in range(4) for _ in range(3)]))
    assert (own.factor, own.scanners) == ("", 1)


def test_scans_of_unknown_scanners_are_left_out_and_counted():
    own = design(table(scanner=["S1", "S2", None] * 4))
    assert (own.unknown, len(own.rows), own.timed) == (4, 8, False)


def test_rows_are_sorted_by_subject_whatever_their_order():
    scans = table(scanner=["S1", "S2", "S1"] * 4)
    shuffled = scans.sample(frac=1, random_state=0).reset_index(drop=True)
    own = design(shuffled)
    assert (np.diff(own.subject) >= 0).all()
    assert (shuffled["subject"].iloc[own.rows].factorize()[0] == own.subject).all()


def test_sites_stand_for_scanners_that_are_too_many():
    rows = [(f"P{subject}", 400.0 * visit) for subject in range(60) for visit in range(2)]
    scans = pd.DataFrame(rows, columns=["subject", "day"])
    scans = scans.assign(scanner=[f"S{row}" for row in range(120)], site=["A", "B"] * 60)
    assert design(scans).factor == "site"
