"""Bootstrap intervals in which a subject, not a scan, is what is drawn."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int
from scipy.stats import norm

RESAMPLES = 2000
TAIL = 0.025


class Interval(NamedTuple):
    """A value with the ends of its 95 % interval; low ≤ value ≤ high, and low < high."""

    value: float
    low: float
    high: float


def mean_interval(
    values: Float[np.ndarray, " subject"], bounds: tuple[float, float], rng: np.random.Generator
) -> Interval:
    """Interval of the mean of one value per subject, each of which can lie anywhere within `bounds`.

    BCa; where all subjects agree, and the bootstrap would say that nothing else can happen, the exact one.
    Below about 30 subjects BCa is too narrow by a few percent of coverage.
    """
    assert len(values) >= 2, "an interval over subjects needs two of them"
    value = float(values.mean())
    if np.ptp(values) == 0:
        return exact_interval(value, len(values), bounds)
    draws = rng.integers(len(values), size=(RESAMPLES, len(values)))
    left_out = (values.sum() - values) / (len(values) - 1)
    return bca(value, values[draws].mean(axis=1), left_out)


def statistic_interval(
    statistic: Callable[[Int[np.ndarray, " draw"]], float],
    subjects: int,
    bounds: tuple[float, float],
    rng: np.random.Generator,
) -> Interval:
    """BCa interval of any statistic of a list of subjects, given by their indices, which may repeat."""
    assert subjects >= 3, "the jackknife of a statistic of pairs of subjects needs three of them"
    everyone = np.arange(subjects)
    resampled = [statistic(rng.integers(subjects, size=subjects)) for _ in range(RESAMPLES)]
    left_out = [statistic(np.delete(everyone, subject)) for subject in everyone]
    interval = bca(float(statistic(everyone)), finite(resampled), finite(left_out))
    return interval if interval.low < interval.high else exact_interval(interval.value, subjects, bounds)


def finite(values: list[float]) -> Float[np.ndarray, " value"]:
    """Drops resamples for which the statistic does not exist, as when one subject was drawn n times."""
    array = np.array(values, dtype=float)
    return array[np.isfinite(array)]


def bca(value: float, resampled: Float[np.ndarray, " resample"], left_out: Float[np.ndarray, " subject"]) -> Interval:
    """Bias-corrected and accelerated bootstrap: percentiles moved by the bias z0 and the jackknife's skew.

    Source: Efron 1987, eq. 2.3 (percentiles).
    """
    z0, acceleration = correction(value, resampled, left_out)
    shifted = z0 + norm.ppf([TAIL, 1 - TAIL])
    levels = norm.cdf(z0 + shifted / np.maximum(1 - acceleration * shifted, 1e-3))
    low, high = np.quantile(resampled, levels)
    return Interval(value, min(float(low), value), max(float(high), value))


def correction(
    value: float, resampled: Float[np.ndarray, " resample"], left_out: Float[np.ndarray, " subject"]
) -> tuple[float, float]:
    """Bias z0 and acceleration of the BCa bootstrap.

    Source: Efron 1987, eq. 7.3 (acceleration).
    """
    deviation = left_out.mean() - left_out
    spread = (deviation**2).sum() ** 1.5
    acceleration = (deviation**3).sum() / (6 * spread) if spread > 0 else 0.0
    return normal_place(value, resampled), float(acceleration)


def normal_place(value: float, resampled: Float[np.ndarray, " resample"]) -> float:
    """The share of resamples below `value` as a standard normal deviate. Ties count half."""
    tie = np.isclose(resampled, value, rtol=1e-10, atol=1e-12)
    below = np.where(tie, 0.5, resampled < value).mean()
    return float(norm.ppf(np.clip(below, 0.5 / len(resampled), 1 - 0.5 / len(resampled))))


def exact_interval(value: float, subjects: int, bounds: tuple[float, float]) -> Interval:
    """Interval when every subject has the same value: a share of the others, at most p, may lie at a bound.

    p is the upper end of the binomial interval for none in n, so 40 of 40 gives [0.912, 1], never [1, 1].

    Source: Clopper and Pearson 1934.
    """
    share = 1 - TAIL ** (1 / subjects)
    lowest, highest = bounds
    return Interval(value, value - share * (value - lowest), value + share * (highest - value))
