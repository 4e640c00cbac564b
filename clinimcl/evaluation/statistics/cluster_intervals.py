"""Intervals of any statistic of items that belong to subjects: each subject is left out in turn, with all of theirs."""

from collections.abc import Callable, Iterable
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from clinimcl.evaluation.statistics import class_tables
from clinimcl.evaluation.statistics.class_tables import Pulls, Table
from clinimcl.evaluation.statistics.intervals import (
    SMALLEST_DEVIATION,
    TAIL,
    Interval,
    exact_interval,
    subject_interval,
)
from clinimcl.evaluation.statistics.metrics import Absent, Outcome, outcome_of

CHUNK = 2_000_000  # weights that are held at once
LEVEL = 0.05  # of the intervals' test of no difference

Statistic = Callable[[Float[np.ndarray, "stack item"]], Float[np.ndarray, "stack *value"]]


class Clusters(NamedTuple):
    """Items, and the one or two subjects of each, counted from 0."""

    one: Int[np.ndarray, " item"]
    other: Int[np.ndarray, " item"]  # the same as `one` but for pairs of two people
    subjects: int
    seed: int  # of what is drawn by chance

    def weights(self, counts: Float[np.ndarray, "stack subject"]) -> Float[np.ndarray, "stack item"]:
        """How often an item is in each sample: a pair of two people as often as the product of their counts.

        The product errs on the wide side where pairs of the same two people have little in common.

        Source: Owen 2007, The pigeonhole bootstrap, section 3.
        """
        own = counts[:, self.one]
        return np.where(self.one == self.other, own, own * counts[:, self.other])


def clusters_of(one: Int[np.ndarray, " item"], other: Int[np.ndarray, " item"], seed: int) -> Clusters:
    """Subjects are counted from 0."""
    return Clusters(one, other, int(max(one.max(), other.max())) + 1, seed)


class Replicates(NamedTuple):
    """A statistic of all subjects, and with each of them left out; of tables, with the tables."""

    whole: Float[np.ndarray, "1 *value"]
    left_out: Float[np.ndarray, "subject *value"]
    items: int
    tables: tuple[Table, ...] = ()  # two of a difference
    pulls: Pulls | None = None  # of the classes, of a statistic that needs both and is no sum of either

    def map(self, function: Callable[[np.ndarray], np.ndarray]) -> "Replicates":
        """A function of the statistic, given a stack of it."""
        mapped = tuple(table.map(function) for table in self.tables)
        return Replicates(function(self.whole), function(self.left_out), self.items, mapped)

    def minus(self, other: "Replicates") -> "Replicates":
        """Paired: both were replicated by the same subjects."""
        whole, left_out = self.whole - other.whole, self.left_out - other.left_out
        pulls = self.pulls.minus(other.pulls) if self.pulls and other.pulls else None
        return Replicates(whole, left_out, self.items, (*self.tables, *other.tables), pulls)

    @property
    def loneliest(self) -> int:
        """Subjects of the class that the fewest have; of no classes, all."""
        if self.pulls:
            return self.pulls.loneliest
        return class_tables.loneliest(self.tables) if self.tables else len(self.left_out)


def replicate(clusters: Clusters, statistic: Statistic) -> Replicates:
    """`statistic` takes a stack of weights of the items, and gives a value for each of the stack."""
    size = max(1, CHUNK // max(len(clusters.one), 1))

    def over(counts: Float[np.ndarray, "stack subject"]) -> Float[np.ndarray, "stack *value"]:
        starts = range(0, len(counts), size)
        return np.concatenate([statistic(clusters.weights(counts[start : start + size])) for start in starts])

    everyone = np.ones((1, clusters.subjects))
    return Replicates(over(everyone), over(1 - np.eye(clusters.subjects)), len(clusters.one))


def item_mean(clusters: Clusters, values: Float[np.ndarray, " item"]) -> Replicates:
    """Mean over the items."""
    return replicate(clusters, lambda weights: ratio(weights @ values, weights.sum(axis=1)))


def tabulate(clusters: Clusters, cells: Float[np.ndarray, "item cell"], shape: tuple[int, ...]) -> Replicates:
    """Sums of the items' cells, as tables of this shape whose last two axes are the class and the answer."""
    sums = replicate(clusters, lambda weights: (weights @ cells).reshape(-1, *shape))
    return sums._replace(tables=(Table(sums.whole[0], sums.whole - sums.left_out, (lambda stack: stack,)),))


def metric(replicates: Replicates, bounds: tuple[float, float], a_class: int | None = None) -> Outcome:
    """The value with its interval: that of `subject_interval`, or, of a statistic over classes, of `class_interval`.

    `a_class` is the number of subjects that such a statistic rests on. The interval of a difference of two tables holds
    0 where exchanging the answers of a subject's two tables makes as large a difference in more than 5 %.
    """
    value, subjects = float(replicates.whole[0]), len(replicates.left_out)
    if subjects < 2:
        return Absent(f"an interval over subjects needs at least 2 of them, and {subjects} can be measured")
    if not np.isfinite(value):
        return Absent("it is not defined for these answers")
    if a_class is not None and replicates.loneliest < 2:
        return Absent("one of the classes is that of a single subject, and an interval needs at least 2 of each")
    interval_at = spread(replicates, bounds, a_class)
    if interval_at is None:
        return Absent("it hangs on one subject alone: without that subject it is not defined")
    interval = interval_at(TAIL)
    if class_tables.exchangeable(replicates.tables) and class_tables.exchange_p(replicates.tables) > LEVEL:
        interval = Interval(value, min(interval.low, 0.0), max(interval.high, 0.0))
    return outcome_of(interval, subjects, replicates.items)


def class_subjects(sizes: Iterable[int]) -> int:
    """Subjects that a mean over classes rests on: the harmonic mean of those of each class, rounded down."""
    counted = list(sizes)
    return max(1, int(len(counted) / sum(1 / size for size in counted)))


def spread(
    replicates: Replicates, bounds: tuple[float, float], a_class: int | None = None
) -> Callable[[float], Interval] | None:
    """Interval given what each end leaves out; None where the statistic is not defined without one of the subjects."""
    value = float(replicates.whole[0])
    if replicates.pulls:
        return class_tables.combined_interval(replicates.pulls, value)
    if a_class is not None and replicates.tables:
        return class_tables.class_interval(replicates.tables, value)
    deviation = (len(replicates.left_out) - 1) * (value - replicates.left_out)
    if not np.isfinite(deviation).all():
        return None
    if a_class is not None and np.ptp(deviation) < SMALLEST_DEVIATION:
        return lambda tail: exact_interval(value, a_class, bounds, tail)
    return lambda tail: subject_interval(value, deviation, bounds, tail)


def jackknife_error(left_out: Float[np.ndarray, " subject"]) -> float:
    """Standard error. Source: Efron and Tibshirani 1993, eq. 11.5."""
    subjects = len(left_out)
    return float(np.sqrt((subjects - 1) / subjects * ((left_out - left_out.mean()) ** 2).sum()))


def ratio(top: Float[np.ndarray, "*shape"], bottom: Float[np.ndarray, "*shape"]) -> Float[np.ndarray, "*shape"]:
    """NaN where there is nothing to divide by."""
    return np.divide(top, bottom, out=np.full(np.shape(top), np.nan), where=bottom > 0)
