import numpy as np
import pytest

from clinimcl.evaluation.statistics.cluster_intervals import Clusters, clusters_of, metric, ratio, replicate
from clinimcl.evaluation.statistics.intervals import mean_interval
from clinimcl.evaluation.statistics.metrics import Absent, Metric

UNIT = (0.0, 1.0)


def mean_metric(values: np.ndarray, clusters: Clusters) -> Metric:
    outcome = metric(replicate(clusters, lambda weights: ratio(weights @ values, weights.sum(axis=1))), UNIT)
    assert isinstance(outcome, Metric)
    return outcome


def test_pair_of_two_people_is_drawn_as_often_as_both():
    clusters = clusters_of(np.array([0, 0, 1]), np.array([1, 2, 1]), seed=0)
    assert clusters.weights(np.array([[2.0, 3.0, 0.0]])).tolist() == [[6.0, 0.0, 3.0]]


def test_few_subjects_have_students_interval():
    values = np.random.default_rng(0).uniform(0.4, 0.6, size=10)
    own = mean_metric(values, clusters_of(np.arange(10), np.arange(10), seed=0))
    half = 2.262 * values.std(ddof=1) / np.sqrt(10)  # t of 9 degrees of freedom
    assert (own.low, own.high) == pytest.approx((values.mean() - half, values.mean() + half), abs=4e-3)


def test_an_item_a_subject_has_the_interval_of_the_mean():
    values = np.random.default_rng(0).uniform(size=40)
    own = mean_metric(values, clusters_of(np.arange(40), np.arange(40), seed=0))
    assert own[:3] == pytest.approx(mean_interval(values, UNIT))


def test_statistic_that_hangs_on_one_subject_has_no_interval():
    clusters = clusters_of(np.arange(4), np.arange(4), seed=0)
    outcome = metric(replicate(clusters, lambda weights: np.where(weights[:, 0] > 0, 0.5, np.nan)), UNIT)
    assert isinstance(outcome, Absent)
    assert "one subject" in outcome.reason


def test_all_items_of_a_subject_count_as_one():
    values = np.repeat(np.random.default_rng(0).uniform(size=10), 50)
    subject = np.repeat(np.arange(10), 50)
    once = mean_metric(values[::50], clusters_of(np.arange(10), np.arange(10), seed=0))
    assert mean_metric(values, clusters_of(subject, subject, seed=0))[:3] == pytest.approx(once[:3])


@pytest.mark.parametrize("subjects", [5, 40])
def test_interval_stays_within_its_bounds_and_is_never_a_point(subjects: int):
    for values in (np.ones(subjects), np.r_[np.ones(subjects - 1), 0.9]):
        own = mean_metric(values, clusters_of(np.arange(subjects), np.arange(subjects), seed=0))
        assert 0 <= own.low < own.high <= 1


def test_one_subject_has_no_interval():
    clusters = clusters_of(np.zeros(4, int), np.zeros(4, int), seed=0)
    outcome = metric(replicate(clusters, lambda weights: weights.mean(axis=1)), UNIT)
    assert isinstance(outcome, Absent)


def test_differences_are_paired():
    values = np.random.default_rng(0).uniform(size=20)
    clusters = clusters_of(np.arange(20), np.arange(20), seed=0)
    one, other = (
        replicate(clusters, lambda weights, own=own: weights @ own / weights.sum(axis=1))
        for own in (values, values - 0.1)
    )
    difference = metric(one.minus(other), (-1.0, 1.0), a_class=10_000)
    assert difference[:3] == pytest.approx((0.1, 0.1, 0.1), abs=1e-3)
