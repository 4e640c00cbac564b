import numpy as np
import pytest

from clinimcl.evaluation.statistics.class_tables import correlations


def test_rows_without_common_subjects_are_not_correlated():
    assert correlations(np.array([[1.0, 2, 0, 0], [0, 0, 3, 1]])) == pytest.approx(np.eye(2))


def test_rows_that_the_same_subjects_pull_alike_are_one():
    assert correlations(np.array([[1.0, 2, 0], [2.0, 4, 0]])) == pytest.approx(np.ones((2, 2)))


def test_a_row_that_nobody_pulls_is_correlated_with_itself_alone():
    assert correlations(np.array([[0.0, 0], [1.0, 2]])) == pytest.approx(np.eye(2))
