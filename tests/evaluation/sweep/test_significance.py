import numpy as np
import pytest

from clinimcl.evaluation.change.clusters import Replicates, clusters_of, ratio, replicate, spread
from clinimcl.evaluation.sweep.significance import holm, p_value


def mean_of(values: np.ndarray) -> Replicates:
    """The mean of one value a subject."""
    numbers = np.arange(len(values))
    clusters = clusters_of(numbers, numbers, seed=0)
    return replicate(clusters, lambda weights: ratio(weights @ values, weights.sum(axis=1)))


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
    interval = spread(difference, float(difference.whole[0]), (-9.0, 9.0))
    assert interval is not None
    assert (p_value(difference) < 0.05) == (interval.low > 0 or interval.high < 0)


def test_p_is_even_between_two_equals():
    p = [p_value(mean_of(np.random.default_rng(seed).standard_normal(40))) for seed in range(60)]
    assert 0.35 < np.mean(p) < 0.65
    assert np.mean(np.array(p) < 0.05) < 0.15  # 3 of 60 are expected


def test_p_is_no_smaller_than_the_resamples_allow():
    assert p_value(mean_of(np.random.default_rng(0).normal(5, 1, 40))) == pytest.approx(2 / 2001)


def test_no_difference_at_all_has_p_one_and_the_same_of_all_the_sign_test():
    assert p_value(mean_of(np.zeros(40))) == 1.0
    assert p_value(mean_of(np.ones(6))) == pytest.approx(2 / 2**6)
