"""Intervals of correlations, and of the difference of two statistics of the same people."""

from collections.abc import Callable

import numpy as np
from scipy.special import stdtrit

from clinimcl.evaluation.statistics.cluster_intervals import Replicates, jackknife_error, metric, spread
from clinimcl.evaluation.statistics.confusion import SIGNED
from clinimcl.evaluation.statistics.intervals import (
    REALS,
    SMALLEST_DEVIATION,
    TAIL,
    Interval,
    exact_interval,
    subject_interval,
    wider,
)
from clinimcl.evaluation.statistics.metrics import Absent, Outcome, outcome_of

FEWEST = 5  # subjects, below whom the standard error of Fisher's z says little


def correlation(replicates: Replicates) -> Outcome:
    """A correlation with its interval: that of Student's t on the scale of Fisher's z, with n − 3 degrees of freedom.

    Of fewer than 5 subjects it is that of a mean within the same bounds. Source: Fisher 1921; the standard error is
    the jackknife's.
    """
    return undefined(replicates) or measured(correlation_interval(replicates), replicates)


def correlation_difference(one: Replicates, other: Replicates) -> Outcome:
    """Of two correlations of the same people."""
    both = one.minus(other)
    return undefined(both) or measured(paired_interval(one, other, correlation_interval), both)


def difference(one: Replicates, other: Replicates, bounds: tuple[float, float]) -> Outcome:
    """Of two statistics of numbers, each within `bounds`: at least Student's interval of the jackknifed difference."""
    both = one.minus(other)
    plain = metric(both, REALS)
    if isinstance(plain, Absent):
        return plain

    def interval_of(replicates: Replicates) -> Interval:
        interval_at = spread(replicates, bounds)
        assert interval_at is not None, "the difference is defined without each of the subjects"
        return interval_at(TAIL)

    return measured(wider(Interval(*plain[:3]), paired_interval(one, other, interval_of)), both)


def undefined(replicates: Replicates) -> Absent | None:
    """Why there can be no interval of a correlation."""
    subjects = len(replicates.left_out)
    if subjects < 2:
        return Absent(f"an interval over subjects needs at least 2 of them, and {subjects} can be measured")
    if not np.isfinite(replicates.whole).all():
        return Absent("it is not defined for these answers")
    if not np.isfinite(replicates.left_out).all():
        return Absent("it hangs on one subject alone: without that subject it is not defined")
    return None


def measured(interval: Interval, replicates: Replicates) -> Outcome:
    return outcome_of(interval, len(replicates.left_out), replicates.items)


def correlation_interval(replicates: Replicates) -> Interval:
    """The exact one where the correlation is perfect, or the same whoever is left out."""
    value, subjects = float(replicates.whole[0]), len(replicates.left_out)
    if subjects < FEWEST:
        return subject_interval(value, (subjects - 1) * (value - replicates.left_out), SIGNED)
    most = 1 - SMALLEST_DEVIATION
    error = jackknife_error(np.arctanh(np.clip(replicates.left_out, -most, most)))
    if abs(value) >= most or error <= SMALLEST_DEVIATION:
        return exact_interval(value, subjects, SIGNED)
    half = -float(stdtrit(subjects - 3, TAIL)) * error
    low, high = np.tanh(np.arctanh(value) + np.array([-half, half]))
    return Interval(value, min(float(low), value), max(float(high), value))


def paired_interval(one: Replicates, other: Replicates, interval_of: Callable[[Replicates], Interval]) -> Interval:
    """Of a difference, from the intervals of both and the correlation that leaving subjects out shows.

    Source: Zou 2007, Toward using confidence intervals to compare correlations, eq. 15.
    """
    first, second = interval_of(one), interval_of(other)
    alike = correlated(one.left_out, other.left_out)

    def reach(own: float, others: float) -> float:
        return float(np.sqrt(max(own**2 + others**2 - 2 * alike * own * others, 0.0)))

    value = first.value - second.value
    below = reach(first.value - first.low, second.high - second.value)
    above = reach(first.high - first.value, second.value - second.low)
    return Interval(value, value - below, value + above)


def correlated(one: np.ndarray, other: np.ndarray) -> float:
    """0 where one of them does not vary."""
    vary = min(one.std(), other.std()) > SMALLEST_DEVIATION
    return float(np.corrcoef(one, other)[0, 1]) if vary else 0.0
