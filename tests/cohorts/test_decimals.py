import numpy as np
import pytest

from clinimcl.cohorts.decimals import first_of_ties, merge_ties, rounding


def test_differences_of_equal_decimals_lie_within_the_rounding():
    start = np.arange(1, 4000) / 10
    differences = (start + 0.3) - start
    assert np.ptp(differences) > 0
    assert (np.abs(differences - 0.3) <= rounding(start, start + 0.3)).all()
    assert rounding(start, start + 0.3).max() < 1.5e-12


def test_a_number_that_is_not_known_has_no_rounding():
    assert rounding(np.array([np.nan, np.inf, 1.0]), 2.0).tolist() == [0, 0, pytest.approx(7.1e-15, rel=0.01)]


def test_ties_are_the_least_of_them_and_keep_their_places():
    values = np.array([0.3, 0.1 + 0.2, 0.2, 0.1])
    assert merge_ties(values, 1e-15).tolist() == [0.3, 0.3, 0.2, 0.1]
    assert merge_ties(values, 0.0).tolist() == values.tolist()
    assert merge_ties(np.zeros(0), 1.0).size == 0


def test_what_rounding_alone_tells_apart_is_one_tie():
    ascending = np.sort([0.7 - 0.4, 0.5 - 0.2, 0.1, 0.4])
    assert first_of_ties(ascending).tolist() == [True, True, False, True]
    assert first_of_ties(ascending, 0.0).all()
