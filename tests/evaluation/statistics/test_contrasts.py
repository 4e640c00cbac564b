import numpy as np
import pytest
from scipy.stats import pearsonr, t

from clinimcl.evaluation.statistics.cluster_intervals import Replicates, clusters_of, metric, replicate
from clinimcl.evaluation.statistics.contrasts import correlation, correlation_difference, difference
from clinimcl.evaluation.statistics.metrics import Absent, Metric, Outcome
from clinimcl.evaluation.statistics.rank_correlation import spearman


def ranked(one: np.ndarray, other: np.ndarray) -> Replicates:
    people = clusters_of(np.arange(len(one)), np.arange(len(one)), seed=0)
    return replicate(people, lambda weights: spearman(np.stack([one, other]), weights))


def noisy(subjects: int, noise: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    score = rng.normal(size=subjects)
    return score, score + noise * rng.normal(size=subjects)


def measured(outcome: Outcome) -> Metric:
    assert isinstance(outcome, Metric)
    return outcome


def test_interval_of_a_correlation_is_about_fishers():
    one, other = noisy(400)
    ranks = [own.argsort().argsort() for own in (one, other)]
    own, fisher = measured(correlation(ranked(one, other))), pearsonr(*ranks).confidence_interval()
    assert own[1:3] == pytest.approx(fisher, abs=0.02)


def test_perfect_correlation_of_few_is_not_certain():
    own = measured(correlation(ranked(np.arange(6.0), np.arange(6.0))))
    assert own[:3] == pytest.approx((1.0, 1 - 2 * (1 - 0.025 ** (1 / 6)), 1.0))


def test_correlation_of_four_subjects_leaves_nearly_everything_open():
    own = measured(correlation(ranked(*noisy(4))))
    assert own.high - own.low > 1


def test_correlation_that_one_subject_makes_has_no_interval():
    outcome = correlation(ranked(np.r_[1.0, np.zeros(7)], np.arange(8.0)))
    assert isinstance(outcome, Absent)
    assert "one subject" in outcome.reason


def test_a_correlation_minus_itself_is_nothing_and_not_certain():
    one = ranked(*noisy(30))
    own = measured(correlation_difference(one, one))
    assert own.value == 0.0
    assert 0 < own.high < 0.1
    assert own.low == pytest.approx(-own.high)


def test_difference_of_correlations_leans_as_they_do():
    score, good = noisy(40, 0.3)
    _, bad = noisy(40, 2.0)
    own = measured(correlation_difference(ranked(score, good), ranked(score, bad)))
    assert own.high - own.value > own.value - own.low > 0


def test_difference_of_means_is_at_least_students():
    values = np.random.default_rng(0).gamma(1.0, 1.0, (2, 20))
    people = clusters_of(np.arange(20), np.arange(20), seed=0)
    one, other = (replicate(people, lambda weights, own=own: weights @ own / weights.sum(axis=1)) for own in values)
    own, change = measured(difference(one, other, (0.0, np.inf))), values[0] - values[1]
    students = t.interval(0.95, 19, change.mean(), change.std(ddof=1) / np.sqrt(20))
    assert own.low <= students[0] + 1e-9
    assert own.high >= students[1] - 1e-9
    assert own.value == pytest.approx(measured(metric(one.minus(other), (-np.inf, np.inf))).value)
