"""The gap between the best and the worst group; its interval knows that both were picked."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from scipy.stats import norm, t

from clinimcl.evaluation.groups.effects import SMALLEST, Effects, standard_errors
from clinimcl.evaluation.groups.permutation import Equality
from clinimcl.evaluation.statistics.intervals import TAIL
from clinimcl.evaluation.statistics.metrics import Metric

DRAWS = 20_000

Values = Float[np.ndarray, " group"]
Broadcast = Float[np.ndarray, "#group #group"]
Square = Float[np.ndarray, "group group"]


class Gap(NamedTuple):
    """Highest minus lowest value of the groups, with its 95 % interval."""

    value: float
    low: float
    high: float


def gap(groups: list[Metric], alike: Square, most: float, least: float | None) -> Gap:
    """Of at least two groups, whose values have the correlations `alike`; at most `most`.

    Every two groups get an interval of their difference, so wide that with 95 % all of them hold.
    Then the true gap, whichever groups it is between, is at least the largest of the lower ends
    and at most the largest of the upper ones. A pair's ends are as far from its difference as the
    root of the summed squares of what its groups' own intervals reach, so bounds and rare classes
    count as they do there. `least` is the `least_gap` of the test that all groups are equal, None
    where there is none: the interval holds 0 just where the test does not reject.

    Source: Games and Howell 1976; with correlations Hothorn, Bretz and Westfall 2008, section 3.1;
    ends by Zou 2007, eq. 15. Simulated coverage: experiments/groups.
    """
    value = np.array([group.value for group in groups])
    below, above = reaches(groups, alike)
    difference = value[:, None] - value[None, :]
    down = difference - joint(below[:, None], above[None, :], alike)
    up = difference + joint(above[:, None], below[None, :], alike)
    low = max(0.0, float(down.max()))
    widest = float(np.ptp(value))
    if least is not None:
        low = max(low, least) if least > 0 else 0.0
    return Gap(widest, min(low, widest), max(widest, min(float(up.max()), most)))


def least_gap(found: Effects, test: Equality) -> float:
    """The smallest true gap that the test does not reject, above 0 just where it rejects 0.

    Groups that do not vary have no such end of their own.

    Source: Lehmann and Romano 2005, Testing Statistical Hypotheses, section 3.5: a bound is a test
    turned round. Labels that mean nothing tell what the studentised range reaches by chance.
    """
    if test.p > 2 * TAIL:
        return 0.0
    first, second = np.triu_indices(found.value.shape[1], 1)
    difference = np.abs(found.value[0, first] - found.value[0, second])
    error = standard_errors(found)[0]
    ends = (difference - test.critical * error)[error > 0]
    return max(SMALLEST, *ends.tolist())


def joint(one: Broadcast, other: Broadcast, alike: Square) -> Square:
    """How far a difference reaches, of two values that reach so far."""
    return np.sqrt(np.maximum(one**2 + other**2 - 2 * alike * one * other, 0.0))


def reaches(groups: list[Metric], alike: Square) -> tuple[Values, Values]:
    """How far below and above its value each group's interval reaches, widened for all pairs."""
    ends = np.array([[group.value - group.low, group.high - group.value] for group in groups])
    degrees = np.array([group.n_subjects - 1 for group in groups])
    tail = norm.sf(critical(ends.sum(axis=1), alike))
    below, above = (ends * (t.isf(tail, degrees) / t.isf(TAIL, degrees))[:, None]).T
    return below, above


def critical(width: Values, alike: Square) -> float:
    """What the largest of all standardised differences stays below in 95 %: 1.96 for two groups.

    Drawn from a normal distribution, always from the same seed.
    """
    if len(width) == 2:
        return float(norm.isf(TAIL))
    covariance = alike * np.outer(width, width)
    first, second = np.triu_indices(len(width), 1)
    variance = np.diag(covariance)
    squared = variance[first] + variance[second] - 2 * covariance[first, second]
    varies = squared > SMALLEST * width.max() ** 2
    rng = np.random.default_rng(0)
    drawn = rng.multivariate_normal(np.zeros(len(width)), covariance, DRAWS, method="eigh")
    largest = np.zeros(DRAWS)
    for one, other, square in zip(first[varies], second[varies], squared[varies], strict=True):
        apart = np.abs(drawn[:, one] - drawn[:, other]) / np.sqrt(square)
        largest = np.maximum(largest, apart)
    return float(np.quantile(largest, 1 - 2 * TAIL))
