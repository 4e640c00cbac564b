import numpy as np
import pytest
from scipy.stats import beta, binomtest, gamma, skew, t

from clinimcl.evaluation.statistics.intervals import (
    exact_interval,
    mean_interval,
    skewness,
    statistic_interval,
    subject_interval,
)

BOUNDS = (0.0, 1.0)


def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def test_interval_holds_the_mean():
    values = rng().uniform(size=40)
    interval = mean_interval(values, BOUNDS)
    assert interval.value == values.mean()
    assert interval.low < interval.value < interval.high


def test_forty_of_forty_has_the_binomial_interval():
    interval = mean_interval(np.ones(40), BOUNDS)
    assert interval == pytest.approx((1.0, 0.025 ** (1 / 40), 1.0))
    assert round(interval.low, 3) == 0.912


def test_no_difference_at_all_is_not_certainty():
    interval = mean_interval(np.zeros(20), (-1.0, 1.0))
    assert interval.low == -interval.high < 0


def test_two_subjects_that_agree_leave_much_open():
    assert exact_interval(1.0, 2, BOUNDS).low == pytest.approx(0.158, abs=1e-3)


def test_statistic_that_never_varies_gets_the_exact_interval():
    interval = statistic_interval(0.0, np.zeros(10), (0.0, 2.0))
    assert interval.low == 0.0 < interval.high


def test_mean_as_a_statistic_gives_the_same_interval():
    values = rng().uniform(size=40)
    other = statistic_interval(float(values.mean()), (values.sum() - values) / 39, BOUNDS)
    assert other == pytest.approx(mean_interval(values, BOUNDS))


def test_statistic_that_one_subject_defines_gets_the_exact_interval():
    interval = statistic_interval(0.5, np.where(np.arange(10) == 0, np.nan, 0.5), BOUNDS)
    assert interval == exact_interval(0.5, 10, BOUNDS)


@pytest.mark.parametrize("subjects", [2, 3, 5, 15, 200])
def test_far_from_its_bounds_a_mean_has_students_interval(subjects: int):
    values = rng().normal(0, 1e-3, subjects)
    interval = mean_interval(values, (-1.0, 1.0))
    expected = t.interval(0.95, subjects - 1, values.mean(), values.std(ddof=1) / np.sqrt(subjects))
    assert interval[1:] == pytest.approx(expected, rel=0.05, abs=1e-5)


def test_values_that_hardly_vary_have_students_interval():
    values = 0.999 + rng().normal(0, 2e-8, 30)
    interval = mean_interval(values, BOUNDS)
    half = t.ppf(0.975, 29) * values.std(ddof=1) / np.sqrt(30)
    assert interval.high - interval.low == pytest.approx(2 * half, rel=0.01)


def test_without_a_bound_it_is_students_interval():
    values = rng().normal(5, 1, 12)
    interval = subject_interval(float(values.mean()), values - values.mean(), (-np.inf, np.inf))
    assert interval[1:] == pytest.approx(t.interval(0.95, 11, values.mean(), values.std(ddof=1) / np.sqrt(12)))


def test_above_one_bound_it_leans_away_from_it_and_reaches_as_far_towards_it():
    values = rng().gamma(1.0, 1.0, 12)
    interval = subject_interval(float(values.mean()), values - values.mean(), (0.0, np.inf))
    students = t.interval(0.95, 11, values.mean(), values.std(ddof=1) / np.sqrt(12))
    assert interval.low == pytest.approx(students[0])
    assert interval.high > students[1]


@pytest.mark.parametrize("bounds", [(0.0, 1.0), (0.0, np.inf), (-np.inf, 3.0)])
def test_skewness_is_that_of_the_distribution_between_such_bounds(bounds: tuple[float, float]):
    mean, variance = 0.2, 0.03
    deviation = np.array([-1.0, 1.0]) * np.sqrt(variance / 2)
    count = 0.2 * 0.8 / variance - 1
    expected = {
        1.0: beta.stats(0.2 * count, 0.8 * count, moments="s"),
        np.inf: gamma.stats(mean**2 / variance, moments="s"),
        3.0: -gamma.stats(2.8**2 / variance, moments="s"),
    }
    assert skewness(mean, deviation, bounds) == pytest.approx(float(expected[bounds[1]]))


@pytest.mark.parametrize("power", [1.5, 3.0])
def test_values_more_skewed_than_their_bounds_ask_have_their_own_skewness_up_to_twice(power: float):
    values = 1 / np.arange(1.0, 40.0) ** power
    between = skewness(float(values.mean()), values - values.mean(), BOUNDS)
    count = values.mean() * (1 - values.mean()) / values.var(ddof=1) - 1
    of_bounds = float(beta.stats(values.mean() * count, (1 - values.mean()) * count, moments="s"))
    own = float(skew(values, bias=False))
    assert between == pytest.approx(min(own, 2 * of_bounds))
    assert own > of_bounds


def test_skewness_of_mirrored_values_is_mirrored():
    values = 1 / np.arange(1.0, 40.0)
    deviation = values - values.mean()
    assert skewness(1 - float(values.mean()), -deviation, BOUNDS) == pytest.approx(
        -skewness(float(values.mean()), deviation, BOUNDS)
    )


@pytest.mark.parametrize(("right", "subjects"), [(38, 40), (5, 8), (1, 3), (250, 300), (20, 40)])
def test_a_share_of_subjects_has_the_exact_binomial_interval(right: int, subjects: int):
    interval = mean_interval((np.arange(subjects) < right).astype(float), BOUNDS)
    exact = binomtest(right, subjects).proportion_ci(0.95, method="exact")
    assert interval[1:] == pytest.approx((exact.low, exact.high))


@pytest.mark.parametrize("subjects", [2, 3, 4, 5, 8, 40, 300])
@pytest.mark.parametrize("off", [0.99, 0.5, 0.0])
def test_one_subject_who_differs_never_narrows_the_interval(subjects: int, off: float):
    agreed = mean_interval(np.ones(subjects), BOUNDS)
    one_off = mean_interval(np.r_[np.ones(subjects - 1), off], BOUNDS)
    assert one_off.low <= agreed.low


def test_an_interval_that_leaves_out_less_holds_the_other():
    deviation = rng().uniform(-0.3, 0.3, 9)
    ends = [subject_interval(0.6, deviation, BOUNDS, tail)[1:] for tail in (0.4, 0.1, 0.025, 0.001, 1e-9)]
    assert (np.diff([low for low, _ in ends]) < 0).all()
    assert (np.diff([high for _, high in ends]) > 0).all()


def test_interval_leans_towards_the_long_tail():
    interval = mean_interval(rng().exponential(size=40), BOUNDS)
    assert interval.high - interval.value > interval.value - interval.low
