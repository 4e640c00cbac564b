"""Intervals over subjects, not scans."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from scipy.special import betaincinv, ndtri, stdtrit

TAIL = 0.025
REALS = (-np.inf, np.inf)  # bounds of what has none
FEW = 2  # subjects by whom the others' agreement cannot be judged
SMALLEST_DEVIATION = 1e-9
MOST_TRIALS = 1e12  # beyond which quantiles of the beta distribution lose their digits, and are those of Student
MOST_FREEDOM = 1e9  # beyond which Student's distribution is the normal one


class Interval(NamedTuple):
    """A value with the ends of its 95 % interval; low ≤ value ≤ high, and low < high."""

    value: float
    low: float
    high: float


def mean_interval(values: Float[np.ndarray, " subject"], bounds: tuple[float, float]) -> Interval:
    """Interval of the mean of one value per subject, each of which can lie anywhere within `bounds`.

    The rule is that of `subject_interval`.
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

    It is Student's t, stretched towards the longer tail by the skewness that values of this mean and variance have
    between such bounds, or by their own where that is more. Between two finite bounds it is at least the exact binomial
    interval of as many subjects as would give the same standard error, and just that where all answers are at a bound.
    Where at most 2 subjects differ from all others, it is at least the exact interval of a sample in which all agree.
    `freedom`: Student's degrees, those of `degrees_of_freedom` unless given. Simulated coverage: experiments/coverage.

    Source: Korn and Graubard 1998, section 2; Clopper and Pearson 1934; Hall 1992, eq. 6 (the stretched t).
    """
    subjects, error = len(deviation), standard_error(deviation)
    finite = bool(np.isfinite(bounds).all())
    scale = max(abs(value), bounds[1] - bounds[0] if finite else 1.0)
    if error <= SMALLEST_DEVIATION * scale:
        return exact_interval(value, subjects, bounds, tail)
    degrees = freedom or degrees_of_freedom(value, deviation, bounds)
    interval = students_interval(value, deviation, bounds, (tail, degrees))
    if not finite:
        return interval
    exact = binomial_interval(value, deviation, bounds, (tail, degrees))
    interval = mixed(exact, wider(interval, exact), likeness(value, deviation, bounds))
    few = rests_on_few(value, deviation, bounds)
    return wider(interval, exact_interval(value, subjects, bounds, tail)) if few else interval


def standard_error(deviation: Float[np.ndarray, " subject"]) -> float:
    """Of the mean of the deviations, which need not be 0: a jackknife's pseudo-values know the bias."""
    return float(deviation.std(ddof=1) / np.sqrt(len(deviation)))


def degrees_of_freedom(value: float, deviation: Float[np.ndarray, " subject"], bounds: tuple[float, float]) -> float:
    """n - 1, and more the nearer all subjects are to either bound, where the mean alone says what the variance is."""
    apart = max(1 - likeness(value, deviation, bounds), 1e-12)
    return min((len(deviation) - 1) / apart, MOST_FREEDOM)


def likeness(value: float, deviation: Float[np.ndarray, " subject"], bounds: tuple[float, float]) -> float:
    """To answers that are all at a bound: 1, and 0 where the variance is as nothing to theirs.

    Source: the bound of Bhatia and Davis 2000, A better bound on the variance.
    """
    most = (value - bounds[0]) * (bounds[1] - value)
    return min(1.0, float(deviation.var()) / most) if 0 < most < np.inf else 0.0


def students_interval(
    value: float, deviation: Float[np.ndarray, " subject"], bounds: tuple[float, float], at: tuple[float, float]
) -> Interval:
    """`at`: what each end leaves out, and the degrees of freedom."""
    tail, degrees = at
    quantile = -float(stdtrit(degrees, tail))
    skew = skewness(value, deviation, bounds) / np.sqrt(len(deviation))
    below, above = (standard_error(deviation) * stretched(quantile, one) for one in (-skew, skew))
    return Interval(value, max(value - below, bounds[0]), min(value + above, bounds[1]))


