import numpy as np
import pytest

from clinimcl.evaluation.intervals import bca, exact_interval, mean_interval, statistic_interval

BOUNDS = (0.0, 1.0)


def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def test_interval_holds_the_mean():
    values = rng().uniform(size=40)
    interval = mean_interval(values, BOUNDS, rng())
    assert interval.value == values.mean()
    assert interval.low < interval.value < interval.high


def test_same_generator_gives_the_same_interval():
    values = rng().uniform(size=40)
    assert mean_interval(values, BOUNDS, rng()) == mean_interval(values, BOUNDS, rng())


def test_forty_of_forty_has_the_binomial_interval():
    interval = mean_interval(np.ones(40), BOUNDS, rng())
    assert interval == pytest.approx((1.0, 0.025 ** (1 / 40), 1.0))
    assert round(interval.low, 3) == 0.912


def test_no_difference_at_all_is_not_certainty():
    interval = mean_interval(np.zeros(20), (-1.0, 1.0), rng())
    assert interval.low == -interval.high < 0


def test_two_subjects_that_agree_leave_much_open():
    assert exact_interval(1.0, 2, BOUNDS).low == pytest.approx(0.158, abs=1e-3)


def test_statistic_that_never_varies_gets_the_exact_interval():
    interval = statistic_interval(lambda drawn: 0.0, 10, (0.0, 2.0), rng())
    assert interval.low == 0.0 < interval.high


def test_mean_as_a_statistic_gives_nearly_the_same_interval():
    values = rng().exponential(size=40)
    one = mean_interval(values, BOUNDS, rng())
    other = statistic_interval(lambda drawn: float(values[drawn].mean()), 40, BOUNDS, rng())
    assert other == pytest.approx(one, abs=0.03)


def test_bca_without_bias_and_skew_is_the_percentile_interval():
    resampled = np.linspace(-1, 1, 2001)
    assert bca(0.0, resampled, np.array([-1.0, 1.0])) == pytest.approx((0.0, -0.95, 0.95), abs=1e-3)


def test_interval_leans_towards_the_long_tail():
    interval = mean_interval(rng().exponential(size=40), BOUNDS, rng())
    assert interval.high - interval.value > interval.value - interval.low


def test_about_95_percent_of_intervals_hold_the_true_mean():
    source = rng()
    intervals = [mean_interval(source.exponential(size=60), BOUNDS, source) for _ in range(400)]
    covered = np.mean([interval.low <= 1 <= interval.high for interval in intervals])
    assert 0.91 < covered < 0.985  # 3 standard errors around the 94 to 95 % that BCa reaches at n = 60


def test_about_95_percent_of_intervals_hold_a_rate_near_one():
    source = rng()
    samples = (source.uniform(size=(400, 40)) < 0.95).astype(float)
    intervals = [mean_interval(sample, BOUNDS, source) for sample in samples]
    assert np.mean([interval.low <= 0.95 <= interval.high for interval in intervals]) > 0.9
