import numpy as np
import pytest
from scipy.stats import binomtest, ttest_1samp
from statsmodels.stats.multitest import multipletests

from clinimcl.evaluation.statistics.class_tables import exchange_p
from clinimcl.evaluation.statistics.cluster_intervals import Replicates, clusters_of, metric, ratio, replicate
from clinimcl.evaluation.statistics.confusion import SIGNED, balanced_accuracy, confusions, present
from clinimcl.evaluation.statistics.metrics import Metric
from clinimcl.evaluation.statistics.significance import holm, p_value


def mean_of(values: np.ndarray) -> Replicates:
    """The mean of one value a subject."""
    numbers = np.arange(len(values))
    clusters = clusters_of(numbers, numbers, seed=0)
    return replicate(clusters, lambda weights: ratio(weights @ values, weights.sum(axis=1)))


def test_holm_is_that_of_statsmodels():
    p = np.random.default_rng(0).beta(0.3, 2, 50)
    assert holm(p) == pytest.approx(multipletests(p, method="holm")[1])


def test_holm_multiplies_the_smallest_by_all_and_never_falls():
    assert holm(np.array([0.01, 0.04, 0.03, 0.005])) == pytest.approx([0.03, 0.06, 0.06, 0.02])


def test_holm_of_one_changes_nothing_and_of_none_is_nothing():
    assert holm(np.array([0.2])).tolist() == [0.2]
    assert holm(np.array([], dtype=float)).tolist() == []


def test_holm_stays_below_one():
    assert holm(np.array([0.6, 0.7])).tolist() == [1.0, 1.0]


@pytest.mark.parametrize("subjects", [12, 60])
@pytest.mark.parametrize("shift", [0.1, 0.2, 0.3, 0.45, 0.6])
def test_p_is_below_five_percent_where_the_interval_excludes_zero(subjects: int, shift: float):
    difference = mean_of(np.random.default_rng(3).standard_normal(subjects) + shift)
    interval = metric(difference, (-np.inf, np.inf))
    assert isinstance(interval, Metric)
    assert (p_value(difference) < 0.05) == (interval.low > 0 or interval.high < 0)


def test_p_of_a_mean_is_that_of_student():
    values = np.random.default_rng(0).normal(0.5, 1, 20)
    assert p_value(mean_of(values)) == pytest.approx(ttest_1samp(values, 0).pvalue, rel=1e-4)


def test_no_difference_at_all_has_p_one_and_the_same_of_all_the_sign_test():
    assert p_value(mean_of(np.zeros(40))) == 1.0
    assert p_value(mean_of(np.ones(6))) == pytest.approx(2 / 2**6, rel=1e-3)


def compared(change: np.ndarray, one: np.ndarray, other: np.ndarray, subject: np.ndarray) -> Replicates:
    clusters, classes = clusters_of(subject, subject, 0), present(change)
    own = (confusions(clusters, change, answered) for answered in (one, other))
    first, second = (table.map(lambda stack: balanced_accuracy(stack, classes)) for table in own)
    return first.minus(second)


@pytest.mark.parametrize("rare", [2, 3, 5, 8, 10])
def test_only_subjects_whose_answers_differ_count(rare: int):
    change = np.r_[np.zeros(10, int), np.ones(30 - rare, int), np.full(rare, 2)]
    one = np.where(change == 0, 1, change)
    difference = compared(change, one, np.where(change == 2, 1, one), np.arange(40))
    p, sign_test = p_value(difference), binomtest(rare, rare).pvalue
    assert sign_test <= p < 4 * sign_test
    interval = metric(difference, SIGNED, 10)
    assert isinstance(interval, Metric)
    assert (p < 0.05) == (interval.low > 0)


@pytest.mark.parametrize(("one_right", "other_right"), [(4, 1), (7, 3), (9, 1), (60, 30)])
def test_exchanging_answers_of_one_class_is_mcnemars_test(one_right: int, other_right: int):
    change = np.repeat([0, 1], [10, 100])
    one = change.copy()
    other = change.copy()
    one[10 : 10 + other_right] = 0
    other[10 + other_right : 10 + other_right + one_right] = 0
    exact = binomtest(one_right, one_right + other_right).pvalue
    assert exchange_p(compared(change, one, other, np.arange(110)).tables) == pytest.approx(exact, abs=2e-3)


def test_all_answers_of_a_subject_are_exchanged_together():
    change, subject = np.tile([0, 1, 2], 8), np.repeat(np.arange(4), 6)
    other = (change + 1) % 3
    assert exchange_p(compared(change, change, other, subject).tables) == 2 / 2**4
    assert p_value(compared(change, change, other, subject)) >= 2 / 2**4


def test_a_class_of_one_subject_has_p_one():
    change = np.array([0, 0, 0, 1, 1, 1, 2])
    assert p_value(compared(change, change, (change + 1) % 3, np.arange(7))) == 1.0