def skewness(value: float, deviation: Float[np.ndarray, " subject"], bounds: tuple[float, float]) -> float:
    """Of a beta distribution between two bounds, of a gamma distribution from one, of none: 0.

    Few subjects do not tell how skewed values are, but the variance beside the distance from the bounds does. Between
    two bounds it is the values' own where they are more skewed still, as 1, 1/2, 1/3, … are, and at most twice as much.
    """
    variance, below, above = float(deviation.var(ddof=1)), value - bounds[0], bounds[1] - value
    if min(below, above) <= 0 or max(below, above) == 0:
        return 0.0
    if not np.isfinite(min(below, above)):
        return 0.0
    if not np.isfinite(max(below, above)):
        return 2 * np.sqrt(variance) * (1 / below - 1 / above)
    counts = max(below * above / variance - 1, 0.0)
    beta = 2 * (above - below) * np.sqrt((counts + 1) / (below * above)) / (counts + 2)
    own = sample_skewness(deviation) * np.sign(beta)
    return float(np.sign(beta) * np.clip(own, abs(beta), 2 * abs(beta)))


def sample_skewness(deviation: Float[np.ndarray, " subject"]) -> float:
    """Without bias for normal values; 0 of two values, which cannot be skewed.

    Source: Joanes and Gill 1998, G₁.
    """
    subjects = len(deviation)
    if subjects < 3:
        return 0.0
    centred = deviation - deviation.mean()
    biased = (centred**3).mean() / (centred**2).mean() ** 1.5
    return float(biased * np.sqrt(subjects * (subjects - 1)) / (subjects - 2))


def stretched(quantile: float, skew: float) -> float:
    """How many standard errors an end lies away; on the side of the shorter tail the quantile itself.

    Source: Hall 1992, On the removal of skewness by transformation, eq. 6, solved for the mean.
    """
    if skew < 1e-6:
        return quantile
    return max(quantile, 3 / skew * (1 - float(np.cbrt(1 - skew * (quantile + skew / 6)))))


def binomial_interval(
    value: float, deviation: Float[np.ndarray, " subject"], bounds: tuple[float, float], at: tuple[float, float]
) -> Interval:
    """The exact one of a share of so many trials, fewer by what Student's t is wider than the normal distribution."""
    (tail, degrees), (lowest, highest) = at, bounds
    known = 1 - likeness(value, deviation, bounds) / len(deviation)
    trials = (value - lowest) * (highest - value) / (standard_error(deviation) ** 2 * known)
    if not 0 < trials < MOST_TRIALS:
        return Interval(value, value, value)
    trials *= float(ndtri(tail) / stdtrit(degrees, tail)) ** 2
    low, high = binomial_ends((value - lowest) / (highest - lowest), trials, tail)
    return Interval(value, lowest + low * (highest - lowest), lowest + high * (highest - lowest))


def binomial_ends(share: float, trials: float, tail: float) -> tuple[float, float]:
    """Of a share strictly between 0 and 1 of so many trials, which need not be whole."""
    hits = share * trials
    low = betaincinv(hits, trials - hits + 1, tail)
    high = betaincinv(hits + 1, trials - hits, 1 - tail)
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


def mixed(one: Interval, other: Interval, share: float) -> Interval:
    """As much of the first as `share`."""
    low, high = (share * mine + (1 - share) * yours for mine, yours in zip(one[1:], other[1:], strict=True))
    return Interval(one.value, low, high)


def wider(one: Interval, other: Interval) -> Interval:
    return Interval(one.value, min(one.low, other.low), max(one.high, other.high))


def statistic_interval(
    value: float,
    left_out: Float[np.ndarray, " part"],
    bounds: tuple[float, float],
    freedom: float | None = None,
) -> Interval:
    """Interval of any statistic, of which `left_out` are those without each of some equal parts of the subjects.

    The rule is that of `subject_interval`. Where the statistic is not defined without some part, or does not vary, the
    interval is the exact one.
    """
    parts = len(left_out)
    if not np.isfinite(left_out).all():
        return exact_interval(value, parts, bounds)
    return subject_interval(value, (parts - 1) * (value - left_out), bounds, freedom=freedom)


def exact_interval(value: float, subjects: int, bounds: tuple[float, float], tail: float = TAIL) -> Interval:
    """Interval when every subject has the same value: a share of the others, at most p, may lie at a bound.

    p is the upper end of the binomial interval for none in n, so 40 of 40 gives [0.912, 1], never [1, 1]. On the side
    of an infinite bound the end is infinite, since nothing says how far others may lie: see `metrics.outcome_of`.

    Source: Clopper and Pearson 1934.
    """
    share = 1 - tail ** (1 / subjects)
    return Interval(value, value - share * (value - bounds[0]), value + share * (bounds[1] - value))
