import numpy as np
import pytest

from clinimcl.evaluation.statistics.cluster_intervals import Replicates, metric
from clinimcl.evaluation.statistics.metrics import Absent, Metric
from clinimcl.evaluation.statistics.sharing import metric_of_few, sharing_subjects

REALS = (-np.inf, np.inf)


def mean_of(values: np.ndarray) -> Replicates:
    left_out = (values.sum() - values) / (len(values) - 1)
    return Replicates(np.array([values.mean()]), left_out, len(values))


@pytest.mark.parametrize(("pulls", "sharing"), [([1, 0, 0, 0], 1), ([1, -1, 0, 0], 2), ([1, -1, 1, -1], 3)])
def test_those_who_pull_share_the_variance(pulls: list[float], sharing: float):
    assert sharing_subjects(np.array(pulls, float)) == sharing


def test_normal_deviations_are_shared_by_a_third():
    assert sharing_subjects(np.random.default_rng(0).normal(size=200_000)) == pytest.approx(200_000 / 3, rel=0.02)


def test_an_interval_that_rests_on_few_is_wider_and_one_that_rests_on_all_is_as_it_was():
    rests_on_few, rests_on_all = np.r_[10.0, -9.0, np.linspace(-1, 1, 28)], np.tile([-1.0, 1.0], 15)
    one, other = (metric_of_few(mean_of(rests_on_few), REALS), metric(mean_of(rests_on_few), REALS))
    assert isinstance(one, Metric) and isinstance(other, Metric)
    assert one.low < other.low < other.high < one.high
    assert metric_of_few(mean_of(rests_on_all), REALS) == metric(mean_of(rests_on_all), REALS)


def test_what_is_absent_stays_absent():
    assert isinstance(metric_of_few(mean_of(np.array([np.nan, 1.0])), REALS), Absent)
