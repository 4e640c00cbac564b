"""Intervals over subjects, not scans."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int
from scipy.stats import beta, norm, t

TAIL = 0.025
FEW = 2  # subjects by whom the others' agreement cannot be judged
SMALLEST_DEVIATION = 1e-9
MOST_TRIALS = 1e12  # beyond which quantiles of the beta distribution lose their digits, and are those of Student


class Interval(NamedTuple):
    """A value with the ends of its 95 % interval; low ≤ value ≤ high, and low < high."""

    value: float
    low: float
    high: float


def mean_interval(
    values: Float[np.ndarray, " subject"], bounds: tuple[float, float], rng: np.random.Generator
) -> Interval:
    """Interval of the mean of one value per subject, each of which can lie anywhere within `bounds`.

    Nothing is drawn from `rng`: the rule is that of `subject_interval`.
    """
    assert len(values) >= 2, "an interval over subjects needs two of them"
    value = float(values.mean())
    bounds = min(bounds[0], float(values.min())), max(bounds[1], float(values.max()))
    return subject_interval(value, values - value, bounds)


def subject_interval(
    value: float,
    deviation: Float[np.ndarray, " subject"],
    bounds: tuple[float, float],
    tail: float = TAIL,
    freedom: float | None = None,
) -> Interval:
    """Interval of a statistic within `bounds`, given by how far each subject pulls it: `value` plus the deviations are
    the values whose mean it is, or its jackknife's pseudo-values. Each end leaves out `tail`.

    Between two finite bounds it is the binomial interval of as many subjects as would give the same standard error,
    fewer by what Student's t is wider than the normal distribution; else Student's t. Where at most 2 subjects differ
    from all others, it is at least the exact interval of a sample in which all agree. `freedom`: Student's degrees,
    those of `degrees_of_freedom` unless given. Simulated coverage: tests/evaluation/test_coverage.py.

    Source: Korn and Graubard 1998, section 2, with quantiles halfway between those of Clopper and Pearson 1934 and of
    Jeffreys' prior, which miss too seldom and too often.
    """
    subjects, (lowest, highest) = len(deviation), bounds
    error = standard_error(deviation)
    scale = max(abs(value), highest - lowest if np.isfinite(highest - lowest) else 1.0)
    if error <= SMALLEST_DEVIATION * scale:
        return exact_interval(value, subjects, bounds, tail)
    degrees = freedom or degrees_of_freedom(value, deviation, bounds)
    known = 1 - likeness(value, deviation, bounds) / subjects
    trials = (value - lowest) * (highest - value) / (error**2 * known)
    if 0 < trials < MOST_TRIALS:
        trials *= float(norm.ppf(tail) / t.ppf(tail, degrees)) ** 2
        low, high = binomial_ends((value - lowest) / (highest - lowest), trials, tail)
        interval = Interval(value, lowest + low * (highest - lowest), lowest + high * (highest - lowest))
    else:
        half = float(t.ppf(1 - tail, degrees)) * error
        low, high = max(value - half, lowest), min(value + half, highest)
        interval = Interval(value, min(low, value), max(high, value))
    few = np.isfinite(trials) and rests_on_few(value, deviation, bounds)
    return wider(interval, exact_interval(value, subjects, bounds, tail)) if few else interval


def standard_error(deviation: Float[np.ndarray, " subject"]) -> float:
    subjects = len(deviation)
    return float(np.sqrt((deviation**2).sum() / (subjects * (subjects - 1))))


def degrees_of_freedom(value: float, deviation: Float[np.ndarray, " subject"], bounds: tuple[float, float]) -> float:
    """n - 1, and more the nearer all subjects are to either bound, where the mean alone says what the variance is."""
    return (len(deviation) - 1) / max(1 - likeness(value, deviation, bounds), 1e-9)


def likeness(value: float, deviation: Float[np.ndarray, " subject"], bounds: tuple[float, float]) -> float:
    """To answers that are all at a bound: 1, and 0 where the variance is as nothing to theirs.

    Source: the bound of Bhatia and Davis 2000, A better bound on the variance.
    """
    most = (value - bounds[0]) * (bounds[1] - value)
    return min(1.0, float((deviation**2).mean()) / most) if 0 < most < np.inf else 0.0


def binomial_ends(share: float, trials: float, tail: float) -> tuple[float, float]:
    """Of a share strictly between 0 and 1 of so many trials, which need not be whole."""
    hits = share * trials
    low = beta.ppf(tail, hits + 0.25, trials - hits + 0.75)
    high = beta.ppf(1 - tail, hits + 0.75, trials - hits + 0.25)
    return min(float(low), share), max(float(high), share)


def rests_on_few(value: float, deviation: Float[np.ndarray, " subject"], bounds: tuple[float, float]) -> bool:
    """Whether at most 2 subjects differ from all others, or most of the variance is that of 2.

    The others are more than those who differ, or as many and at a bound.
    """
    subjects, ordered = len(deviation), np.sort(deviation)
    steps = np.flatnonzero(np.diff(ordered) > SMALLEST_DEVIATION)
    alike = int(np.diff(np.r_[-1, steps, subjects - 1]).max())
    at_bound = max(int((np.abs(ordered + value - end) <= SMALLEST_DEVIATION).sum()) for end in bounds)
    if subjects - alike <= FEW and subjects - alike < max(alike, at_bound + 1):
        return True
    square = deviation**2
    return subjects > 2 * FEW + 1 and bool(square.sum() ** 2 < (FEW + 0.5) * (square**2).sum())


def wider(one: Interval, other: Interval) -> Interval:
    return Interval(one.value, min(one.low, other.low), max(one.high, other.high))


def statistic_interval(
    statistic: Callable[[Int[np.ndarray, " draw"]], float],
    subjects: int,
    bounds: tuple[float, float],
    rng: np.random.Generator,
) -> Interval:
    """Interval of any statistic of a list of subjects, given by their indices: each is left out in turn.

    Nothing is drawn from `rng`: the rule is that of `subject_interval`. Where the statistic is not defined without some
    subject, the interval is the exact one.
    """
    assert subjects >= 3, "the jackknife of a statistic of pairs of subjects needs three of them"
    everyone = np.arange(subjects)
    value = float(statistic(everyone))
    left_out = np.array([statistic(np.delete(everyone, subject)) for subject in everyone], dtype=float)
    if not np.isfinite(left_out).all():
        return exact_interval(value, subjects, bounds)
    return subject_interval(value, (subjects - 1) * (value - left_out), bounds)


def exact_interval(value: float, subjects: int, bounds: tuple[float, float], tail: float = TAIL) -> Interval:
    """Interval when every subject has the same value: a share of the others, at most p, may lie at a bound.

    p is the upper end of the binomial interval for none in n, so 40 of 40 gives [0.912, 1], never [1, 1]. A bound that
    is infinite is taken to be twice the value away, and at least 1.

    Source: Clopper and Pearson 1934.
    """
    share = 1 - tail ** (1 / subjects)
    far = max(1.0, 2 * abs(value))
    lowest, highest = (end if np.isfinite(end) else value + far * float(np.sign(end)) for end in bounds)
    return Interval(value, value - share * (value - lowest), value + share * (highest - value))
