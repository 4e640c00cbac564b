import numpy as np
import pytest
from scipy.stats import t
from statsmodels.stats.power import TTestPower

from clinimcl.evaluation.review.detectable import detectable, smallest_difference, standard_error
from clinimcl.evaluation.statistics.intervals import mean_interval
from clinimcl.evaluation.statistics.metrics import Metric


@pytest.mark.parametrize("subjects", [12, 40, 200])
def test_a_paired_test_finds_that_difference_with_80_percent_power(subjects):
    difference = smallest_difference(1 / np.sqrt(subjects), subjects)  # of deviation 1
    assert TTestPower().power(difference, subjects, 0.05) == pytest.approx(0.8, abs=0.01)


def test_the_standard_error_comes_from_the_width_of_the_interval():
    metric = Metric(0.5, 0.5 - t.ppf(0.975, 9) * 0.1, 0.5 + t.ppf(0.975, 9) * 0.1, 10, 10)
    assert standard_error(metric) == pytest.approx(0.1)


def test_it_agrees_with_the_standard_error_of_a_mean():
    values = np.random.default_rng(0).normal(size=30)
    interval = mean_interval(values, (-np.inf, np.inf))
    error = standard_error(Metric(*interval, 30, 30))
    assert error == pytest.approx(values.std(ddof=1) / np.sqrt(30))


def test_measured_differences_stand_beside_correlations_of_the_headline():
    metric = Metric(0.5, 0.4, 0.6, 20, 40)
    rows = detectable({"accuracy": metric, "accuracy_minus_linear": metric, "other": metric}, "accuracy")
    assert [(row.name, row.correlation) for row in rows] == [
        ("accuracy", 0.0),
        ("accuracy", 0.5),
        ("accuracy", 0.8),
        ("accuracy_minus_linear", None),
    ]
    assert rows[1].difference == pytest.approx(rows[0].difference / np.sqrt(2))
    assert rows[1].difference == pytest.approx(rows[3].difference)  # at ρ = 0.5 the errors are the same


def test_a_headline_that_could_not_be_measured_has_no_row():
    assert detectable({}, "accuracy") == []
