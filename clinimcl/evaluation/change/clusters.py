"""Intervals of any statistic of items that belong to subjects: subjects are drawn, with all that is theirs."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int
from scipy.stats import t

from clinimcl.evaluation.intervals import RESAMPLES, TAIL, Interval, bca, exact_interval
from clinimcl.evaluation.metrics import Absent, Metric, Outcome

FEW = 30  # subjects, below which the bootstrap's intervals are too narrow
CHUNK = 2_000_000  # weights that are held at once

Statistic = Callable[[Float[np.ndarray, "stack item"]], Float[np.ndarray, "stack *value"]]


class Clusters(NamedTuple):
    """Items, the one or two subjects of each, and how often a resample draws a subject."""

    one: Int[np.ndarray, " item"]
    other: Int[np.ndarray, " item"]  # the same as `one` but for pairs of two people
    draws: Float[np.ndarray, "resample subject"]  # no rows where there are few subjects

    def weights(self, counts: Float[np.ndarray, "stack subject"]) -> Float[np.ndarray, "stack item"]:
        """How often an item is in each resample: a pair of two people as often as the product of their draws.

        The product errs on the wide side where pairs of the same two people have little in common.

        Source: Owen 2007, The pigeonhole bootstrap, section 3.
        """
        own = counts[:, self.one]
        return np.where(self.one == self.other, own, own * counts[:, self.other])


def clusters_of(one: Int[np.ndarray, " item"], other: Int[np.ndarray, " item"], seed: int) -> Clusters:
    """Subjects are counted from 0. The same seed draws the same resamples, so that differences are paired."""
    subjects = int(max(one.max(), other.max())) + 1
    resamples = RESAMPLES if subjects >= FEW else 0
    draws = np.random.default_rng(seed).multinomial(subjects, np.full(subjects, 1 / subjects), size=resamples)
    return Clusters(one, other, draws.astype(float))


class Replicates(NamedTuple):
    """A statistic of all subjects, of every resample of them, and with each of them left out."""

    whole: Float[np.ndarray, "1 *value"]
    resampled: Float[np.ndarray, "resample *value"]
    left_out: Float[np.ndarray, "subject *value"]
    items: int

    def map(self, function: Callable[[np.ndarray], np.ndarray]) -> "Replicates":
        """A function of the statistic, given a stack of it."""
        return Replicates(function(self.whole), function(self.resampled), function(self.left_out), self.items)

    def minus(self, other: "Replicates") -> "Replicates":
        """Paired: both were replicated by the same subjects."""
        return Replicates(
            self.whole - other.whole, self.resampled - other.resampled, self.left_out - other.left_out, self.items
        )


def replicate(clusters: Clusters, statistic: Statistic) -> Replicates:
    """`statistic` takes a stack of weights of the items, and gives a value for each of the stack."""
    subjects, items = clusters.draws.shape[1], len(clusters.one)
    size = max(1, CHUNK // max(items, 1))

    def over(counts: Float[np.ndarray, "stack subject"]) -> Float[np.ndarray, "stack *value"]:
        starts = range(0, max(len(counts), 1), size)
        return np.concatenate([statistic(clusters.weights(counts[start : start + size])) for start in starts])

    everyone = np.ones((1, subjects))
    return Replicates(over(everyone), over(clusters.draws), over(1 - np.eye(subjects)), items)


def metric(replicates: Replicates, bounds: tuple[float, float], agreeing: int | None = None) -> Outcome:
    """The value with its interval: BCa, or Student's t of the jackknife below 30 subjects.

    `agreeing` is the number of subjects for the exact interval, where nothing varies; all of them by default.
    """
    value, subjects = float(replicates.whole[0]), len(replicates.left_out)
    if subjects < 2:
        return Absent(f"an interval over subjects needs at least 2 of them, and {subjects} can be measured")
    if not np.isfinite(value):
        return Absent("it is not defined for these answers")
    interval = spread(replicates, value, bounds)
    if interval is None:
        lowest, highest = max(bounds[0], value - 1), min(bounds[1], value + 1)
        interval = exact_interval(value, agreeing or subjects, (lowest, highest))
    return Metric(*interval, n_subjects=subjects, n_items=replicates.items)


def spread(replicates: Replicates, value: float, bounds: tuple[float, float]) -> Interval | None:
    """None where nothing varies, or where the statistic hangs on one subject alone."""
    resampled = replicates.resampled[np.isfinite(replicates.resampled)]
    if not np.isfinite(replicates.left_out).all():
        return None
    if len(resampled) >= RESAMPLES / 2:
        interval = bca(value, resampled, replicates.left_out)
    else:
        interval = cluster_t(value, replicates.left_out)
    low, high = max(interval.low, min(bounds[0], value)), min(interval.high, max(bounds[1], value))
    return Interval(value, low, high) if high - low > 1e-9 else None


def cluster_t(value: float, left_out: Float[np.ndarray, " subject"]) -> Interval:
    """Student's t with n − 1 degrees of freedom times the standard error of the jackknife over subjects.

    Source: t for few clusters: Cameron and Miller 2015, section VI.
    """
    half = float(t.ppf(1 - TAIL, len(left_out) - 1)) * jackknife_error(left_out)
    return Interval(value, value - half, value + half)


def jackknife_error(left_out: Float[np.ndarray, " subject"]) -> float:
    """Standard error. Source: Efron and Tibshirani 1993, eq. 11.5."""
    subjects = len(left_out)
    return float(np.sqrt((subjects - 1) / subjects * ((left_out - left_out.mean()) ** 2).sum()))


def ratio(top: Float[np.ndarray, "*shape"], bottom: Float[np.ndarray, "*shape"]) -> Float[np.ndarray, "*shape"]:
    """NaN where there is nothing to divide by."""
    return np.divide(top, bottom, out=np.full(np.shape(top), np.nan), where=bottom > 0)
